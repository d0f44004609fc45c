"""Lists that are paged through while they change."""

import base64
import json
from collections.abc import Callable
from typing import Any

import pytest

from bridge.domain.decision import Decision
from bridge.domain.devices.installed_apps import InstalledReport
from bridge.domain.model import Asset
from bridge.domain.reasons import REASONS, needs_someone
from bridge.domain.views import Page
from bridge.errors import QueryError
from bridge.store.catalog import apps
from bridge.store.database import Connection
from bridge.store.devices import devices, installed_apps
from bridge.store.inbox.message import NewMessage
from bridge.store.installs import installs
from bridge.store.views import fleet, licences, outbox
from tests.unit.store_kit import (
    KEYNOTE,
    NOW,
    PAGES,
    everything,
    make_device,
    make_install,
    steps,
    take,
)


def keys(items: list[dict[str, Any]]) -> list[tuple[str, str]]:
    return [(item["serial_number"], item["adam_id"]) for item in items]


@pytest.mark.parametrize("limit", [1, 2, 3, 5, 6, 100])
def test_installs_come_by_serial_and_app(db: Connection, limit: int) -> None:
    for serial in ("B", "A-2", "A"):
        for asset in (PAGES, KEYNOTE):
            make_install(db, serial, asset)
    found = keys(everything(fleet.installs, db, limit))
    assert found == sorted(found)
    assert len(set(found)) == 6


def test_rows_that_come_and_go_neither_repeat_nor_hide_others(db: Connection) -> None:
    for serial in "BDFH":
        make_install(db, serial)
    first = fleet.installs(db, limit=2)
    assert [item["serial_number"] for item in first.items] == ["B", "D"]
    db.execute("DELETE FROM installs WHERE target IN ('B', 'D')")
    for serial in "ACEG":
        make_install(db, serial)
    rest = everything(fleet.installs, db, 2)
    after = fleet.installs(db, limit=9, cursor=first.next_cursor)
    assert [item["serial_number"] for item in after.items] == ["E", "F", "G", "H"]
    assert [item["serial_number"] for item in rest] == ["A", "C", "E", "F", "G", "H"]


def test_installs_are_filtered(db: Connection) -> None:
    pages = make_install(db, "A")
    make_install(db, "A", KEYNOTE)
    make_install(db, "B")
    install = installs.by_id(db, pages)
    assert install is not None
    installs.record(db, [(install, Decision("failed", "DEVICE_REFUSED"))], NOW)

    def found(**filters: str) -> list[tuple[str, str]]:
        return keys(everything(fleet.installs, db, 1, **filters))

    a_pages, a_keynote, b_pages = ("A", PAGES.adam_id), ("A", KEYNOTE.adam_id), ("B", PAGES.adam_id)
    assert found(serial="A") == [a_keynote, a_pages]
    assert found(adam_id=PAGES.adam_id) == [a_pages, b_pages]
    assert found(state="failed") == found(reason="DEVICE_REFUSED") == [a_pages]
    assert found(reason="NEW", serial="A") == [a_keynote]
    assert found(serial="Z") == []


def test_installs_that_need_somebody_are_told_apart(db: Connection) -> None:
    """By the reason's actor or by the state, whichever; the others by the same filter."""
    for number, (state, reason) in enumerate(WAYS):
        install = installs.by_id(db, make_install(db, f"S{number:03}"))
        assert install is not None
        installs.record(db, [(install, Decision(state, reason))], NOW)

    def found(needs: bool) -> set[tuple[str, str]]:
        items = everything(fleet.installs, db, 7, needs_someone=needs)
        assert {(i["state"], i["reason"]) for i in items} == set(
            fleet.by_reason(db, needs_someone=needs)
        )
        return {(i["state"], i["reason"]) for i in items}

    assert found(True) == {way for way in WAYS if needs_someone(*way)}
    assert found(False) == {way for way in WAYS if not needs_someone(*way)}


WAYS = [(state, name) for name, reason in REASONS.items() for state in reason.states]


