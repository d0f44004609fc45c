"""`init`: what a bridge needs is asked for, tested and written."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import click

from bridge.cli import show
from bridge.cli.insight.doctor import show_finding
from bridge.cli.params import json_option
from bridge.cli.root import BAD_NEWS, USAGE, Settings
from bridge.clients.mdm.adapters import ADAPTERS
from bridge.config import Config, load_config
from bridge.config.draft import ENV, SERVER, Draft, OwnedApp, write
from bridge.config.model import APPLE_URL, KIND
from bridge.engine.client_pool import ClientPool, Transports
from bridge.engine.insight.doctor import Case, Finding, first
from bridge.engine.insight.doctor.hooks import over_http
from bridge.errors import ConfigError
from bridge.store.database import database_at

SOURCE = f"set -a; . ./{ENV}; set +a"

Check = Callable[[Case], Iterator[Finding]]


@click.command()
@click.option("--server", "url", metavar="URL", help="The MDM server's URL.")
@click.option("--kind", type=click.Choice(sorted(ADAPTERS)), default=KIND, show_default=True)
@click.option(
    "--key",
    metavar="KEY",
    help="The server's API key; better in $MICROMDM_API_KEY ($NANOMDM_API_KEY, $NANOHUB_API_KEY), "
    "where no list of processes shows it.",
)
@click.option(
    "--token-file",
    "token",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="The content token (.vpptoken) as downloaded.",
)
@click.option(
    "--public-url",
    metavar="URL",
    help="What Apple can reach, https; empty for none: then Apple is asked instead.",
)
@click.option("--listen", default="127.0.0.1:9008", show_default=True, metavar="HOST:PORT")
@click.option("--apple-url", default=APPLE_URL, metavar="URL", help="Another Apple: a simulator's.")
@click.option("--untested", is_flag=True, help="Write the files though a test failed.")
@click.option("--replace", "anew", is_flag=True, help="Replace files that are there.")
@json_option
@click.pass_obj
def init(
    settings: Settings,
    url: str | None,
    kind: str,
    key: str | None,
    token: Path | None,
    public_url: str | None,
    listen: str,
    apple_url: str,
    untested: bool,
    anew: bool,
    as_json: bool,
) -> int:
    """Write config.yaml and bridge.env, after asking for what is needed and testing it.

    What no option says is asked for: the MDM server's URL and API key, the content token's file,
    and the URL that Apple can reach. Each answer is tested at once, by calls that only read. Two
    keys are drawn, for the API and for the webhook. Both files are readable for you alone. Then it
    says what to run next, with the MDM server's own flag ready to paste. Exit code 1 when a test
    failed and nothing was written; 2 when something is missing and nobody can be asked.
    """
    place = settings.config_path.parent
    files = (settings.config_path, place / ENV)
    there = [str(path) for path in files if path.exists()]
    if there and not anew:
        show.line(
            f"nothing was written: {' and '.join(there)} is there already; say --replace, or "
            "--config FILE for another place",
            error=True,
        )
        return USAGE
    asking = Asking(settings, Draft(kind=kind, listen=listen, apple_url=apple_url), place)
    asking.quiet, asking.untested = as_json, untested
    given = key or os.environ.get(asking.draft.key_variable)
    missing = [
        name
        for name, value in (
            ("--server", url),
            (f"${asking.draft.key_variable}", given),
            ("--token-file", token),
            ("--public-url", public_url),
        )
        if value is None
    ]
    if missing and not show.can_ask():
        show.line(f"nothing was written: nobody can be asked for {', '.join(missing)}", error=True)
        return USAGE
    if not (asking.server(url, given) and asking.location(token) and asking.public(public_url)):
        show.line("nothing was written: mend that, or say --untested", error=True)
        return BAD_NEWS
    draft = asking.draft
    with _case(settings, draft, place) as case:
        apps = first.owned(case.clients) if asking.is_well else []
        webhook = case.config.webhook_url(SERVER, with_key=True)
    try:
        write({files[0]: draft.as_yaml(apps), files[1]: draft.as_env()}, replace=anew)
    except OSError as error:
        show.line(f"{error.filename or place}: {error.strerror}", error=True)
        return BAD_NEWS
    commands = _commands(files[0], f"{ADAPTERS[kind].abilities.words.webhook_flag} '{webhook}'")
    if as_json:
        show.as_json(
            {
                "config": str(files[0]),
                "env": str(files[1]),
                "webhook_flag": ADAPTERS[kind].abilities.words.webhook_flag,
                "webhook_url": webhook,
                "owned": [{"adam_id": a.adam_id, "name": a.name, "seats": a.seats} for a in apps],
                "next": commands,
            }
        )
    else:
        _tell(files, apps, commands, kind)
    return 0


class Asking:
    """The draft as far as it is known: one answer after the other, each tested."""

    quiet = False
    untested = False

    def __init__(self, settings: Settings, draft: Draft, place: Path) -> None:
        self._settings = settings
        self._place = place
        self.draft = draft
        self.is_well = True

    def server(self, url: str | None, key: str | None) -> bool:
        """The MDM server; whether to go on."""

        def ask() -> None:
            self.draft = replace(
                self.draft,
                url=url or click.prompt(f"URL of {self.draft.kind}", err=True),
                server_key=key or click.prompt("Its API key", hide_input=True, err=True),
            )

        return self._until_well(ask, first.server, is_given=bool(url and key))

    def location(self, token: Path | None) -> bool:
        """The content token; whether to go on."""

        def ask() -> None:
            named = token or Path(click.prompt("File of the content token (.vpptoken)", err=True))
            path = named.expanduser().resolve()
            inside = path.is_relative_to(self._place.resolve())
            self.draft = replace(
                self.draft, token=path.relative_to(self._place.resolve()) if inside else path
            )

        return self._until_well(ask, first.location, is_given=token is not None)

    def public(self, public_url: str | None) -> bool:
        """The URL that Apple can reach, if there is one; whether to go on."""

        def ask() -> None:
            text = public_url
            if text is None:
                question = "URL that Apple can reach, https (empty: none, Apple is asked instead)"
                text = click.prompt(question, default="", show_default=False, err=True)
            self.draft = replace(self.draft, public_url=text.strip() or None)

        def check(case: Case) -> Iterator[Finding]:
            if case.config.public_url is not None:
                yield from first.public_url(case.config, self._settings.transports or Transports())

        return self._until_well(ask, check, is_given=public_url is not None)

    def _until_well(self, ask: Callable[[], None], check: Check, *, is_given: bool) -> bool:
        while True:
            ask()
            if self._test(check):
                return True
            if self.untested:
                self.is_well = False
                return True
            if is_given or not click.confirm("Try again?", default=True, err=True):
                return False

    def _test(self, check: Check) -> bool:
        try:
            with _case(self._settings, self.draft, self._place) as case:
                found = list(check(case))
        except ConfigError as error:
            for mistake in error.mistakes:
                show.line(mistake.partition("config.yaml:")[2] or mistake, error=True)
            return False
        for finding in found:
            if not self.quiet:
                show_finding(finding)
            elif finding.level == "fail":
                show_finding(finding, error=True)
        return all(finding.level != "fail" for finding in found)


@contextmanager
def _case(settings: Settings, draft: Draft, place: Path) -> Iterator[Case]:
    """What is tested: the draft as a configuration, read as `serve` will read it."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "config.yaml"
        token = place / draft.token if draft.token is not None else None
        path.touch(0o600)
        path.write_text(replace(draft, token=token and token.resolve()).as_yaml())
        config: Config = load_config(path, {**os.environ, **draft.variables()})
        database = database_at(config.database)
        yield Case(
            config=config,
            database=database,
            trouble=None,
            lock=database.engine_lock(),
            clients=ClientPool(config, settings.clock, settings.transports or Transports()),
            ask=settings.ask or over_http(config.listen),
            ask_outside=None,
            now=settings.clock(),
        )


def _commands(config: Path, webhook: str) -> list[str]:
    where = "" if config == Path("config.yaml") else f" --config {config}"
    return [webhook, f"{SOURCE}; vpp-bridge{where} serve", f"{SOURCE}; vpp-bridge{where} apply"]


def _tell(
    files: Sequence[Path], apps: Sequence[OwnedApp], commands: Sequence[str], kind: str
) -> None:
    show.line()
    show.line(f"Written: {files[0]}, and {files[1]} with the keys.")
    if apps:
        show.line(f"Choose apps in {files[0]}; its location owns:")
        rows: list[tuple[Any, ...]] = [(a.adam_id, a.name, a.seats) for a in apps]
        show.table(("adam id", "name", "seats"), rows)
    show.heading("Next")
    words = (
        f"Start {kind} with this flag:",
        "Start the bridge:",
        "In another shell, store what the file wants:",
    )
    for number, (text, command) in enumerate(zip(words, commands, strict=True), 1):
        show.line(f"{number}. {text}")
        click.echo(f"   {command}")
