"""Decisions, seats and requests: who gets a seat, and when Apple is asked."""

from itertools import pairwise
from typing import Any

import pytest

from bridge.domain.decision import Decision, TakeSeat
from bridge.engine.decide import allocation, reconcile
from bridge.engine.licences import batch
from bridge.store import agenda, meta
from bridge.store.database import Connection
from bridge.store.installs import installs
from bridge.store.licences import locations, request_pairs
from bridge.store.licences.request_pairs import CollectedPair
from tests.unit.engine_kit import context, intended
from tests.unit.store_kit import (
    KEYNOTE,
    NOW,
    PAGES,
    make_device,
    make_install,
    pair,
    value,
)

MINUTE, HOUR, DAY = 60.0, 3600.0, 86400.0


def wanting(db: Connection, *serials: str, at: float = NOW) -> None:
    for serial in serials:
        install = installs.by_id(db, make_install(db, serial, now=at))
        assert install is not None
        take = Decision("waiting", "SEAT_PENDING", steps=(TakeSeat(),))
        installs.record(db, [(install, take)], NOW)


def own(db: Connection, available: int) -> None:
    names = "product_type total retired assigned platforms"
    values: dict[str, Any] = dict.fromkeys(names.split())
    values |= {"available": available, "unlimited": 0, "device_assignable": 1, "revocable": 1}
    locations.store_assets(db, "hq", [(PAGES, values)], NOW - 10)


def collected(db: Connection) -> list[str]:
    return sorted(w.pair.holder for w in request_pairs.collecting(db, "hq", "ASSOCIATE"))


def test_no_more_is_asked_for_than_is_free(db: Connection) -> None:
    own(db, 2)
    wanting(db, "C", at=NOW - 1)
    wanting(db, "A", "B")
    assert allocation.allocate_seats(context(db)) == 2
    assert collected(db) == ["A", "C"]
    assert allocation.allocate_seats(context(db)) == 0
    assert agenda.look(db, NOW).jobs_at == NOW + 50, (
        "the count is read again a minute after it was read"
    )
    assert [i.target for i in installs.dirty(db, 9)] == ["A", "B", "C"], "who got none as well"


def test_nothing_is_alloted_of_what_was_never_counted(db: Connection) -> None:
    wanting(db, "A")
    assert allocation.allocate_seats(context(db)) == 0
    assert collected(db) == []
    assert agenda.look(db, NOW).jobs_at is None


def collect(db: Connection, *serials: str, at: float = NOW) -> None:
    request_pairs.want(db, "hq", "ASSOCIATE", [pair(serial) for serial in serials], at)


def cut(db: Connection, at: float, left: batch.Left | None = None) -> int:
    """Make the requests that are to be made at `at`; how many."""
    ctx = context(db, at)
    batches = batch.plan(ctx, {} if left is None else left).batches
    return sum(batch.make(ctx, each) for each in batches)


def test_requests_are_cut_once_no_more_pairs_come(db: Connection) -> None:
    collect(db, "A")
    collect(db, "B", at=NOW + 1)
    assert batch.next_at(context(db)) == NOW + 3
    assert cut(db, NOW + 2.9) == 0
    assert cut(db, NOW + 3) == 1
    assert batch.next_at(context(db)) is None


def test_pairs_that_keep_coming_do_not_put_it_off_for_ever(db: Connection) -> None:
    collect(db, "A")
    collect(db, "B", at=NOW + 119)
    make_install(db, "C")
    assert cut(db, NOW + 119.9) == 0
    assert cut(db, NOW + 120) == 1


def test_while_installs_are_to_be_decided_more_may_come(db: Connection) -> None:
    collect(db, "A")
    make_install(db, "B")
    assert cut(db, NOW + 5) == 0
    db.execute("UPDATE installs SET dirty_at = NULL")
    assert cut(db, NOW + 5) == 1


def test_a_full_request_goes_while_others_come(db: Connection) -> None:
    locations.update(db, "hq", max_assets=2, max_serial_numbers=5)
    make_install(db, "undecided")
    left: batch.Left = {}
    for asset in (PAGES, KEYNOTE):
        assert cut(db, NOW, left) == 0
        request_pairs.want(db, "hq", "ASSOCIATE", [pair(f"S{n}", asset) for n in range(5)], NOW)
    collect(db, "last")
    assert cut(db, NOW, left) == 1
    assert collected(db) == ["last"]
    assert value(db, "SELECT num_requested FROM apple_requests") == 10
    assert cut(db, NOW + 119.9, left) == 0, "what is undecided may fill it"
    assert cut(db, NOW + 120, left) == 1