@pytest.mark.parametrize("limit", [1, 2, 3, 4, 7, 100])
def test_the_installs_of_some_devices_come_in_the_same_order(
    db: Connection, limit: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fleet, "PIECE", 2)
    for serial in "ABCDEFG":
        make_install(db, serial)
        make_install(db, serial, KEYNOTE)
    among = ["A", "B", "D", "E", "G", "Z"]
    found = keys(everything(fleet.installs, db, limit, among=among))
    assert found == [(s, a) for s in "ABDEG" for a in (KEYNOTE.adam_id, PAGES.adam_id)]
    assert keys(everything(fleet.installs, db, limit, among=among, adam_id=PAGES.adam_id)) == [
        (s, PAGES.adam_id) for s in "ABDEG"
    ]
    assert everything(fleet.installs, db, limit, among=[]) == []
    assert fleet.by_reason(db, among=among) == {("waiting", "NEW"): 10}


@pytest.mark.sqlite_alone("its steps are counted")
def test_a_page_of_installs_takes_the_same_steps_in_a_fleet_of_any_size(db: Connection) -> None:
    def fleet_of(serials: range) -> int:
        for number in serials:
            make_install(db, f"S{number:04}")
        first = fleet.installs(db, limit=10)
        return steps(db, lambda: fleet.installs(db, limit=10, cursor=first.next_cursor))

    few = fleet_of(range(30))
    assert fleet_of(range(30, 1000)) <= few + 50


def test_an_install_says_what_the_contract_promises(db: Connection) -> None:
    device = make_device(db, "S1", name="Lobby")
    apps.learn_app(db, PAGES.adam_id, bundle_id="com.apple.Pages", name="Pages", source="file")
    shown = InstalledReport("com.apple.Pages", "there", "7043", "14.4", NOW, NOW)
    installed_apps.store(db, device.id, [shown])
    install_id = make_install(db, asset=Asset(PAGES.adam_id, "PLUS"), now=NOW + 0.0005)
    install = installs.by_id(db, install_id)
    assert install is not None
    installs.record(db, [(install, Decision("sent", "NOT_NOW", "x", recheck_at=NOW + 60))], NOW)
    assert fleet.install(db, "S1", PAGES.adam_id) == {
        "serial_number": "S1",
        "enrollment_id": None,
        "device_name": "Lobby",
        "client_user_id": None,
        "adam_id": PAGES.adam_id,
        "app_name": "Pages",
        "bundle_id": "com.apple.Pages",
        "version": "14.4",
        "newest_version": None,
        "pricing_param": "PLUS",
        "location": "hq",
        "server": "main",
        "udid": "UDID-S1",
        "state": "sent",
        "reason": "NOT_NOW",
        "detail": "x",
        "wanted_by": "file",
        "attempts": 0,
        "since": "2027-01-15T08:00:00.000Z",
        "updated_at": "2027-01-15T08:00:00.000Z",
        "next_check_at": "2027-01-15T08:01:00.000Z",
    }
    installs.no_longer_wanted(db, [("S1", PAGES.adam_id)], NOW)
    kept = fleet.install(db, "S1", PAGES.adam_id)
    assert kept is not None and kept["wanted_by"] is None
    assert fleet.install(db, "S1", KEYNOTE.adam_id) is None
    assert fleet.install(db, "S2", PAGES.adam_id) is None


def test_an_install_names_the_device_that_carries_the_serial_now(db: Connection) -> None:
    make_install(db)
    assert fleet.installs(db).items[0]["udid"] is None
    make_device(db, "S1", udid="old", enrolled=0, enrolled_at=NOW + 9)
    assert fleet.installs(db).items[0]["udid"] == "old"
    make_device(db, "S1", udid="new", server="branch", enrolled_at=NOW)
    item = fleet.installs(db).items[0]
    assert (item["udid"], item["server"]) == ("new", "branch")
    assert devices.current(db, ["S1"])["S1"].udid == "new", "as for deciding"
    assert len(fleet.installs(db).items) == 1


