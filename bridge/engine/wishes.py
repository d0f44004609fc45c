"""From what the admin wants to installs: at an apply, and when a device shows up later."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from bridge.domain.model import Asset, Device, Options
from bridge.domain.roster import Roster
from bridge.domain.wanted import AppWish, Wanted
from bridge.store import apps, devices, installs
from bridge.store import wanted as wanted_store
from bridge.store.database import Connection
from bridge.store.installs import Wish

BY_FILE = "file"


@dataclass(frozen=True, slots=True)
class Change:
    """What an apply changes: (serial number, adam id) pairs."""

    added: frozenset[tuple[str, str]]
    removed: frozenset[tuple[str, str]]
    kept: int


def change(db: Connection, wanted: Wanted) -> Change:
    """What applying `wanted` would change, without changing anything."""
    after = {(wish.serial_number, wish.asset.adam_id) for wish in _wishes(db, wanted)}
    before = installs.wanted_pairs(db)
    return Change(frozenset(after - before), frozenset(before - after), len(after & before))


def apply(db: Connection, wanted: Wanted, now: float) -> Change:
    """Store groups and apps, and make installs of them, in the transaction of `db`."""
    planned = change(db, wanted)
    wanted_store.store(db, wanted, now)
    for app in wanted.apps:
        news = apps.learn_app(
            db, app.adam_id, bundle_id=app.bundle_id, name=app.name, source=BY_FILE
        )
        if news:
            installs.touch_app(db, app.adam_id, now)
    installs.store(db, _wishes(db, wanted), now)
    installs.no_longer_wanted(db, planned.removed, now)
    return planned


def for_device(db: Connection, serial_number: str, now: float) -> int:
    """A device has enrolled: give it what its groups want. Returns how many installs changed."""
    wanted = wanted_store.load(db)
    device = devices.current(db, [serial_number]).get(serial_number)
    roster = Roster(wanted.groups, {serial_number: device})
    wishes = [_wish(app, serial_number) for app in wanted.apps if roster.getting(app).sure]
    return installs.store(db, wishes, now)


def _wishes(db: Connection, wanted: Wanted) -> Iterable[Wish]:
    """Every named serial number counts, shown by a server or not."""
    roster = Roster(wanted.groups, _known(db, wanted))
    return [
        _wish(app, serial) for app in wanted.apps for serial in sorted(roster.getting(app).sure)
    ]


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
