"""A year of a fleet: exactly the licences of ours go back whose devices are gone past the limit."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from bridge.domain.model import Pair
from bridge.domain.policy import DAY, HOUR, ReclaimPolicy
from bridge.domain.reclaim import verdict
from bridge.engine.context import Context
from bridge.engine.decide import reconcile
from bridge.engine.licences import reclaiming
from bridge.store import meta
from bridge.store.database import Connection
from bridge.store.licences import assignments, reclaims, request_pairs
from bridge.store.service import server_watch, webhooks
from tests.unit.engine.test_cost import Cost
from tests.unit.engine_kit import POLICY, SERVERS
from tests.unit.store_kit import NOW, PAGES, make_install

LIMIT = 30 * DAY
RULES = replace(POLICY, reclaim=ReclaimPolicy(unenrolled_after=LIMIT, silent_after=LIMIT))


def fleet(db: Connection, number: int, *, ours: int = 1) -> list[str]:
    """So many enrolled devices that were seen just now, each with one licence and its install."""
    serials = [f"S{each:06}" for each in range(number)]
    db.executemany(
        "INSERT INTO devices (server, udid, serial_number, enrolled, enrolment, enrolled_at, "
        "token_stamp, last_seen_at, created_at) VALUES ('main', ?, ?, 1, 1, ?, ?, ?, ?)",
        [(f"UDID-{serial}", serial, NOW, NOW, NOW, NOW) for serial in serials],
    )
    make_install(db, serials[0])
    row = db.execute("SELECT * FROM installs").fetchone()
    names = [name for name in row.keys() if name != "id"]  # noqa: SIM118 - a row is no mapping
    values = dict(row) | {"state": "installed", "reason": "INSTALLED", "dirty_at": None}
    values.pop("id")
    db.execute("DELETE FROM installs")
    db.executemany(
        f"INSERT INTO installs ({', '.join(names)}) VALUES ({', '.join('?' * len(names))})",
        [tuple((values | {"target": serial}).values()) for serial in serials],
    )
    keep = assignments.granted if ours else assignments.confirm
    keep(db, "hq", [Pair(PAGES, serial) for serial in serials], told_by="status", now=NOW)
    db.executemany(
        "INSERT INTO request_pairs (location, kind, adam_id, pricing_param, target, state, "
        "ready_at, settled_at) VALUES ('hq', 'ASSOCIATE', ?, 'STDQ', ?, ?, ?, ?)",
        [
            (PAGES.adam_id, serial, "confirmed" if ours else "withdrawn", NOW, NOW)
            for serial in serials
        ],
    )
    return serials


def one_pass(db: Connection, now: float, *, heard: bool = True) -> int:
    """What the clock does once: the server was heard of, and it is looked who is gone."""
    if heard:
        webhooks.accepted(db, "main", [now], now)
    context = Context(db, RULES, now, SERVERS)
    looked = reclaiming.watch(context, "bridge.db")
    while reconcile.decide_dirty(context):
        pass
    return looked


def apple_takes(db: Connection, now: float) -> set[str]:
    """Apple takes back what it is asked to; who held it."""
    asked = request_pairs.collecting(db, "hq", "DISASSOCIATE")
    pairs = [each.pair for each in asked]
    assignments.withdraw(db, "hq", pairs)
    db.execute(
        "UPDATE request_pairs SET state = 'confirmed', settled_at = ? "
        "WHERE kind = 'DISASSOCIATE' AND state = 'collected'",
        (now,),
    )
    return {pair.holder for pair in pairs}


def leave(db: Connection, serial: str, now: float) -> None:
    """A CheckOut, as its webhook is taken in."""
    db.execute(
        "UPDATE devices SET enrolled = 0, checkout_stamp = ?, unenrolled_at = ?, last_seen_at = ?, "
        "reclaim_at = 0 WHERE serial_number = ?",
        (now, now, now, serial),
    )


def enrol(db: Connection, serial: str, now: float) -> None:
    """A TokenUpdate, as its webhook is taken in."""
    db.execute(
        "UPDATE devices SET enrolled = 1, token_stamp = ?, last_seen_at = ? "
        "WHERE serial_number = ?",
        (now, now, serial),
    )


@pytest.mark.slow  # a year in six-hour steps, with 1,000 devices
def test_a_year_of_a_fleet(db: Connection) -> None:
    serials = fleet(db, 1000)
    theirs = set(serials[900:])  # licences that a person assigned
    db.execute("UPDATE assignments SET ours = 0 WHERE target >= ?", (serials[900],))
    db.execute("DELETE FROM request_pairs WHERE target >= ?", (serials[900],))
    sold = {s: 20 + 3 * n for n, s in enumerate((*serials[:60], *serials[900:920]))}
    silent = {s: 21 + 3 * n for n, s in enumerate((*serials[60:120], *serials[920:940]))}
    early = {s: (22 + 2 * n, 29) for n, s in enumerate(serials[120:160])}  # a day before the limit
    late = {s: (23 + 2 * n, 31) for n, s in enumerate(serials[160:200])}  # a day after it
    away = dict.fromkeys(serials[200:240], 29)  # silent, and back a day before the limit
    given: dict[str, float] = {}
    for step in range(4 * 400):
        now, day = NOW + step * 6 * HOUR, step / 4
        gone = [s for s, at in silent.items() if day >= at]
        gone += [s for s in away if 50 <= day < 50 + away[s]]
        out = set(gone)
        for group in (sold, {s: at for s, (at, _) in (*early.items(), *late.items())}):
            for serial, at in group.items():
                if day == at:
                    leave(db, serial, now)
        for serial, (at, back) in (*early.items(), *late.items()):
            if day == at + back:
                enrol(db, serial, now)
        if step % 4 == 0:
            db.executemany(
                "UPDATE devices SET last_seen_at = ? WHERE serial_number = ? AND enrolled = 1",
                [(now, s) for s in serials if s not in out],
            )
        one_pass(db, now)
        given |= dict.fromkeys(apple_takes(db, now), day)
    expected = {s for s in (*sold, *silent, *late) if s not in theirs}
    assert set(given) == expected
    for serial, at in (*sold.items(), *silent.items()):
        if serial in expected:
            assert at + 30 - 1 <= given[serial] <= at + 31, serial
    with_why = {serial: reclaims.newest(db, serial) for serial in expected}
    assert all(len(found) == 1 and found[0].done_by == "policy" for found in with_why.values())
    assert "it left main (CheckOut) on" in with_why[serials[0]][0].why
    assert "silent since" in with_why[serials[60]][0].why
    left = {row[0] for row in db.execute("SELECT target FROM assignments")}
    assert left == set(serials) - expected
    assert theirs <= left


@pytest.mark.slow
def test_no_pass_goes_through_a_fleet(db: Connection) -> None:
    found = []
    for number in (1000, 20_000):
        for table in ("devices", "installs", "assignments", "request_pairs", "server_watch"):
            db.execute(f"DELETE FROM {table}")
        meta.forget(db, "reclaim_rules")
        fleet(db, number)
        now = NOW + HOUR
        while one_pass(db, now):  # each device is looked at once, when the rules are new
            pass
        leave(db, "S000007", now)
        cost = Cost()
        webhooks.accepted(db, "main", [now + HOUR], now + HOUR)
        cost.watch(db)
        looked = reclaiming.watch(Context(db, RULES, now + HOUR, SERVERS), "bridge.db")
        db.set_trace_callback(None)
        db.set_progress_handler(None, 1)
        assert looked == 1
        found.append(cost)
    few, many = found
    assert few.statements == many.statements <= 30
    assert many.steps <= 1.5 * few.steps


def test_without_a_rule_nobody_is_looked_at(db: Connection) -> None:
    fleet(db, 10)
    leave(db, "S000001", NOW)
    assert reclaiming.watch(Context(db, POLICY, NOW + HOUR, SERVERS), "bridge.db") == 0
    assert set(server_watch.load(db)) == {"main"}


def some_gone(db: Connection, number: int) -> float:
    """A fleet of 20 of which so many left at once; a moment past their limit."""
    serials = fleet(db, 20)
    now = NOW
    one_pass(db, now)
    for serial in serials[:number]:
        leave(db, serial, now + 60)
    for _ in range(31):
        now += DAY
        db.execute("UPDATE devices SET last_seen_at = ? WHERE enrolled = 1", (now,))
        one_pass(db, now)
    return now


def test_many_at_once_wait_for_a_person_until_they_are_back(db: Connection) -> None:
    now = some_gone(db, 11)
    assert not apple_takes(db, now)
    (hold,) = reclaims.holds(db).values()
    assert hold.licences == 11
    reasons = db.execute("SELECT reason, count(*) FROM installs GROUP BY reason").fetchall()
    assert {row[0]: row[1] for row in reasons}["RECLAIM_HELD"] == 11
    for number in range(11):
        enrol(db, f"S{number:06}", now + 60)
    for _ in range(4):
        now += HOUR
        one_pass(db, now)
    assert not reclaims.holds(db)
    assert not db.execute("SELECT 1 FROM installs WHERE reason = 'RECLAIM_HELD'").fetchone()


def test_a_few_at_once_do_not(db: Connection) -> None:
    now = some_gone(db, 10)
    assert len(apple_takes(db, now)) == 10
    assert not reclaims.holds(db)


def test_what_waits_does_not_go_when_a_day_is_over(db: Connection) -> None:
    now = some_gone(db, 11)
    enrol(db, "S000000", now)
    for _ in range(3):
        now += DAY
        db.execute("UPDATE devices SET last_seen_at = ? WHERE enrolled = 1", (now,))
        one_pass(db, now - HOUR)
        one_pass(db, now)
    assert not apple_takes(db, now)
    assert reclaims.holds(db)["hq"].licences == 10


def test_a_database_in_another_place_begins_anew(db: Connection) -> None:
    fleet(db, 2)
    leave(db, "S000000", NOW)
    now = NOW
    for _ in range(29):
        now += DAY
        one_pass(db, now)
    context: Any = Context(db, RULES, now + HOUR, SERVERS)
    reclaiming.watch(context, "postgresql://elsewhere/bridge")
    for _ in range(20):
        now += DAY
        webhooks.accepted(db, "main", [now], now)
        reclaiming.watch(replace(context, now=now), "postgresql://elsewhere/bridge")
    reconcile.decide_dirty(replace(context, now=now))
    assert not apple_takes(db, now)


def test_a_licence_without_an_install_goes_back_too(db: Connection) -> None:
    fleet(db, 1)
    db.execute("DELETE FROM installs")
    one_pass(db, NOW)
    leave(db, "S000000", NOW + 60)
    now = NOW
    for _ in range(31):
        now += DAY
        one_pass(db, now)
    assert apple_takes(db, now) == {"S000000"}


def days(db: Connection, now: float, number: int, **changes: Any) -> float:
    """Let days pass, each with the passes of four times: with or without webhooks, reads of the
    list, and devices that come to their server by it."""
    servers = changes.get("servers", SERVERS)
    for _ in range(4 * number):
        now += 6 * HOUR
        if changes.get("webhooks", True):
            webhooks.accepted(db, "main", [now], now)
        if changes.get("lists", True):
            server_watch.list_read(db, "main", now, now if changes.get("come", True) else NOW)
        context = Context(db, changes.get("policy", RULES), now, servers)
        reclaiming.watch(context, "bridge.db")
        while reconcile.decide_dirty(context):
            pass
    return now


def gone_for_25_days(db: Connection) -> float:
    """The first of four devices has left, the second is silent; the others are heard of."""
    fleet(db, 4)
    leave(db, "S000000", NOW + 60)
    enrol(db, "S000002", NOW + 10 * 365 * DAY)
    enrol(db, "S000003", NOW + 10 * 365 * DAY)
    return days(db, NOW, 25)


def test_without_trouble_both_go(db: Connection) -> None:
    now = days(db, gone_for_25_days(db), 4)
    assert not apple_takes(db, now)
    assert apple_takes(db, days(db, now, 2)) == {"S000000", "S000001"}


def test_the_bridge_off_for_60_days(db: Connection) -> None:
    now = gone_for_25_days(db) + 60 * DAY
    now = days(db, now, 28)
    assert not apple_takes(db, now)
    assert apple_takes(db, days(db, now, 4)) == {"S000000", "S000001"}


def test_a_dead_webhook_for_60_days(db: Connection) -> None:
    now = days(db, gone_for_25_days(db), 60, webhooks=False)
    assert not apple_takes(db, now), "devices come, and nobody is told of what they do"
    stopped = server_watch.load(db)["main"]
    records = reclaims.records(db, ["S000000"], {"main": stopped})["S000000"]
    told = verdict.unenrolled(records, now, LIMIT).sentence(now)
    assert "kept: no webhook of main came since" in told
    assert "by its list devices came to it until" in told
    now = days(db, now, 28)
    assert not apple_takes(db, now), "the clocks began anew"
    assert apple_takes(db, days(db, now, 4)) == {"S000000", "S000001"}


def test_a_webhook_that_was_never_set_up(db: Connection) -> None:
    fleet(db, 4)
    leave(db, "S000000", NOW - DAY)
    rules = replace(RULES, reclaim=ReclaimPolicy(unenrolled_after=DAY))
    now = days(db, NOW, 60, webhooks=False, policy=rules)
    assert not apple_takes(db, now)
    assert apple_takes(db, days(db, now, 2, policy=rules)) == {"S000000"}


def test_a_quiet_fleet_is_no_dead_webhook(db: Connection) -> None:
    now = days(db, gone_for_25_days(db), 60, webhooks=False, come=False)
    assert apple_takes(db, now) == {"S000000"}, "no device came, by its list, which is read"
    now = days(db, now, 28)
    assert not apple_takes(db, now), "who was silent may have spoken"


def test_neither_webhooks_nor_lists_for_60_days(db: Connection) -> None:
    now = days(db, gone_for_25_days(db), 60, webhooks=False, lists=False)
    assert not apple_takes(db, now)
    assert not apple_takes(db, days(db, now, 28))


def test_a_server_out_of_the_file_for_60_days(db: Connection) -> None:
    now = days(db, gone_for_25_days(db), 60, servers={})
    assert not apple_takes(db, now)
    now = days(db, now, 28)
    assert not apple_takes(db, now)
    assert apple_takes(db, days(db, now, 4)) == {"S000000", "S000001"}
