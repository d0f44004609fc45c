"""Why a rule does not, or not yet, give an app to a device."""

from __future__ import annotations

from bridge.domain.desired.desired import AppWish, Desired
from bridge.domain.desired.match import MATCH_KEYS
from bridge.domain.devices.platforms import fit
from bridge.domain.model import Device
from bridge.engine.desired import apply
from bridge.store.database import Connection
from bridge.store.desired import applied
from bridge.store.devices import devices
from bridge.store.licences import locations


def why_not(db: Connection, serial_number: str, adam_id: str) -> str | None:
    """What keeps a device out of the groups that get an app, as a sentence without its end.

    None where nothing is to be said: no group comes near it, or the app is not in the file.
    """
    desired = applied.load(db)
    device = devices.current(db, [serial_number]).get(serial_number)
    if device is None:
        return None
    roster = apply.roster_of(db, desired, {serial_number: device})
    entries = desired.entries(adam_id)
    for app in entries:
        getting = roster.getting(app)
        if getting.unfit:
            return _not_listed(db, app, device)
        if getting.unknown:
            missing = ", ".join(_missing(desired, app, device))
            return (
                "whether its groups mean the device depends on what was never reported "
                f"({missing}); run vpp-bridge sync devices, and then apply"
            )
    if any(roster.getting(app).elsewhere for app in entries):
        return (
            f"no entry that means the device is for {roster.platform(serial_number)}, and its "
            f"product is {device.product_name}; add its platform to one of them"
        )
    return None


def _not_listed(db: Connection, app: AppWish, device: Device) -> str:
    if _may_run(db, app, device):
        return (
            f"Apple does not list it for its product, {device.product_name}, and a group's rule "
            "does not mean such a device; name its serial number to have it tried"
        )
    return f"it does not run there, since its product is {device.product_name}"


def _may_run(db: Connection, app: AppWish, device: Device) -> bool:
    listed = locations.platforms(db, [app.adam_id]).get((app.location, app.asset), frozenset())
    return fit(device.product_name, listed) == "untold"


def _missing(desired: Desired, app: AppWish, device: Device) -> list[str]:
    names = (*app.groups, *app.exclude)
    matches = [group.match for group in desired.groups if group.match and group.name in names]
    asked = {key for key in MATCH_KEYS for match in matches if getattr(match, key) is not None}
    return [key for key in MATCH_KEYS if key in asked and getattr(device, key) is None]
