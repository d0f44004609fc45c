"""The engine's lock on a server: one engine, known by name, which stops when it lost the lock."""

from collections.abc import Callable, Iterator

import psycopg
import pytest
from psycopg import conninfo

from bridge.errors import (
    EngineReplaced,
    EngineRuns,
    StoreAway,
    StoreError,
    StoreLocked,
    StorePutBack,
)
from bridge.store.postgresql.database import PostgresqlDatabase
from bridge.store.postgresql.engine_lock import ServerEngineLock
from tests import postgresql

HELD = "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND granted"


@pytest.fixture
def where(postgresql_where: str) -> Iterator[str]:
    with postgresql.database(conninfo.make_conninfo(postgresql_where, dbname="postgres")) as made:
        yield made


@pytest.fixture
def database(where: str) -> Iterator[PostgresqlDatabase]:
    made = PostgresqlDatabase(where)
    made.open()
    yield made
    made.close()


@pytest.fixture
def lock_of(database: PostgresqlDatabase) -> Iterator[Callable[[str], ServerEngineLock]]:
    made: list[ServerEngineLock] = []

    def lock(holder: str) -> ServerEngineLock:
        made.append(database.engine_lock())
        made[-1].holder = holder
        return made[-1]

    yield lock
    for each in made:
        each.release()


def cut(where: str) -> None:
    """End the session that has the lock, and wait until it is gone."""
    with psycopg.connect(where, autocommit=True) as db:
        (pid,) = db.execute(HELD).fetchone() or (0,)
        assert db.execute("SELECT pg_terminate_backend(%s, 10000)", (pid,)).fetchone() == (True,)


def test_a_second_engine_is_told_who_has_it(lock_of: Callable[[str], ServerEngineLock]) -> None:
    first, second = lock_of("process 1 on one"), lock_of("process 2 on two")
    assert not second.held() and second.silent_for() is None
    first.acquire(0.0)
    assert second.held() and (second.silent_for() or 0.0) < 10.0
    with pytest.raises(EngineRuns) as raised:
        second.acquire(0.0)
    assert "another engine runs on this database (process 1 on one, heard of 0 s ago)" in str(
        raised.value
    )
    first.release()
    assert not second.held()
    second.acquire(0.0)
    assert first.held()


def test_the_last_one_is_waited_for(lock_of: Callable[[str], ServerEngineLock]) -> None:
    first, second = lock_of("process 1 on one"), lock_of("process 2 on two")
    first.acquire(0.0)
    waits: list[float] = []

    def sleep(seconds: float) -> None:
        waits.append(seconds)
        if len(waits) == 3:
            first.release()

    second.acquire(10.0, sleep=sleep)
    assert len(waits) == 3 and second.held()


def test_another_database_of_the_server_has_a_lock_of_its_own(
    lock_of: Callable[[str], ServerEngineLock], where: str
) -> None:
    lock_of("one").acquire(0.0)
    with postgresql.database(conninfo.make_conninfo(where, dbname="postgres")) as other:
        elsewhere = PostgresqlDatabase(other).engine_lock()
        elsewhere.acquire(0.0)
        elsewhere.release()


def test_a_lock_that_was_lost_is_taken_again(
    lock_of: Callable[[str], ServerEngineLock], where: str
) -> None:
    first = lock_of("process 1 on one")
    first.acquire(0.0)
    cut(where)
    with pytest.raises(StoreAway):
        first.beat()
    first.beat()
    assert first.held()


def test_who_lost_it_to_another_is_no_engine_any_more(
    lock_of: Callable[[str], ServerEngineLock], where: str
) -> None:
    first, second = lock_of("process 1 on one"), lock_of("process 2 on two")
    first.acquire(0.0)
    cut(where)
    second.acquire(0.0)
    with pytest.raises(StoreError):
        first.beat()
    with pytest.raises(EngineReplaced, match="process 2 on two was the engine meanwhile"):
        first.beat()
    second.release()
    with pytest.raises(EngineReplaced, match="process 2 on two was the engine meanwhile"):
        first.beat()


def test_a_session_of_ours_that_its_server_has_not_given_up_is_waited_for(
    lock_of: Callable[[str], ServerEngineLock], monkeypatch: pytest.MonkeyPatch
) -> None:
    first = lock_of("process 1 on one")
    first.acquire(0.0)
    lingering, first._connection = first._connection, None
    with pytest.raises(StoreLocked, match="lost has the engine's lock yet"):
        first.beat()
    assert lingering is not None
    lingering.close()
    first.beat()


def test_who_cannot_be_asked_has_no_engine(where: str) -> None:
    lock = PostgresqlDatabase("host=/nowhere-at-all dbname=vpp").engine_lock()
    assert (lock.held(), lock.silent_for()) == (False, None)
    with pytest.raises(StoreAway):
        lock.acquire(0.0)


def test_an_engine_whose_rows_are_put_back_says_no_more_that_it_lives(
    lock_of: Callable[[str], ServerEngineLock], database: PostgresqlDatabase, where: str
) -> None:
    database.check_put_back()
    first = lock_of("process 1 on one")
    first.acquire(0.0)
    with psycopg.connect(where, autocommit=True) as db:
        db.execute("UPDATE meta SET value = value")  # by another transaction, as pg_restore does
    for _ in range(2):
        with pytest.raises(StorePutBack, match="its rows were put back") as told:
            first.beat()
    assert "vpp-bridge restore --after-pg-restore" in told.value.mend
    assert first.held(), "nobody else becomes the engine meanwhile"
