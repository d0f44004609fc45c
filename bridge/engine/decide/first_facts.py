"""Asking devices what they are, where a `match` that was applied cannot tell without it.

What was never reported is asked for by `sync devices` alone; what may have changed since, a name or
the version of the system, is asked for again from time to time. Some devices are asked in each
minute, so that a fleet does not wake at once.
"""

from __future__ import annotations

from bridge.domain.model import Device
from bridge.engine.context import Context
from bridge.engine.decide.reconcile import ask
from bridge.engine.desired import apply
from bridge.store import meta
from bridge.store.database import Connection
from bridge.store.desired import applied
from bridge.store.devices import devices, filed, unreadable

JOB = "facts"
PAUSE = 60.0
"""Seconds between two groups of devices that are asked."""

NAMELESS_AT_ONCE = 50


def want(db: Connection, server: str, now: float) -> None:
    """Ask the devices of a server once its list has been read again."""
    meta.keep(db, _since(server), str(now))


def begin(context: Context, server: str) -> None:
    """All is known of the server's devices that it can tell: ask those that have no serial number,
    and if a person wants it, or facts are old, begin to ask others."""
    _ask_nameless(context, server)
    is_wanted = meta.recall(context.db, _since(server)) is not None
    if is_wanted or _old(context, server) or _filed(context, server):
        meta.hasten_job(context.db, f"{JOB}:{server}", context.now)


def ask_some(context: Context, server: str) -> None:
    """Ask the next devices whose facts are missing or old; then again, or no more."""
    asked = (*_filed(context, server), *_missing(context, server), *_old(context, server))
    found = {device.id: device for device in asked}
    for device in list(found.values())[: context.policy.device.ask_facts_per_minute]:
        ask(context, device, "DeviceInformation")
        times = {"facts_asked_at": context.now}
        if device.serial_number is None:
            times["serial_asked_at"] = context.now
        devices.update(context.db, device.id, **times)
    if found:
        meta.plan_job(context.db, f"{JOB}:{server}", context.now + PAUSE)
        return
    meta.forget_job(context.db, f"{JOB}:{server}")
    meta.forget(context.db, _since(server))


def _filed(context: Context, server: str) -> list[Device]:
    """Devices of which only a file has told, and that were not asked lately who they are."""
    return filed.unheard(context.db, server, context.now - context.policy.device.ask_serial_every)


def _missing(context: Context, server: str) -> list[Device]:
    """Devices that lack a fact and were not asked since a person wanted it."""
    since = meta.recall(context.db, _since(server))
    if since is None:
        return []
    lacking = _lacking(context.db)
    return [
        device
        for device in devices.askable(context.db, server, facts_asked_before=float(since))
        if device.serial_number in lacking
    ]


def _old(context: Context, server: str) -> list[Device]:
    """Devices that told long ago what a `match` looks at and may be otherwise by now."""
    policy = context.policy.device
    if policy.ask_facts_every is None or not applied.load(context.db).looks_at_changing_facts:
        return []
    return devices.last_described(
        context.db,
        server,
        before=context.now - policy.ask_facts_every,
        seen_since=context.now - policy.silent_after,
    )


def _lacking(db: Connection) -> set[str]:
    """The serial numbers of whom a missing fact leaves open whether they get an app."""
    desired = applied.load(db)
    roster = apply.roster_of_all(db, desired)
    getting = [roster.getting(app) for app in desired.apps]
    return {serial for each in getting for serial in each.unknown | each.undecided}


def _since(server: str) -> str:
    return f"facts_wanted_since:{server}"


def _ask_nameless(context: Context, server: str) -> None:
    asked_before = context.now - context.policy.device.ask_serial_every
    for device in devices.nameless(context.db, server, asked_before, NAMELESS_AT_ONCE):
        if _may_ask(context, device):
            ask(context, device, "DeviceInformation")
        devices.update(context.db, device.id, serial_asked_at=context.now)


def _may_ask(context: Context, device: Device) -> bool:
    """Whether a device whose answers did not tell its serial number is to be asked again."""
    found = unreadable.of_devices(context.db, [device.id])
    unread = found.get((device.id, "DeviceInformation", unreadable.WHOLE))
    return unread is None or context.now >= unread.value.ask_again_at(context.policy.verify)
