"""What is counted for ever, in both databases."""

from __future__ import annotations

import pytest

from bridge.domain.metrics import CALL_BOUNDS, CONFIRMATION_BOUNDS
from bridge.store.database import Connection
from bridge.store.licences import confirmations, requests
from bridge.store.licences.requests import AppleRequest
from bridge.store.outbox import outbox
from bridge.store.views import metrics
from bridge.store.views.metrics import Measured
from tests.unit.store_kit import NOW, intend

LONGER = 1e9


def measured(db: Connection, name: str) -> list[Measured]:
    return [each for each in metrics.measured(db) if each.name == name]


def settle(db: Connection, seconds: float, key: str) -> int:
    row_id = intend(db, "push", key, service="mdm", scope="main")
    db.execute("UPDATE outbox SET state = 'claimed', claimed_at = ? WHERE id = ?", (NOW, row_id))
    outbox.done(db, row_id, NOW + seconds)
    return row_id


def buckets(bounds: tuple[float, ...]) -> dict[float, float]:
    """A length for each bucket, by its bound: just as long as that."""
    return {bound: bound for bound in bounds} | {LONGER: bounds[-1] + 1}


def test_calls_are_counted_by_the_bounds_that_are_shown(db: Connection) -> None:
    db.execute("UPDATE outbox SET claimed_at = 0")
    for le, seconds in buckets(CALL_BOUNDS).items():
        row_id = intend(db, "push", str(le), service="mdm", scope="main")
        db.execute("UPDATE outbox SET state = 'claimed', claimed_at = 0 WHERE id = ?", (row_id,))
        outbox.done(db, row_id, seconds)
    found = measured(db, "calls")
    assert [each.le for each in found] == [*CALL_BOUNDS, LONGER]
    assert {(each.scope, each.kind, each.result, each.count) for each in found} == {
        ("mdm:main", "push", "done", 1)
    }
    assert sum(each.total for each in found) == pytest.approx(sum(CALL_BOUNDS) + 121)


def asked_apple(db: Connection, submitted_at: float | None = NOW) -> AppleRequest:
    """A request of ours that was made a moment before it was sent."""
    db.execute(
        "INSERT INTO apple_requests (id, location, kind, state, num_requested, created_at, "
        "submitted_at) VALUES (1, 'hq', 'ASSOCIATE', 'open', 1, ?, ?)",
        (NOW - 5, submitted_at),
    )
    return requests.get(db, 1)


def test_confirmations_are_counted_by_the_bounds_that_are_shown(db: Connection) -> None:
    request = asked_apple(db)
    for seconds in buckets(CONFIRMATION_BOUNDS).values():
        confirmations.count(db, request, "status", 1, NOW + seconds)
    found = measured(db, "confirmations")
    assert [each.le for each in found] == [*CONFIRMATION_BOUNDS, LONGER]
    assert {(each.scope, each.kind, each.count) for each in found} == {("hq", "status", 1)}


def test_licences_that_are_confirmed_together_count_one_by_one(db: Connection) -> None:
    request = asked_apple(db)
    for number in (100, 3, 0):
        confirmations.count(db, request, "notification", number, NOW + 2)
    (one,) = measured(db, "confirmations")
    assert (one.le, one.count, one.total) == (2.5, 103, 206.0)


def test_a_request_that_was_not_seen_leaving_counts_from_when_it_was_made(db: Connection) -> None:
    confirmations.count(db, asked_apple(db, None), "status", 1, NOW)
    confirmations.count(db, requests.get(db, 1), "status", 1, NOW - 60)
    assert [(each.le, each.count, each.total) for each in measured(db, "confirmations")] == [
        (1.0, 1, 0.0),
        (5.0, 1, 5.0),
    ]


def test_a_clock_that_was_set_back_makes_no_time_negative(db: Connection) -> None:
    settle(db, -3600, "a")
    (one,) = measured(db, "calls")
    assert (one.le, one.count, one.total) == (CALL_BOUNDS[0], 1, 0)


def test_what_fails_or_is_made_again_is_counted_and_what_did_not_begin_is_not(
    db: Connection,
) -> None:
    for key, end in (("a", "again"), ("b", "failed"), ("c", "given back"), ("d", "cancelled")):
        row_id = intend(db, "push", key, service="mdm", scope="main")
        if end != "cancelled":
            db.execute(
                "UPDATE outbox SET state = 'claimed', claimed_at = ? WHERE id = ?", (NOW, row_id)
            )
        if end == "again":
            outbox.again(db, row_id, NOW + 60, "no answer")
        elif end == "given back":
            outbox.give_back(db, row_id)
        else:
            outbox.failed(db, row_id, NOW + 1, "no")
    assert {(each.result, each.count) for each in measured(db, "calls")} == {
        ("again", 1),
        ("failed", 1),
    }


def message(db: Connection, message_id: str, status: str) -> None:
    db.execute(
        "INSERT INTO events (source, origin, topic, message_id, received_at, status, body) "
        "VALUES ('mdm', 'main', 'mdm.Connect', ?, ?, ?, ?)",
        (message_id, NOW, status, b""),
    )


def test_a_message_counts_once_whatever_becomes_of_it_later(db: Connection) -> None:
    for name, status in (("a", "done"), ("b", "ignored"), ("c", "new"), ("d", "new")):
        message(db, name, status)
    db.execute("UPDATE events SET status = 'new', tries = 1 WHERE message_id = 'c'")
    db.execute("UPDATE events SET status = 'set_aside' WHERE message_id = 'c'")
    db.execute("UPDATE events SET status = 'done' WHERE message_id = 'c'")
    db.execute("UPDATE events SET status = 'done' WHERE message_id = 'd'")
    db.execute("DELETE FROM events")
    found = {each.result: each.count for each in measured(db, "events")}
    assert found == {"done": 2, "ignored": 1, "set_aside": 1}