def test_pairs_that_fill_no_request_are_not_read_again_and_again(
    db: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    locations.update(db, "hq", max_assets=2, max_serial_numbers=5)
    make_install(db, "undecided")
    looks = list[int]()
    read = request_pairs.collecting

    def count(db: Connection, location: str, kind: str) -> list[CollectedPair]:
        found = read(db, location, kind)
        looks.append(len(found))
        return found

    monkeypatch.setattr(request_pairs, "collecting", count)
    left: batch.Left = {}
    for number in range(100):
        collect(db, f"S{number:02}")  # one app each: never two for five devices
        assert cut(db, NOW, left) == 0
    assert looks[0] == 10
    assert all(later >= 1.1 * before for before, later in pairwise(looks))
    request_pairs.withdraw_collected(db, "hq", NOW)
    for asset in (PAGES, KEYNOTE):
        request_pairs.want(db, "hq", "ASSOCIATE", [pair(f"T{n}", asset) for n in range(5)], NOW)
    assert cut(db, NOW, left) == 1


def test_what_is_given_back_goes_by_itself(db: Connection) -> None:
    collect(db, "A")
    request_pairs.want(db, "hq", "DISASSOCIATE", [pair("B")], NOW)
    assert cut(db, NOW + 2) == 2
    kinds = [row[0] for row in db.execute("SELECT kind FROM outbox ORDER BY id")]
    assert kinds == ["associate", "disassociate"]


def test_a_plan_that_is_out_of_date_is_not_made(db: Connection) -> None:
    collect(db, "A", "B")
    ctx = context(db, NOW + 2)
    (planned,) = batch.plan(ctx, {}).batches
    request_pairs.leave_line(db, "hq", pair("B"), NOW)
    assert not batch.make(ctx, planned)
    assert collected(db) == ["A"]
    assert intended(db) == []
    assert value(db, "SELECT count(*) FROM apple_requests") == 0


def test_what_was_collected_for_a_location_that_stops_is_given_up(db: Connection) -> None:
    make_install(db, "A")
    db.execute("UPDATE installs SET dirty_at = NULL")
    collect(db, "A")
    assert not batch.plan(context(db), {}).suspended
    locations.update(db, "hq", suspended="TOKEN_EXPIRED")
    assert cut(db, NOW + 5) == 0
    assert batch.plan(context(db), {}).suspended
    assert batch.cancel(context(db)) == 1
    assert collected(db) == []
    assert value(db, "SELECT state FROM request_pairs") == "withdrawn"
    assert [i.target for i in installs.dirty(db, 9)] == ["A"]


def test_one_install_that_cannot_be_decided_holds_no_other_up(db: Connection) -> None:
    good, bad = make_install(db, "A"), make_install(db, "B")
    db.execute("UPDATE installs SET options = '{\"odd\": 1}' WHERE id = ?", (bad,))
    assert reconcile.decide_dirty(context(db)) == 2
    assert installs.dirty(db, 9) == []
    decided = installs.by_id(db, good)
    assert decided is not None and decided.reason == "NOT_ENROLLED"
    assert agenda.look(db, NOW).decide_at == NOW + reconcile.UNDECIDED_FOR
    assert meta.counters(db)["install.undecided"] == 1


def test_decisions_are_taken_a_chunk_at_a_time(db: Connection) -> None:
    for number in range(reconcile.CHUNK + 1):
        make_install(db, f"S{number:04}")
    assert reconcile.decide_dirty(context(db)) == reconcile.CHUNK
    assert reconcile.decide_dirty(context(db)) == 1
    assert reconcile.decide_dirty(context(db)) == 0


@pytest.mark.parametrize(("connected", "due"), [(None, 0), (-5, 0), (0, 0.1), (-0.05, 0.05)])
def test_a_command_waits_for_the_end_of_a_connection(
    db: Connection, connected: float | None, due: float
) -> None:
    at = None if connected is None else NOW + connected
    device = make_device(db, last_connect_at=at)
    assert reconcile.ask(context(db), device, "DeviceInformation")
    assert value(db, "SELECT due_at FROM commands") == pytest.approx(NOW + due)
    assert not reconcile.ask(context(db), device, "DeviceInformation")
