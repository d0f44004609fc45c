"""The inbox as a table: what came in lasts, in order, and is heard of."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from bridge.store import meta
from bridge.store.inbox.mark import KEY
from bridge.store.inbox.message import NewMessage
from bridge.store.postgresql.database import PostgresqlDatabase

NOW = 1_800_000_000.0
MESSAGE = NewMessage("mdm", "main", "mdm.Connect", "connect", "m", b"body", udid="U1")


@pytest.fixture
def ours(postgresql_where: str) -> Iterator[PostgresqlDatabase]:
    made = PostgresqlDatabase(postgresql_where)
    made.open()
    yield made
    with made.write() as db:
        meta.forget(db, KEY)
        db.execute("DELETE FROM inbox")
    made.close()


def waiting(database: PostgresqlDatabase) -> list[tuple[int, str]]:
    with database.read_all() as (_, inbox):
        return [(each.id, each.message_id) for each in inbox.all()]


def test_what_comes_in_waits_in_order_until_it_is_taken(ours: PostgresqlDatabase) -> None:
    for name in ("a", "b", "c"):
        ours.inbox.put(replace(MESSAGE, message_id=name), NOW)
    assert waiting(ours) == [(1, "a"), (2, "b"), (3, "c")]
    with ours.write() as db:
        meta.keep(db, KEY, "3")
    assert waiting(ours) == []
    assert (ours.inbox.remove(3), ours.inbox.remove(3)) == (2, 0)
    assert ours.inbox.put(MESSAGE, NOW) == 4, "the newest stays, and says which id is next"


def test_a_hook_does_not_wait_for_who_writes(ours: PostgresqlDatabase) -> None:
    with ours.write() as db:
        meta.keep(db, "a", "1")
        ours.inbox.put(MESSAGE, NOW)
        meta.forget(db, "a")
    assert waiting(ours) == [(1, "m")]


def test_one_message_that_cannot_be_stored_fails_alone(ours: PostgresqlDatabase) -> None:
    broken = replace(MESSAGE, origin=None)  # type: ignore[arg-type]
    steps = [lambda db: ours.inbox._insert(db, broken, NOW)]
    steps += [lambda db: ours.inbox._insert(db, MESSAGE, NOW)]
    first, second = ours.inbox._commit(steps)
    assert isinstance(first, Exception)
    assert second == 1
    assert waiting(ours) == [(1, "m")]


def test_what_others_stored_and_what_came_in_is_heard_of(
    ours: PostgresqlDatabase, postgresql_where: str
) -> None:
    other = PostgresqlDatabase(postgresql_where)
    other.open()
    before = ours.data_version()
    assert ours.data_version() == before
    with ours.write() as db:
        meta.keep(db, "a", "1")
    assert ours.data_version() == before, "what it stored itself is no news"
    with other.write() as db:
        meta.forget(db, "a")
    other.close()
    ours._news.heard(wait=5.0)
    after = ours._news.heard(wait=5.0)  # of what it stored itself, and of what the other did
    assert after[0] > before[0]
    ours.inbox.put(MESSAGE, NOW)
    assert ours._news.heard(wait=5.0)[1] > after[1]


def test_room_is_tried_in_earnest(ours: PostgresqlDatabase) -> None:
    ours.inbox.try_writing(1000)
    with ours.read() as db:
        assert db.execute("SELECT count(*) FROM inbox_probe").fetchone()[0] == 0
    assert ours.fold()
    assert ours.free_space() is None
