"""Asking devices what they are, where a `match` that was applied cannot tell without it.

Only `sync devices` begins it. Some are asked in each minute, so that a fleet does not wake at once.
"""

from __future__ import annotations

from bridge.engine import wishes
from bridge.engine.context import Context
from bridge.engine.reconcile import ask
from bridge.store import devices, meta
from bridge.store import wanted as wanted_store
from bridge.store.database import Connection

JOB = "facts"
PAUSE = 60.0
"""Seconds between two groups of devices that are asked."""


def want(db: Connection, server: str, now: float) -> None:
    """Ask the devices of a server once its list has been read again."""
    meta.keep(db, _since(server), str(now))


def begin(context: Context, server: str) -> None:
    """The server's list was read: if a person wants it, begin to ask."""
    if meta.recall(context.db, _since(server)) is not None:
        meta.hasten_job(context.db, f"{JOB}:{server}", context.now)


def ask_some(context: Context, server: str) -> None:
    """Ask the next devices that have not been asked since it was wanted; then again, or no more."""
    since = float(meta.recall(context.db, _since(server)) or context.now)
    lacking = _lacking(context.db)
    found = [
        device
        for device in devices.askable(context.db, server, facts_asked_before=since)
        if device.serial_number in lacking
    ]
    for device in found[: context.policy.device.ask_facts_per_minute]:
        ask(context, device, "DeviceInformation")
        devices.update(context.db, device.id, facts_asked_at=context.now)
    if found:
        meta.plan_job(context.db, f"{JOB}:{server}", context.now + PAUSE)
        return
    meta.forget_job(context.db, f"{JOB}:{server}")
    meta.forget(context.db, _since(server))


def _lacking(db: Connection) -> set[str]:
    """The serial numbers of whom a missing fact leaves open whether they get an app."""
    wanted = wanted_store.load(db)
    roster = wishes.roster_of_all(db, wanted)
    return {serial for app in wanted.apps for serial in roster.getting(app).unknown}


def _since(server: str) -> str:
    return f"facts_wanted_since:{server}"
