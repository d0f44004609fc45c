"""What there is to do, by one look that costs the same however much waits."""

from __future__ import annotations

from functools import partial

import pytest

from bridge.store.agenda import look
from bridge.store.database import Connection
from tests.unit.store_kit import NOW, rows_like, steps

WAITING: dict[str, tuple[str, dict[str, object]]] = {
    "calls": ("outbox", {"service": "mdm", "scope": "main", "kind": "push", "state": "ready"}),
    "devices": ("devices", {"server": "main", "queue_at": NOW + 9}),
    "devices that are due": ("devices", {"server": "main", "queue_at": NOW - 9}),
    "messages": ("events", {"status": "new", "next_try_at": NOW}),
    "jobs": ("schedule", {"next_at": NOW}),
    "commands": ("commands", {"device_id": 1, "state": "posted", "look_at": NOW, "push_at": NOW}),
    "installs": ("installs", {"state": "sent", "next_check_at": NOW}),
    "touched installs": ("installs", {"state": "sent", "next_check_at": NOW, "dirty_at": NOW}),
    "installs without a seat": ("installs", {"state": "waiting", "needs_seat": 1}),
    "pairs": ("request_pairs", {"state": "collected"}),
    "requests": ("apple_requests", {"state": "open", "next_status_at": NOW}),
    "requests in doubt": ("apple_requests", {"state": "in_doubt", "next_read_at": NOW}),
    "paused apps": ("pauses", {"next_probe_at": NOW}),
}
"""What may wait in great number: its table, and what is said of it there."""

OVER: dict[str, tuple[str, dict[str, object]]] = {
    "calls that were made": ("outbox", {"state": "done"}),
    "devices at rest": ("devices", {"server": "main"}),
    "handled messages": ("events", {"status": "done", "next_try_at": NOW}),
    "answered commands": ("commands", {"device_id": 1, "state": "acknowledged"}),
    "installs at rest": ("installs", {"state": "installed"}),
    "confirmed pairs": ("request_pairs", {"state": "confirmed"}),
    "ended requests": ("apple_requests", {"state": "done", "next_status_at": NOW}),
}
"""What exists in great number and waits for nothing."""


def test_nothing_is_due_in_an_empty_database(db: Connection) -> None:
    agenda = look(db, NOW)
    assert not (agenda.acts or agenda.dirty or agenda.seats or agenda.collecting)
    assert not agenda.queue_ready
    assert agenda.messages_at is agenda.calls_at is agenda.decide_at is agenda.queue_at is None


@pytest.mark.sqlite_alone("its steps are counted")
@pytest.mark.parametrize("name", [*WAITING, *OVER])
def test_a_look_costs_the_same_however_much_there_is(db: Connection, name: str) -> None:
    table, values = (WAITING | OVER)[name]
    rows_like(db, "devices", {"server": "other"}, [0])
    rows_like(db, table, values, range(3))
    few = steps(db, partial(look, db, NOW))
    rows_like(db, table, values, range(3, 600))
    assert steps(db, partial(look, db, NOW)) <= few + 20
