"""What declarative status reports leave, in whatever order they come."""

from __future__ import annotations

from dataclasses import replace

from bridge.store.catalog import apps
from bridge.store.database import Connection
from bridge.store.devices import declared_apps
from bridge.store.devices.declared_apps import Told
from bridge.store.installs import facts, installs
from tests.unit.store_kit import NOW, PAGES, make_device, make_install

PAGES_TOLD = Told("com.apple.Pages", False, "downloading", None, None, "app-1", None)


def stored(db: Connection, device_id: int, told: Told, stamp: float, now: float = NOW) -> set[str]:
    return declared_apps.store(db, device_id, [told], stamp=stamp, now=now)


def test_the_newest_report_counts_whatever_came_last(db: Connection) -> None:
    device, key = make_device(db), "com.apple.Pages"
    managed = replace(PAGES_TOLD, state="managed")
    assert stored(db, device.id, managed, NOW + 5) == {key}
    assert stored(db, device.id, PAGES_TOLD, NOW) == set(), "it is older"
    assert stored(db, device.id, managed, NOW + 6) == set(), "nothing new"
    report = declared_apps.reported(db, [(device.id, key)])[device.id, key]
    assert (report.state, report.removed) == ("managed", False)


def test_what_was_removed_is_not_brought_back_by_an_older_report(db: Connection) -> None:
    device, key = make_device(db), "com.apple.Pages"
    gone = replace(PAGES_TOLD, removed=True, state=None)
    assert stored(db, device.id, gone, NOW + 5) == {key}
    assert stored(db, device.id, PAGES_TOLD, NOW) == set()
    assert declared_apps.reported(db, [(device.id, key)])[device.id, key].removed


def test_a_state_lasts_since_it_began(db: Connection) -> None:
    device, key = make_device(db), "com.apple.Pages"
    stored(db, device.id, PAGES_TOLD, NOW)
    stored(db, device.id, replace(PAGES_TOLD, reason="Info.X"), NOW + 1, NOW + 1)
    report = declared_apps.reported(db, [(device.id, key)])[device.id, key]
    assert (report.since, report.reported_at, report.reason) == (NOW, NOW + 1, "Info.X")
    stored(db, device.id, replace(PAGES_TOLD, state="managed"), NOW + 2, NOW + 2)
    assert declared_apps.reported(db, [(device.id, key)])[device.id, key].since == NOW + 2


def test_the_installs_that_declarations_have_to_do_with(db: Connection) -> None:
    device = make_device(db)
    install_id = make_install(db)
    apps.learn_app(db, PAGES.adam_id, bundle_id="com.apple.Pages", name="Pages", source="file")
    install = installs.by_id(db, install_id)
    assert install is not None
    assert facts.load(db, [install])[0].declared is None
    stored(db, device.id, PAGES_TOLD, NOW)
    assert declared_apps.of_installs(db, 10) == [install_id]
    told = facts.load(db, [install])[0].declared
    assert told is not None and told.state == "downloading"
    apps.forget_reports(db, device.id)
    assert declared_apps.of_installs(db, 10) == []
    assert facts.load(db, [install])[0].declared is None
