"""Why a rule does not, or not yet, give an app to a device."""

from __future__ import annotations

from bridge.domain.desired.desired import AppWish, Desired
from bridge.domain.desired.match import MATCH_KEYS
from bridge.domain.desired.roster import Roster
from bridge.domain.devices.platforms import fit
from bridge.domain.model import Device
from bridge.domain.wording import named
from bridge.engine.desired import apply
from bridge.store.database import Connection
from bridge.store.desired import applied, one_offs
from bridge.store.devices import devices
from bridge.store.licences import locations


def why_not(db: Connection, serial_number: str, adam_id: str) -> str | None:
    """What keeps a device out of the groups that get an app, as a sentence without its end.

    None where the app is not in the file, or the file has it for the device.
    """
    if one_offs.is_replaced(db, (serial_number, adam_id)):
        return (
            "another device took its place (vpp-bridge replace); where the file still names it, an "
            "apply wants the app there again"
        )
    if one_offs.is_excluded(db, (serial_number, adam_id)):
        return (
            "it was said that the device is to be without it (assign --not); vpp-bridge unassign "
            f"{serial_number} --app {adam_id} ends that"
        )
    desired = applied.load(db)
    device = devices.current(db, [serial_number]).get(serial_number)
    roster = apply.roster_of(db, desired, {serial_number: device})
    entries = desired.entries(adam_id)
    if any(serial_number in roster.getting(app).sure for app in entries):
        return None
    for app in entries:
        getting = roster.getting(app)
        if device is not None and getting.unfit:
            return _not_listed(db, app, device)
        if device is not None and getting.unknown:
            missing = ", ".join(_missing(desired, app, device))
            return (
                "whether its groups mean the device depends on what was never reported "
                f"({missing}); run vpp-bridge sync devices, and then apply"
            )
    if device is not None and any(roster.getting(app).elsewhere for app in entries):
        return (
            f"no entry that means the device is for {roster.platform(serial_number)}, and its "
            f"product is {device.product_name}; add its platform to one of them"
        )
    for app in entries:
        if why := _kept_out(roster, app, serial_number):
            return why
    names = list(dict.fromkeys(name for app in entries for name in app.groups))
    if not names:
        return None
    return f"none of the groups that get it ({named(names)}) means the device"


def _kept_out(roster: Roster, app: AppWish, serial_number: str) -> str | None:
    """What keeps a device out whom a group of an entry means: another group, or no enrolment."""
    inside = [name for name in app.groups if roster.means(name, serial_number)]
    if not inside:
        return None
    outside = [name for name in app.exclude if roster.means(name, serial_number)]
    if outside:
        return f"the entry for it excludes the group {outside[0]}, which the device is in"
    open_ = [name for name in app.exclude if roster.means(name, serial_number) is None]
    if open_:
        return (
            f"the entry for it excludes the group {open_[0]}, and whether the device is in that "
            "depends on what was never reported; run vpp-bridge sync devices, and then apply"
        )
    return f"the group {inside[0]} means enrolled devices, and the device is not enrolled"


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
