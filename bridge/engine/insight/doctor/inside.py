"""Checks of what is here: the configuration, the database, the token files."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from bridge.clients.mdm import adapters
from bridge.config import Part
from bridge.domain.licences.token_end import WARN_DAYS
from bridge.domain.reasons import REASONS
from bridge.domain.wording import counted
from bridge.engine.insight.doctor.finding import Case, Finding, Stored, fail, ok, warn
from bridge.errors import ConfigError, NoDatabase, ShapeError, StoreDamaged
from bridge.wire.content_token import ContentToken, parse_content_token

CHECK_WITHIN = 60.0
"""Seconds that the look through the database may take; enough for about 3 GB."""

MISTAKES_SHOWN = 10
_DAY = 86400.0
_RENEW = REASONS["TOKEN_EXPIRED"].next


def configuration(case: Case) -> Iterator[Finding]:
    """What the file warns of, and what it leaves out."""
    config = case.config
    yield ok("configuration", f"{config.path} can be used")
    for warning in config.warnings:
        yield warn("configuration", warning)
    for mistake in config.mistakes[:MISTAKES_SHOWN]:
        yield fail("groups and apps", mistake, "plan and apply are refused until it is mended")
    if more := len(config.mistakes[MISTAKES_SHOWN:]):
        yield fail("groups and apps", f"and {counted(more, 'more mistake')}", "plan names them all")
    parts: tuple[Part, ...] = ("servers", "locations", "api")
    for part in parts:
        try:
            config.require(part)
        except ConfigError as error:
            found = warn if part == "api" else fail
            yield found("configuration", error.mistakes[0])


def wishes(case: Case, stored: Stored) -> Iterator[Finding]:
    """Whether the file's groups and apps are what was applied."""
    if case.config.mistakes:
        return  # of them it was told, and what the file wants cannot be told
    if case.config.desired != stored.desired:
        text = "the file's groups and apps are not what was applied last"
        yield warn("configuration", text, "run vpp-bridge apply")


def in_setup(case: Case) -> Iterator[Finding]:
    """Who lets devices out of Setup Assistant, where the file has apps for it: what else may do so
    cannot be seen from here."""
    apps = [app for app in case.config.desired.apps if app.setup != "none"]
    if not apps:
        return
    for name, can in adapters.abilities(case.config.servers).items():
        who = "the bridge lets devices out of Setup Assistant"
        if not can.releases_setup:
            who = "somebody else lets devices out of Setup Assistant (release_setup is false)"
        also = can.words.also_releases
        yield ok("setup", f"{name}: {who}; see that {also} does not do it before their apps came")


def paused(stored: Stored) -> Iterator[Finding]:
    """What nothing is sent for."""
    for pause in stored.pauses.all:
        yield warn("paused", pause.shown.partition(";")[0], f"run {pause.resume}")


def serial_numbers(stored: Stored) -> Iterator[Finding]:
    """Which devices have no serial number, and which have another's."""
    for text in stored.claims:
        yield warn("serial numbers", text, "give each a serial number of its own and enrol it anew")
    for text in stored.shared:
        mend = "remove old records from the MDM server, and give copies a number of their own; "
        yield warn("serial numbers", text, f"{mend}until then the one enrolled last gets the apps")


def declarations(stored: Stored) -> Iterator[Finding]:
    """Where declarations, lists of managed apps and Apple's assignments disagree."""
    for each in stored.contradictions:
        yield warn("declarations", each["sentence"], each["mend"])


def looked_through(case: Case) -> tuple[Case, bool]:
    """The case, with the trouble that a look through the database file shows, and whether the look
    was finished.
    """
    if case.trouble is not None:
        return case, False
    seen = case.database.look().run(CHECK_WITHIN)
    if seen.problem is None:
        return case, seen.finished
    trouble = StoreDamaged(f"{case.database.name} {seen.problem}")
    trouble.mend = seen.mend
    return replace(case, trouble=trouble), True


def database(case: Case, *, finished: bool) -> Iterator[Finding]:
    """Whether the database can be used, and for how long; `finished` says that all of its file was
    looked through.
    """
    name = case.database.name
    wrong = case.database.misplaced() if isinstance(case.trouble, NoDatabase) else None
    if wrong is not None:
        yield fail(
            "database", f"there is none at {name}, and none can be: {wrong.text}", wrong.mend
        )
        return
    if case.trouble is not None:
        mend = case.trouble.mend
        yield fail("database", str(case.trouble).removesuffix(f": {mend}"), mend)
        return
    if finished:
        yield ok("database", f"{name}: sound")
    else:
        text = f"{name} was not looked through: {CHECK_WITHIN:g} s are over"
        yield warn("database", text, "run vpp-bridge backup, which looks at all that it copies")
    for each in case.database.noticed():
        yield Finding("database", each.level, each.text, each.mend)


def clock(stored: Stored) -> Iterator[Finding]:
    """That the clock was set lately."""
    if stored.clock_step is not None:
        yield warn("clock", stored.clock_step.shown, "see that the machine's time is kept (NTP)")


def tokens(case: Case) -> Iterator[Finding]:
    """The content tokens as they lie in their files."""
    for name, location in case.config.locations.items():
        part, path = f"token {name}", location.content_token_file
        try:
            token = parse_content_token(path.read_bytes())
        except OSError as error:
            yield fail(part, f"{path}: {error.strerror}", _token_mend(error, name, path))
            continue
        except ShapeError as error:
            yield fail(part, f"{path}: {error}", "put the .vpptoken file there as downloaded")
            continue
        yield _expiry(part, token, case.now)


def _token_mend(error: OSError, name: str, path: Path) -> str:
    if isinstance(error, PermissionError):
        return (
            f"let the user that runs the bridge read it, and nobody else: chown USER {path}, "
            f"chmod 600 {path}"
        )
    if isinstance(error, IsADirectoryError):
        return f"let locations.{name}.content_token_file name the .vpptoken file itself"
    return f"put the .vpptoken file there, or correct locations.{name}.content_token_file"


def _expiry(part: str, token: ContentToken, now: float) -> Finding:
    owner = f"for {token.organization}" if token.organization else "without an organisation"
    if token.expires_at is None:
        return warn(part, f"{owner}; it does not say when it expires")
    days = int((token.expires_at - now) // _DAY)
    if token.expires_at <= now:
        return fail(part, f"{owner}; it has expired", _RENEW)
    if token.expires_at - now < WARN_DAYS[0] * _DAY:
        return warn(part, f"{owner}; it expires in {days} days", _RENEW)
    return ok(part, f"{owner}; it expires in {days} days")
