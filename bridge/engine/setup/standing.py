"""How a device in Setup Assistant stands, from what is stored."""

from __future__ import annotations

from bridge.domain.devices.release import Standing, standing
from bridge.domain.devices.setup import served_until
from bridge.domain.model import Device
from bridge.engine.context import Context
from bridge.store import pauses
from bridge.store.database import Connection
from bridge.store.desired import applied
from bridge.store.devices import setups


def standing_of(context: Context, device: Device) -> Standing:
    """How a device in Setup Assistant stands."""
    db, target = context.db, device.target
    found = setups.of_device(db, target) if target is not None else []
    known = target is not None and knows_groups(db, device)
    paused = pauses.load(db)
    return standing(device, found, context.policy, paused, groups_known=known)


def deadline_of(context: Context, since: float, free_at: float | None) -> float:
    """When a device that is in Setup Assistant since then is let out at the latest."""
    return served_until(since, free_at, context.policy)


def knows_groups(db: Connection, device: Device) -> bool:
    """Whether a device has said all that its groups depend on."""
    if device.target is None:
        return False
    said = (device.product_name, device.os_version, device.model, device.name)
    if all(each is not None for each in said):
        return True
    from bridge.engine.desired import apply  # noqa: PLC0415 - few need it, by 30 ms of loading

    desired = applied.load(db)
    roster = apply.roster_of(db, desired, {device.target: device})
    getting = [roster.getting(app) for app in desired.apps]
    return not any(each.unknown | each.undecided for each in getting)
