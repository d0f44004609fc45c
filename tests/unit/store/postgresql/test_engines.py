"""The engines on a server: each is known by a number, lives by saying so, and one of them leads."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from psycopg import conninfo

from bridge.errors import EngineReplaced, StorePutBack
from bridge.store.postgresql.database import PostgresqlDatabase
from bridge.store.postgresql.engines import HEARD, LEASE, ServerEngines
from tests import postgresql


@pytest.fixture
def database(postgresql_where: str) -> Iterator[PostgresqlDatabase]:
    server = conninfo.make_conninfo(postgresql_where, dbname="postgres")
    with postgresql.database(server) as where:
        made = PostgresqlDatabase(where)
        made.open()
        yield made
        made.close()


@pytest.fixture
def joined(database: PostgresqlDatabase) -> Iterator[Callable[[str], ServerEngines]]:
    ends: list[Callable[[], None]] = []

    def join(name: str) -> ServerEngines:
        lock = database.engine_lock()
        lock.holder = name
        made = database.engines(lock)
        ends.extend((lock.release, made.close))
        made.join()
        return made

    yield join
    for end in ends:
        end()


def fall_silent(database: PostgresqlDatabase, engine: ServerEngines, seconds: float) -> None:
    """So long ago it was heard last, by the server's clock."""
    with database.write() as db:
        db.execute("UPDATE engines SET heard = heard - ? WHERE id = ?", (seconds, engine.number))


def table(database: PostgresqlDatabase) -> list[tuple[Any, ...]]:
    with database.read() as db:
        return [tuple(row) for row in db.execute("SELECT name, leads FROM engines ORDER BY id")]


def test_one_leads_and_another_takes_over_when_it_is_gone(
    database: PostgresqlDatabase, joined: Callable[[str], ServerEngines]
) -> None:
    one, two = joined("one"), joined("two")
    assert one.number != two.number
    assert one.lead() and not two.lead()
    assert table(database) == [("one", 1), ("two", 0)]
    with database.read() as db:
        assert list(two.helping(db)) == [two.number]
        assert list(one.helping(db)) == [one.number, two.number]
    one._lock.release()
    assert two.lead()
    with database.write() as db:
        two.give_up_leaders(db)
    assert table(database) == [("two", 1)]
    with pytest.raises(EngineReplaced, match="the other engines heard nothing of this one"):
        one.beat()


def test_who_says_nothing_for_its_lease_is_silent(
    database: PostgresqlDatabase, joined: Callable[[str], ServerEngines]
) -> None:
    one, two = joined("one"), joined("two")
    fall_silent(database, two, LEASE - 5)
    assert not one.silent()
    fall_silent(database, two, 6)
    (found,) = one.silent()
    assert (found.number, found.name) == (two.number, "two")
    fall_silent(database, one, LEASE + 1)
    assert [each.number for each in one.silent()] == [two.number], "nobody misses itself"
    two.beat()
    assert not one.silent()


def test_who_was_given_up_claims_nothing_more(
    database: PostgresqlDatabase, joined: Callable[[str], ServerEngines]
) -> None:
    one, two = joined("one"), joined("two")
    with database.write() as db:
        two.check(db)
        one.give_up(db, (two.number,))
        with pytest.raises(EngineReplaced):
            two.check(db)
    with pytest.raises(EngineReplaced):
        two.beat()
    two.leave()  # as at an end in order
    assert table(database) == [("one", 0)]


def test_who_cannot_say_that_it_lives_begins_no_call(database: PostgresqlDatabase) -> None:
    seconds = [100.0]
    lock = database.engine_lock()
    engines = ServerEngines("d", database._connect, lock, database.read, lambda: seconds[0])
    assert engines.is_heard(), "who has not joined is missed by nobody"
    engines.join()
    seconds[0] += HEARD - 0.1
    assert engines.is_heard()
    seconds[0] += 0.2
    assert not engines.is_heard()
    engines.beat()
    assert engines.is_heard()
    assert HEARD < LEASE
    engines.close()


def test_one_whose_rows_are_put_back_counts_as_silent_and_is_told(
    database: PostgresqlDatabase, joined: Callable[[str], ServerEngines]
) -> None:
    database.check_put_back()
    one = joined("one")
    one.beat()
    with database.write() as db:
        db.execute("UPDATE meta SET value = value")  # by another transaction, as pg_restore does
    with pytest.raises(StorePutBack, match="its rows were put back"):
        one.beat()


def test_they_have_one_clock_which_nobody_sets(database: PostgresqlDatabase) -> None:
    """It goes on between two beats, whatever the machine's own says, and is the server's then."""
    seconds = [100.0]
    lock = database.engine_lock()
    one = ServerEngines("d", database._connect, lock, database.read, lambda: seconds[0])
    one.join()
    began = one.time()
    seconds[0] += 1000.0
    assert one.time() == began + 1000.0
    one.beat()
    with database.read() as db:
        (row,) = db.execute("SELECT heard FROM engines").fetchall()
    assert one.time() == row[0] < began + 900.0
    one.close()