@pytest.mark.parametrize("limit", [1, 2, 3, 9])
def test_devices_come_by_their_id(db: Connection, limit: int) -> None:
    for serial in ("B", "A", "C"):
        make_device(db, serial)
    found = everything(fleet.devices, db, limit)
    assert [item["serial_number"] for item in found] == ["B", "A", "C"]
    assert found[0]["enrolled"] is True
    assert [d["udid"] for d in everything(fleet.devices, db, limit, serial="A")] == ["UDID-A"]


def test_a_device_of_which_little_is_known(db: Connection) -> None:
    devices.ensure(db, "main", udid=None, enrollment_id="E", now=NOW)
    (item,) = fleet.devices(db).items
    assert (item["enrollment_id"], item["udid"], item["enrolled"]) == ("E", None, None)
    assert item["last_seen_at"] is None


@pytest.mark.parametrize("limit", [1, 2, 3, 9])
def test_the_newest_messages_come_first(db: Connection, limit: int) -> None:
    for number in range(3):
        made = NewMessage("mdm", "main", f"t{number % 2}", "", f"{number}", b"secret")
        take(db, made, NOW)
    take(db, NewMessage("apple", "hq", "t0", "", "9", b"secret"), NOW, status="ignored")
    found = everything(fleet.events, db, limit)
    assert [item["message_id"] for item in found] == ["9", "2", "1", "0"]
    assert not any("body" in item or b"secret" in item.values() for item in found)
    assert found[0]["received_at"] == "2027-01-15T08:00:00.000Z"

    def ids(**filters: str) -> str:
        return "".join(e["message_id"] for e in everything(fleet.events, db, limit, **filters))

    assert ids(source="mdm") == "210"
    assert ids(topic="t0") == "920"
    assert ids(status="ignored") == "9"
    assert ids(topic="t0", source="mdm") == "20"


def test_devices_are_filtered(db: Connection) -> None:
    make_device(db, "A")
    make_device(db, "B", enrolled=0)
    make_device(db, "C", server="branch", enrolled=None)

    def serials(**filters: Any) -> list[str]:
        return [item["serial_number"] for item in everything(fleet.devices, db, 1, **filters)]

    assert serials(enrolled=True) == ["A"]
    assert serials(enrolled=False) == ["B"]
    assert serials(server="branch") == ["C"]


def cursor_of(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


GARBLED = [
    "",
    "a",
    "%%%",
    "WzFd!",
    "WzFd\n",
    "ä",
    "\ud800",
    cursor_of([]),
    cursor_of({}),
    cursor_of(None),
    cursor_of([1, 2]),
    cursor_of([None]),
    cursor_of([True]),
    cursor_of([1.5]),
    cursor_of([2**63]),
    cursor_of([10**40]),
    cursor_of([-1]),
    cursor_of([float("inf"), "A"]),
    cursor_of(["A", "\ud800"]),
    cursor_of(["\ud800"]),
    cursor_of(["A", 1]),
    cursor_of(["A", "B", "C", "D", "E"]),
    cursor_of("AB"),
    base64.urlsafe_b64encode(b"[" * 100_000).decode().rstrip("="),
    base64.urlsafe_b64encode(b'["\xff", "1"]').decode().rstrip("="),
]


ALL = [
    fleet.installs,
    fleet.devices,
    fleet.events,
    licences.assets,
    licences.assignments,
    licences.locations,
    outbox.outbox,
    outbox.commands,
]


@pytest.mark.parametrize("shown", ALL)
@pytest.mark.parametrize("cursor", GARBLED, ids=range(len(GARBLED)))
def test_a_garbled_cursor_is_said_to_be_one(
    db: Connection, shown: Callable[..., Page], cursor: str
) -> None:
    with pytest.raises(QueryError, match="begin without a cursor"):
        shown(db, cursor=cursor)


def test_a_cursor_of_another_list_is_no_cursor(db: Connection) -> None:
    make_device(db, "A")
    make_device(db, "B")
    cursor = fleet.devices(db, limit=1).next_cursor
    with pytest.raises(QueryError):
        fleet.installs(db, cursor=cursor)
