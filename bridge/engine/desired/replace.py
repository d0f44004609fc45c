"""A device takes another's place: the new one is to have the old one's apps, and the old one's
licences go back, each once the new one has its own.

The file still names the old device until somebody changes it. So the groups that were applied do
not mean it any more, until an apply shows that again.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from bridge.domain.ages import ago
from bridge.domain.devices.targets import shown
from bridge.domain.model import Install
from bridge.domain.policy import DAY, HOUR, MINUTE
from bridge.engine.context import Context
from bridge.engine.desired import one_offs
from bridge.errors import WishError
from bridge.store import meta
from bridge.store.database import Connection
from bridge.store.desired import one_offs as stored
from bridge.store.desired import replaced
from bridge.store.devices import devices
from bridge.store.installs import installs, kept
from bridge.store.licences import reclaims

HEARD_WITHIN = DAY
"""Seconds since which a device that was heard of is not replaced without a person's insisting."""

JOB = "replace"
"""The clock-driven job that looks whether the new devices have their licences."""


@dataclass(frozen=True, slots=True)
class Replaced:
    """What was moved: the adam ids."""

    old: str
    new: str
    adam_ids: tuple[str, ...]


def refusal(db: Connection, old: str, new: str, now: float) -> str | None:
    """Why one device is most likely not to be replaced: it was heard of lately; else None."""
    device = devices.current(db, [old]).get(old)
    seen_at = device.last_seen_at if device is not None else None
    if seen_at is None or now - seen_at >= HEARD_WITHIN:
        return None
    return f"{shown(old)} was heard of {ago(now - seen_at)}, so it may not be the one that is gone"


def replace(context: Context, old: str, new: str, names: Collection[str]) -> Replaced:
    """Wish for what `old` has on `new`, from the same locations (`names` are those that are
    configured), and for nothing on `old`.

    Raises WishError where nothing is wanted on `old`, or a location cannot be told.
    """
    db, now = context.db, context.now
    if old == new:
        raise WishError(f"{shown(old)} cannot take its own place: name two devices")
    found = [i for i in reclaims.installs_of(db, [old]).values() if i.desired]
    if not found:
        raise WishError(f"nothing is wanted on {shown(old)}, so there is nothing to take over")
    for install in found:
        one_offs.assign(
            context,
            [new],
            install.adam_id,
            location=install.location,
            pricing_param=install.pricing_param,
            names=names,
        )
    _give_up(db, found, now)
    replaced.put(db, old, new, [install.adam_id for install in found], now)
    meta.hasten_job(db, JOB, now)
    return Replaced(old, new, tuple(sorted(install.adam_id for install in found)))


def _give_up(db: Connection, found: Sequence[Install], now: float) -> None:
    """The old device's licences are kept for the moment, whatever `on_unwanted` says."""
    for install in found:
        stored.withdraw(db, (install.target, install.adam_id))
        stored.replaced(db, (install.target, install.adam_id), now)
    kept.keep(db, found)
    installs.no_longer_wanted(db, [(i.target, i.adam_id) for i in found], now)


def look(context: Context) -> int:
    """Give back what a new device has its own licence of; returns how many."""
    db, now = context.db, context.now
    pending = replaced.load(db)
    given, left = 0, 0
    for each in pending:
        install = installs.get(db, each.old, each.adam_id)
        if install is None or install.desired:
            replaced.done(db, each)
        elif replaced.is_licensed(db, each):
            kept.release(db, [install], now)
            replaced.done(db, each)
            given += 1
        else:
            left += 1
    if left:
        newest = max(each.at for each in pending)
        meta.plan_job(db, JOB, now + (MINUTE if now - newest < DAY else HOUR))
    else:
        meta.forget_job(db, JOB)
    return given
