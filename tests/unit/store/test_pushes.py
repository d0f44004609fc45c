"""The newest pushes of a server, for who examines it."""

from __future__ import annotations

from bridge.store.database import Connection
from bridge.store.outbox import outbox, pushes
from tests.unit.store_kit import NOW


def asked_for(db: Connection, at: float, error: str = "", *, server: str = "main") -> None:
    row = outbox.add(
        db,
        service="mdm",
        scope=server,
        kind="push",
        key=f"{server}{at}",
        subject="{}",
        due_at=at,
        now=at,
    )
    if error:
        outbox.failed(db, row, at, error)
    else:
        outbox.done(db, row, at)


def test_the_newest_come_first_and_old_ones_not_at_all(db: Connection) -> None:
    asked_for(db, NOW - 500, "long ago")
    asked_for(db, NOW - 30)
    asked_for(db, NOW - 20, "no")
    asked_for(db, NOW - 10, "of another", server="next")
    found = pushes.newest(db, "main", NOW - 100)
    assert [(each.at, each.error) for each in found] == [(NOW - 20, "no"), (NOW - 30, None)]


def test_no_more_are_looked_at_than_tell_something(db: Connection) -> None:
    for each in range(50):
        asked_for(db, NOW - each, "no")
    assert len(pushes.newest(db, "main", NOW - 100)) == 20
