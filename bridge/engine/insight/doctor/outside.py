"""Checks of what is outside: Apple's service and the MDM servers, by calls that only read."""

from __future__ import annotations

from collections.abc import Iterator

from bridge.clients.apple.replies import ClientConfig
from bridge.clients.mdm.port import MdmServer
from bridge.domain.reasons import REASONS
from bridge.engine.calls.apple import verdict_of
from bridge.engine.insight.doctor import unlisted
from bridge.engine.insight.doctor.finding import Case, Finding, Stored, fail, ok, warn
from bridge.errors import CallError, MdmRefused, NotSent, TokenUnusable
from bridge.store.licences.locations import Location

_NETWORK = "check the address, the network and the proxy between"
_NOBODY = "BRIDGE-DOCTOR"
"""A serial number and UDID of no device: the questions are answered with nothing."""
_KEY_NOT_TRIED = "its key is tried by the first command only: there is nothing to be read from it"


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
                yield _failed("Apple", error)
                return
            reached = True
            yield ok(
                "Apple",
                f"{case.config.apple_url} answers; at most {limits.max_assets} apps × "
                f"{limits.max_serial_numbers} devices a request, "
                f"{limits.max_request_per_second} requests a second",
            )
        try:
            config = client.client_config()
        except CallError as error:
            yield _failed(f"Apple {name}", error)
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
            yield _failed(part, error)
        else:
            text = f"it answers ({status} to HEAD /); vpp-bridge alerts test sends it a message"
            yield ok(part, text)


def mdm(case: Case, stored: Stored | None) -> Iterator[Finding]:
    """Each MDM server: whether it can be reached, lets us in, and is new enough."""
    for name, config in case.config.servers.items():
        part, client = f"MDM {name}", case.clients.mdm(name)
        can, is_paused = client.abilities, stored is not None and stored.pauses.over_all is not None
        try:
            version = client.version()
            if can.device_list and not is_paused:
                client.devices([_NOBODY])  # a POST, which a pause of everything forbids
        except CallError as error:
            yield _failed(part, error)
            continue
        key = "key accepted" if can.device_list or can.queue_view else _KEY_NOT_TRIED
        yield ok(part, f"{config.url} answers, version {version}; {key}")
        if can.queue_view:
            yield from _queue(part, client)
        if not can.device_list:
            yield from unlisted.devices(case, name, stored)


def _queue(part: str, client: MdmServer) -> Iterator[Finding]:
    try:
        client.queue(_NOBODY)
    except MdmRefused as error:
        if error.status not in (404, 405):
            yield _failed(part, error)
            return
        text = "it does not show a device's queue, so nothing is sent through it"
        yield fail(part, text, "update it to MicroMDM 1.12 or newer")
    except CallError as error:
        yield _failed(part, error)


def _failed(part: str, error: CallError) -> Finding:
    verdict = verdict_of(error)
    if verdict is not None:
        reason = REASONS.get(verdict.reason)
        return fail(part, f"{verdict.cause}: {error}", reason.next if reason else "")
    return fail(part, str(error), _NETWORK if isinstance(error, NotSent) else "")
