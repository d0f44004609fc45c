"""What there is to do, by one look: each part from an index."""

from __future__ import annotations

from bridge.store.agenda import LOOK, look
from bridge.store.database import Connection
from tests.unit.store_kit import NOW

SMALL = {"acts", "schedule", "pauses"}
"""Tables of a few rows, whatever the size of the fleet."""


def test_nothing_is_due_in_an_empty_database(db: Connection) -> None:
    agenda = look(db, NOW)
    assert not (agenda.acts or agenda.dirty or agenda.seats or agenda.collecting)
    assert not agenda.queue_ready
    assert agenda.messages_at is agenda.calls_at is agenda.decide_at is agenda.queue_at is None


def test_each_part_is_one_look_up_in_an_index(db: Connection) -> None:
    plan = [row["detail"] for row in db.execute(f"EXPLAIN QUERY PLAN {LOOK}", {"now": NOW})]
    scanned = [line for line in plan if line.startswith("SCAN ") and "INDEX" not in line]
    assert {line.split()[1] for line in scanned} - {"CONSTANT"} <= SMALL, scanned
