"""From what the admin wants to installs: at an apply, and when a device shows up later.

What the file wants and one-off wishes come together here. Where both want an app on a device, it
is got as the file says.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace

from bridge.domain.first_contact import unplanned
from bridge.domain.model import Asset, Device, Held, Options
from bridge.domain.roster import Roster
from bridge.domain.wanted import BY_BOTH, BY_FILE, BY_ONE_OFF, AppWish, Wanted
from bridge.store import apps, devices, installs, one_offs, reports
from bridge.store import wanted as wanted_store
from bridge.store.database import Connection
from bridge.store.installs import Wish
from bridge.store.one_offs import OneOff


@dataclass(frozen=True, slots=True)
class Change:
    """What an apply changes: (serial number, adam id) pairs; what was held until now is added."""

    added: frozenset[tuple[str, str]]
    removed: frozenset[tuple[str, str]]
    kept: int


def change(db: Connection, wanted: Wanted) -> Change:
    """What applying `wanted` would change, without changing anything."""
    return _change(db, _wishes(db, wanted).keys())


def _change(db: Connection, after: Collection[tuple[str, str]]) -> Change:
    before, wished = installs.wanted_pairs(db), frozenset(after)
    going = before - installs.held_pairs(db)
    return Change(wished - going, frozenset(before - wished), len(wished & going))


def apply(db: Connection, wanted: Wanted, now: float) -> Change:
    """Store groups and apps, and make installs of them, in the transaction of `db`."""
    wishes = _wishes(db, wanted)
    planned = _change(db, wishes.keys())
    wanted_store.store(db, wanted, now)
    for app in wanted.apps:
        news = apps.learn_app(
            db, app.adam_id, bundle_id=app.bundle_id, name=app.name, source=BY_FILE
        )
        if news:
            installs.touch_app(db, app.adam_id, now)
    installs.store(db, wishes.values(), now)
    installs.no_longer_wanted(db, planned.removed, now)
    return planned


def for_device(db: Connection, serial_number: str, now: float) -> int:
    """A device has enrolled, or changed: give it what its groups want by now.

    Nothing is taken from it: that is for an apply, which shows it first. Returns how many installs
    changed.
    """
    wanted = wanted_store.load(db)
    device = devices.current(db, [serial_number]).get(serial_number)
    wishes = _of_file(wanted, Roster(wanted.groups, {serial_number: device}))
    if device is not None:
        _hold(db, wishes, wanted, device)
    _put_beside(wishes, wanted, one_offs.load(db, serial_number))
    return installs.store(db, wishes.values(), now)


def _hold(
    db: Connection, wishes: dict[tuple[str, str], Wish], wanted: Wanted, device: Device
) -> None:
    """Hold what the last apply could not show; what stands already, and goes on, goes on."""
    applied_at = reports.applied_at(db)
    if applied_at is None or not wishes:
        return
    unknown_then = unplanned(wanted, device, devices.firsts(db, device.id), applied_at)
    standing = installs.wanted_apps(db, device.serial_number or "")
    for pair, wish in wishes.items():
        adam_id = wish.asset.adam_id
        if adam_id in unknown_then and standing.get(adam_id, NOT_PLANNED) is not None:
            wishes[pair] = replace(wish, held=NOT_PLANNED)


NOT_PLANNED: Held = "NOT_PLANNED"


def of_one_off(wanted: Wanted, one_off: OneOff) -> Wish:
    """A one-off wish, with the settings that the file has for its app."""
    adam_id, price = one_off.asset.adam_id, one_off.asset.pricing_param
    found = next((app for app in wanted.apps if app.adam_id == adam_id), None)
    app = found or AppWish(adam_id, (), one_off.location)
    wish = _wish(replace(app, pricing_param=price), one_off.serial_number)
    return replace(wish, location=one_off.location, wanted_by=BY_ONE_OFF)


def _wishes(db: Connection, wanted: Wanted) -> dict[tuple[str, str], Wish]:
    """By (serial number, adam id). Every named serial number counts, shown by a server or not."""
    wishes = _of_file(wanted, Roster(wanted.groups, _known(db, wanted)))
    _put_beside(wishes, wanted, one_offs.load(db))
    return wishes


def _of_file(wanted: Wanted, roster: Roster) -> dict[tuple[str, str], Wish]:
    return {
        (serial, app.adam_id): _wish(app, serial)
        for app in wanted.apps
        for serial in sorted(roster.getting(app).sure)
    }


def _put_beside(
    wishes: dict[tuple[str, str], Wish], wanted: Wanted, beside: Collection[OneOff]
) -> None:
    """Put one-off wishes to those of the file."""
    for one_off in beside:
        of_file = wishes.get(one_off.pair)
        wishes[one_off.pair] = (
            of_one_off(wanted, one_off)
            if of_file is None
            else replace(of_file, wanted_by=BY_BOTH, held=None)
        )


def _known(db: Connection, wanted: Wanted) -> dict[str, Device | None]:
    named = {serial for group in wanted.groups for serial in group.serials}
    return dict.fromkeys(named) | devices.by_serial(db)


def _wish(app: AppWish, serial_number: str) -> Wish:
    return Wish(
        serial_number=serial_number,
        asset=Asset(app.adam_id, app.pricing_param),
        location=app.location,
        wanted_by=BY_FILE,
        priority=app.priority,
        options=Options(
            mode=app.mode,
            managed=app.managed,
            take_over=app.take_over,
            remove_with_profile=app.remove_with_profile,
            prevent_backup=app.prevent_backup,
            on_unwanted=app.on_unwanted,
        ),
    )
