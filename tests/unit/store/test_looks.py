"""Looks of every pass and every probe take the same steps however much waits, or is at rest."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pytest

from bridge.store.commands import device_queue
from bridge.store.database import Connection
from bridge.store.devices import devices
from bridge.store.outbox import outbox
from tests.unit.store_kit import NOW, rows_like, steps

CALL = {"service": "mdm", "scope": "main", "kind": "command", "due_at": NOW}
LOOKS: dict[str, tuple[Callable[[Connection], object], str, dict[str, object]]] = {
    "when a server is called": (outbox.due_by_scope, "outbox", {**CALL, "state": "ready"}),
    "what is wrong with a server": (
        partial(outbox.trouble, service="mdm", scope="main"),
        "outbox",
        {**CALL, "state": "ready"},
    ),
    "whose queues wait": (
        partial(device_queue.servers_waiting, now=NOW),
        "devices",
        {"server": "main", "queue_at": NOW - 9},
    ),
    "who tells no serial number": (
        devices.without_a_real_serial,
        "devices",
        {"server": "main", "serial_number": None, "enrolled": 1},
    ),
}


@pytest.mark.sqlite_alone("its steps are counted")
@pytest.mark.parametrize("name", LOOKS)
def test_a_look_takes_the_same_steps_however_many_rows_there_are(db: Connection, name: str) -> None:
    look, table, values = LOOKS[name]
    rows_like(db, table, values, range(3))
    few = steps(db, partial(look, db))
    rows_like(db, table, values, range(3, 600))
    assert steps(db, partial(look, db)) <= few + 20


def test_the_next_call_of_each_server_is_found(db: Connection) -> None:
    for number, (service, scope) in enumerate([("mdm", "a"), ("apple", "hq"), ("mdm", "b")]):
        for later in range(3):
            values = CALL | {"service": service, "scope": scope, "state": "ready"}
            rows_like(db, "outbox", values | {"due_at": NOW + number + later}, [9 * number + later])
    expected = {("mdm", "a"): NOW, ("apple", "hq"): NOW + 1, ("mdm", "b"): NOW + 2}
    assert outbox.due_by_scope(db) == expected
