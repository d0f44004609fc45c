"""What is counted for people: right after every change, and by few steps in a large fleet."""

from __future__ import annotations

import random
from collections.abc import Callable
from functools import partial

import pytest

from bridge.domain.decision import Decision
from bridge.domain.model import Asset, Pair
from bridge.engine.alerts.faults import BY_REASON
from bridge.store.database import Connection
from bridge.store.installs import installs
from bridge.store.licences import assignments
from bridge.store.views import totals
from tests.unit.store_kit import KEYNOTE, NOW, PAGES, steps, wish

BY_READING_ALL = (
    "SELECT location, adam_id, pricing_param, count(*), sum(ours) FROM assignments "
    "GROUP BY location, adam_id, pricing_param"
)
COUNTED = "SELECT location, adam_id, pricing_param, held, ours FROM licences_held WHERE held <> 0"
PLUS = Asset(PAGES.adam_id, "PLUS")


def test_licences_are_counted_as_they_come_and_go(db: Connection) -> None:
    chance = random.Random(11)
    serials, places, assets = ["S1", "S2", "S3"], ["hq", "branch"], [PAGES, PLUS, KEYNOTE]

    def wished() -> None:
        one = wish(chance.choice(serials), chance.choice(assets), location=chance.choice(places))
        installs.store(db, [one], NOW)

    def got() -> None:
        pairs = [Pair(chance.choice(assets), chance.choice(serials))]
        assignments.granted(db, chance.choice(places), pairs, told_by="status", now=NOW)

    def given() -> None:
        pairs = [Pair(chance.choice(assets), chance.choice(serials))]
        assignments.confirm(db, chance.choice(places), pairs, told_by="read", now=NOW)

    def taken() -> None:
        pairs = [Pair(chance.choice(assets), chance.choice(serials))]
        assignments.withdraw(db, chance.choice(places), pairs)

    ours = 0
    for _ in range(400):
        chance.choice([wished, got, got, given, given, taken])()
        expected = sorted(tuple(row) for row in db.execute(BY_READING_ALL))
        assert sorted(tuple(row) for row in db.execute(COUNTED)) == expected
        ours += sum(row[4] for row in expected)
    assert ours > 100


def test_a_licence_is_ours_if_we_asked_for_it(db: Connection) -> None:
    """Whoever told first that it is there, and however often others tell it after that."""
    pair = Pair(PAGES, "S1")

    def ours() -> list[int]:
        return [each.owned_by_us for each in totals.licences(db)]

    assignments.confirm(db, "hq", [pair], told_by="read", now=NOW)
    installs.store(db, [wish("S1")], NOW)
    assert ours() == [0], "others assigned it, though it is wanted"
    assignments.granted(db, "hq", [pair], told_by="status", now=NOW)
    assignments.confirm(db, "hq", [pair], told_by="read", now=NOW + 1)
    assert ours() == [1]
    assignments.withdraw(db, "hq", [pair])
    assignments.confirm(db, "hq", [pair], told_by="read", now=NOW + 2)
    assert ours() == [0], "it went, and others gave it again"


def test_storing_counts_wishes_and_not_what_is_counted(db: Connection) -> None:
    assignments.confirm(db, "hq", [Pair(PAGES, "S1")], told_by="read", now=NOW)
    assert installs.store(db, [wish("S1"), wish("S2")], NOW) == 2
    assert installs.store(db, [wish("S1"), wish("S2")], NOW) == 0
    assert installs.store(db, [wish("S1", priority=5), wish("S2")], NOW) == 1


@pytest.mark.sqlite_alone("its steps are counted")
@pytest.mark.parametrize(
    ("look", "each"),
    [
        (totals.open_commands, 0),
        (totals.not_desired, 0),
        (totals.licences, 12),
        (partial(totals.of_reasons, reasons=BY_REASON), 0),
    ],
)
def test_a_count_does_not_read_what_is_at_rest(
    db: Connection, look: Callable[[Connection], object], each: int
) -> None:
    """Of wishes as many steps as a step along an index takes; of licences and commands none."""
    few = _steps(db, look, 10)
    many = _steps(db, look, 1000)
    assert many - few <= 990 * each + 20


@pytest.mark.sqlite_alone("its plan is looked at")
def test_wanted_installs_are_counted_by_what_stands_in_an_index(db: Connection) -> None:
    plan = []
    db.set_trace_callback(plan.append)
    totals.installs(db)
    db.set_trace_callback(None)
    steps = db.execute(f"EXPLAIN QUERY PLAN {plan[-1]}").fetchall()
    assert any("COVERING INDEX installs_app" in row["detail"] for row in steps)


@pytest.mark.sqlite_alone("its plan is looked at")
@pytest.mark.parametrize("reason", BY_REASON)
def test_what_an_alert_is_about_has_an_index(db: Connection, reason: str) -> None:
    """A new one is a line in m001_installs.sql."""
    asked: list[str] = []
    db.set_trace_callback(asked.append)
    totals.of_reasons(db, [reason])
    db.set_trace_callback(None)
    (step,) = db.execute(f"EXPLAIN QUERY PLAN {asked[-1]}").fetchall()
    assert "COVERING INDEX" in step["detail"]
    assert "installs_app" not in step["detail"]


def test_what_alerts_are_about_is_counted_as_status_counts_it(db: Connection) -> None:
    for serial, adam_id in (("S1", PAGES), ("S2", PAGES), ("S3", PAGES), ("S1", KEYNOTE)):
        installs.store(db, [wish(serial, adam_id)], NOW)
    without = Decision("waiting", "NO_SEAT")
    for serial in ("S1", "S2"):
        install = installs.get(db, serial, PAGES.adam_id)
        assert install is not None
        installs.record(db, [(install, without)], NOW)
    every = [each for each in totals.installs(db) if each.reason == "NO_SEAT"]
    assert totals.of_reasons(db, ["NO_SEAT"]) == every
    assert [each.count for each in every] == [2]


def _steps(db: Connection, look: Callable[[Connection], object], fleet: int) -> int:
    """SQLite's steps for a look at so many installs, each with its licence and a command."""
    serials = [f"D{number}" for number in range(fleet)]
    installs.store(db, [wish(serial) for serial in serials], NOW)
    rest = [installs.get(db, serial, PAGES.adam_id) for serial in serials]
    done = Decision("installed", "INSTALLED")
    installs.record(db, [(each, done) for each in rest if each is not None], NOW)
    assignments.confirm(db, "hq", [Pair(PAGES, s) for s in serials], told_by="read", now=NOW)
    db.executemany(
        "INSERT INTO commands (command_uuid, server, device_id, request_type, state, enrolment, "
        "created_at, due_at) VALUES (?, 'main', 1, 'ManagedApplicationList', 'acknowledged', 1, "
        "?, ?) ON CONFLICT DO NOTHING",
        [(f"C{serial}", NOW, NOW) for serial in serials],
    )
    return steps(db, partial(look, db))
