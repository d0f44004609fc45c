"""Who holds which licence, and what locations own."""

from typing import Any

from bridge.domain.model import Asset, Pair
from bridge.store.database import Connection
from bridge.store.licences import assignments, locations
from tests.unit.store_kit import KEYNOTE, NOW, PAGES, held, pair, value

PLUS = Asset(PAGES.adam_id, "PLUS")
A, B, C = pair("A"), pair("B"), pair("C")
MINUTE, HOUR = 60.0, 3600.0


def confirm(db: Connection, *pairs: Pair, told_by: str = "read", now: float = NOW) -> None:
    assignments.confirm(db, "hq", pairs, told_by=told_by, now=now)


def test_who_confirmed_first_is_kept(db: Connection) -> None:
    confirm(db, A, told_by="notification")
    confirm(db, A, told_by="read", now=NOW + 9)
    confirm(db, A, told_by="status", now=NOW + 5)
    found = held(db, "A", "B")
    assert set(found) == {A}
    assert (found[A].confirmed_by, found[A].confirmed_at) == ("notification", NOW)
    assert found[A].read_at == NOW + 9, "never earlier than known"
    assert held(db, "A", location="branch") == {}


def test_licences_go_one_by_one(db: Connection) -> None:
    confirm(db, A, B, pair("A", KEYNOTE))
    assignments.confirm(db, "branch", [A], told_by="read", now=NOW)
    assignments.withdraw(db, "hq", [A, C])
    assert set(held(db, "A", "B")) == {B, pair("A", KEYNOTE)}
    assert set(held(db, "A", location="branch")) == {A}


def test_what_a_full_read_did_not_show_is_gone(db: Connection) -> None:
    confirm(db, A, now=NOW - 1)
    confirm(db, B, now=NOW)
    assignments.confirm(db, "branch", [A], told_by="read", now=NOW - 1)
    assert assignments.unread_since(db, "hq", NOW) == [A]
    confirm(db, A, now=NOW)
    assert assignments.unread_since(db, "hq", NOW) == []


def counts(total: int | None = 10, available: int | None = 4, **changes: Any) -> dict[str, Any]:
    names = "product_type total available retired assigned unlimited device_assignable revocable"
    values = dict.fromkeys([*names.split(), "platforms"])
    return values | {
        "total": total,
        "available": available,
        "unlimited": 0,
        "device_assignable": 1,
        "revocable": 1,
        **changes,
    }


def test_counts_are_replaced_as_a_whole(db: Connection) -> None:
    locations.store_assets(db, "hq", [(PAGES, counts()), (PLUS, counts(2, 1))], NOW)
    locations.store_assets(db, "branch", [(PAGES, counts(1, 1))], NOW)
    found = locations.asset_facts(db, "hq", [PAGES, KEYNOTE])
    assert (found[PAGES].total, found[PAGES].available, found[PAGES].read_at) == (10, 4, NOW)
    assert (found[PAGES].unlimited, found[PAGES].device_assignable) == (False, True)
    locations.store_assets(db, "hq", [(KEYNOTE, counts(device_assignable=0))], NOW + 1)
    found = locations.asset_facts(db, "hq", [PAGES, KEYNOTE])
    assert set(found) == {KEYNOTE}
    assert found[KEYNOTE].device_assignable is False
    assert set(locations.asset_facts(db, "branch", [PAGES])) == {PAGES}


def test_a_count_changes_by_what_apple_says(db: Connection) -> None:
    unlimited = counts(None, None, unlimited=1)
    locations.store_assets(db, "hq", [(PAGES, counts()), (KEYNOTE, unlimited)], NOW)
    assert locations.add_to_count(db, "hq", PAGES, -3, NOW)
    found = locations.asset_facts(db, "hq", [PAGES])[PAGES]
    assert (found.total, found.available, found.read_at) == (7, 1, NOW)
    assert not locations.add_to_count(db, "hq", KEYNOTE, 5, NOW)
    assert not locations.add_to_count(db, "hq", PLUS, 5, NOW)
    assert not locations.add_to_count(db, "branch", PAGES, 5, NOW)


def test_a_location_is_ready_when_all_of_it_was_read(db: Connection) -> None:
    empty = locations.get(db, "hq")
    assert (empty.name, empty.ready, empty.suspended, empty.max_assets) == ("hq", False, None, None)
    assert value(db, "SELECT count(*) FROM locations") == 0
    steps = ["registered_at", "assets_read_at", "assignments_read_at"]
    for step in steps:
        assert not locations.get(db, "hq").ready
        locations.update(db, "hq", **{step: NOW})
    assert locations.get(db, "hq").ready
    assert not locations.get(db, "branch").ready
