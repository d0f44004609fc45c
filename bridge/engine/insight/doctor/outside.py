"""Checks of Apple's service and of each location as Apple has it, by calls that only read."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

from bridge.clients.apple.replies import ClientConfig
from bridge.config.model import APPLE_URL
from bridge.domain.reasons import REASONS
from bridge.engine.calls.apple import verdict_of
from bridge.engine.insight.doctor.finding import Case, Finding, Stored, fail, ok, warn
from bridge.engine.insight.doctor.mends import address, mend
from bridge.errors import CallError, TokenUnusable
from bridge.store.licences.locations import Location

_NOT_FOUND, _PROXY = 404, 407
_SERVER_ERROR = 500
_STATUS = "https://www.apple.com/support/systemstatus/"


def apple(case: Case, stored: Stored | None) -> Iterator[Finding]:
    """Apple's service, and each location as Apple has it."""
    reached = False
    owners: dict[str, str] = {}
    for name in case.config.locations:
        try:
            client = case.clients.apple(name)
        except TokenUnusable:
            yield fail(f"Apple {name}", "not asked: its token cannot be used", "mend the token")
            continue
        if not reached:
            try:
                limits = client.service_config().limits
            except CallError as error:
                yield _failed(case, name, "Apple", error)
                return
            reached = True
            way = case.clients.way("apple", name)
            through = f" through the proxy {way.proxy}" if way is not None and way.proxy else ""
            yield ok(
                "Apple",
                f"{case.config.apple_url} answers{through}; at most {limits.max_assets} apps × "
                f"{limits.max_serial_numbers} devices a request, "
                f"{limits.max_request_per_second} requests a second",
            )
        try:
            config = client.client_config()
        except CallError as error:
            yield _failed(case, name, f"Apple {name}", error)
        else:
            yield from _location(case, name, config, stored)
            for said in stored.odd[name] if stored else ():
                yield warn(f"Apple {name}", said, "report it to Apple and to this project")
            owner = owners.setdefault(config.envelope.library_uid or name, name)
            if owner != name:
                text = f"its library is that of {owner}, so nothing is written there"
                yield fail(f"Apple {name}", text, REASONS["SHARED_LIBRARY"].next)


def _location(
    case: Case, name: str, config: ClientConfig, stored: Stored | None
) -> Iterator[Finding]:
    part = f"Apple {name}"
    library = config.envelope.library_uid
    yield ok(part, f"{config.location_name or 'a location without a name'}, library {library}")
    before = stored.locations[name] if stored else None
    if before is not None and before.registered_at and before.library_uid not in (None, library):
        text = f"the token is now one of another library than before ({before.library_uid})"
        yield fail(part, text, REASONS["TOKEN_OTHER_LIBRARY"].next)
        return
    mdm = config.envelope.mdm_info
    if mdm is None:
        yield _unmanaged(case, name, config, before)
    elif stored is not None and mdm.id == stored.instance_id:
        yield ok(part, "managed by this bridge")
        yield from _notifications(case, name, config, before)
    elif stored is not None:
        yield fail(
            part,
            f"managed by another MDM: {mdm.name or mdm.id}",
            REASONS["FOREIGN_MDM"].next,
        )


def _unmanaged(case: Case, name: str, config: ClientConfig, before: Location | None) -> Finding:
    part, theirs = f"Apple {name}", config.notification_url
    ours = (case.config.notification_url(name), before.told_url if before else None)
    if theirs and theirs not in ours:
        text = f"no MDM is named, but notifications go to {theirs}"
        return fail(part, text, REASONS["FOREIGN_MDM"].next)
    return ok(part, "managed by nobody; the bridge registers when an applied app uses it")


def _notifications(
    case: Case, name: str, config: ClientConfig, before: Location | None
) -> Iterator[Finding]:
    part, desired = f"Apple {name}", case.config.notification_url(name)
    if desired is None:
        if config.notification_url:
            text = f"notifications still go to {config.notification_url}: Apple documents no way"
            yield ok(part, f"{text} to take an address back, and none is needed")
        return
    if before is not None and before.url_refused and config.notification_url != desired:
        yield warn(part, before.url_refused, "the bridge tries it again by itself")
    elif config.notification_url == desired:
        yield ok(part, f"notifications go to {desired}")
    elif config.notification_url:
        text = f"notifications go to {config.notification_url}, not to {desired}"
        yield warn(part, text, "serve tells Apple within the hour; a restart does at once")
    else:
        text = f"no notifications are sent to {desired}: Apple was not told, or could not reach it"
        yield warn(part, text, "see that Apple can reach it over https, then restart serve")


def receivers(case: Case) -> Iterator[Finding]:
    """Receivers of alerts: whether they can be reached, by a request that alarms nobody."""
    for name in case.config.alerts:
        part = f"alerts {name}"
        try:
            status = case.clients.reach(name)
        except CallError as error:
            there = address(f"https://{name}", "the URL under alerts", "alerts", None)
            yield fail(part, str(error), mend(error.hitch, there))
        else:
            text = f"it answers ({status} to HEAD /); vpp-bridge alerts test sends it a message"
            yield ok(part, text)


def _failed(case: Case, name: str, part: str, error: CallError) -> Finding:
    """What Apple said, or what kept us from it, and the mend."""
    verdict = verdict_of(error)
    if verdict is not None and verdict.kind != "way":
        reason = REASONS.get(verdict.reason)
        mend = reason.next if reason else ""
        return fail(part, f"{verdict.cause}: {error}", _waits(error, mend))
    return fail(part, str(error), _waits(error, _mend(case, name, error)))


def _mend(case: Case, name: str, error: CallError) -> str:
    url = case.config.apple_url
    there = address(url, "apple.url", "apple", case.clients.way("apple", name))
    if error.hitch or error.status == _PROXY:
        return mend(error.hitch or "proxy", there)
    if error.status == _NOT_FOUND:
        return f"leave apple.url out, or end it in {urlsplit(APPLE_URL).path}, as {APPLE_URL} does"
    if error.status is not None and error.status >= _SERVER_ERROR:
        return f"nothing here: Apple has trouble of its own, and is asked again; see {_STATUS}"
    return "see that apple.url is right and no proxy or portal between answers in Apple's place"


def _waits(error: CallError, mend: str) -> str:
    """The mend, and for how long Apple asks to wait."""
    if not error.retry_after:
        return mend
    wait = f"Apple asks to wait {error.retry_after:.0f} s, which the bridge does by itself"
    return f"{mend}; {wait}" if mend else wait
