"""Transactions on PostgreSQL, who may write, and what is told when the server is away."""

import threading
from collections.abc import Sequence

import psycopg
import pytest

from bridge.errors import StoreAway, StoreConflict, StoreError, StoreFull, StoreLocked
from bridge.store import meta
from bridge.store.database import Connection, savepoint
from bridge.store.postgresql.database import PostgresqlDatabase
from bridge.store.postgresql.failing import store_error


@pytest.fixture
def ours(postgresql_database: PostgresqlDatabase) -> PostgresqlDatabase:
    with postgresql_database.write() as db:
        meta.forget(db, "a")
    return postgresql_database


def recalled(database: PostgresqlDatabase) -> str | None:
    with database.read() as db:
        return meta.recall(db, "a")


def test_what_a_write_did_stays_and_what_raised_is_undone(ours: PostgresqlDatabase) -> None:
    with ours.write() as db:
        meta.keep(db, "a", "1")
    with pytest.raises(ZeroDivisionError):
        _broken_off(ours)
    assert recalled(ours) == "1"


def test_a_step_alone_is_undone_though_the_database_refused_it(ours: PostgresqlDatabase) -> None:
    with ours.write() as db:
        meta.keep(db, "a", "1")
        with pytest.raises(psycopg.IntegrityError), savepoint(db):
            db.execute("INSERT INTO meta (key, value) VALUES ('a', 'again')")
        meta.keep(db, "b", "2")
        meta.forget(db, "b")
    assert recalled(ours) == "1"


def test_a_reader_sees_one_moment_and_cannot_write(ours: PostgresqlDatabase) -> None:
    with ours.read() as before:
        assert meta.recall(before, "a") is None
        with ours.write() as db:
            meta.keep(db, "a", "1")
        assert meta.recall(before, "a") is None
        with pytest.raises(psycopg.Error), savepoint(before):
            meta.keep(before, "a", "2")
    assert recalled(ours) == "1"


def test_one_writer_at_a_time_and_nobody_waits_for_ever(
    ours: PostgresqlDatabase, postgresql_where: str
) -> None:
    other = PostgresqlDatabase(postgresql_where)
    other.open()
    with ours.write():
        stood = pytest.raises(StoreLocked, match="another transaction stood in the way")
        with stood, other.write(0.01):
            pass
        waits = threading.Thread(target=lambda: _write(ours, 0.01), daemon=True)
        waits.start()
        waits.join()
    with other.write() as db:
        meta.keep(db, "a", "other")
    other.close()
    assert recalled(ours) == "other"


def _broken_off(database: PostgresqlDatabase) -> None:
    with database.write() as db:
        meta.keep(db, "a", "2")
        raise ZeroDivisionError


def _cut_off(database: PostgresqlDatabase) -> None:
    with database.long_read() as other, database.write() as db:
        meta.keep(db, "a", "lost")
        pid = db.execute("SELECT pg_backend_pid()").fetchone()[0]
        other.execute("SELECT pg_terminate_backend(CAST(? AS int))", (pid,))
        meta.keep(db, "a", "lost, too")


def _write(database: PostgresqlDatabase, wait: float) -> None:
    with pytest.raises(StoreLocked, match="another thread"), database.write(wait):
        pass


def test_who_is_cut_off_in_a_transaction_is_told_and_comes_again(ours: PostgresqlDatabase) -> None:
    with pytest.raises(StoreAway) as told:
        _cut_off(ours)
    assert "goes on by itself" in told.value.mend
    assert ours.failed is told.value
    assert recalled(ours) is None
    with ours.write() as writer:
        meta.keep(writer, "a", "1")
    assert ours.failed is None
    assert recalled(ours) == "1"


def test_a_server_that_is_not_there_is_named_without_its_password() -> None:
    away = PostgresqlDatabase("host=/nowhere-at-all user=bridge password=s3cret dbname=vpp")
    with pytest.raises(StoreAway, match=r"dbname=vpp host=/nowhere-at-all user=bridge: ") as told:
        away.open()
    assert "s3cret" not in str(told.value)
    with pytest.raises(StoreAway), away.read():
        pass


def test_who_closed_it_is_not_asked(postgresql_where: str) -> None:
    closed = PostgresqlDatabase(postgresql_where)
    with pytest.raises(StoreError, match="the database is not open"), closed.write():
        pass


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (psycopg.errors.DiskFull("no space"), StoreFull),
        (psycopg.errors.SerializationFailure("could not serialize"), StoreConflict),
        (psycopg.errors.DeadlockDetected("deadlock"), StoreConflict),
        (psycopg.errors.AdminShutdown("terminating connection"), StoreAway),
        (psycopg.errors.CannotConnectNow("starting up"), StoreAway),
        (psycopg.errors.ReadOnlySqlTransaction("a standby"), StoreAway),
        (psycopg.errors.InvalidCatalogName("does not exist"), StoreAway),
        (psycopg.OperationalError("connection refused"), StoreAway),
        (psycopg.errors.InsufficientPrivilege("permission denied"), StoreError),
    ],
)
def test_what_fails_outside_is_one_of_our_errors(error: psycopg.Error, kind: type) -> None:
    assert type(store_error(error, "vpp")) is kind


def test_what_we_did_wrong_is_no_outage() -> None:
    assert store_error(psycopg.errors.UniqueViolation("twice"), "vpp") is None
    assert store_error(psycopg.errors.SyntaxError("near"), "vpp") is None


def test_who_asks_while_an_answer_is_waited_for_is_told_with_others_by_one_statement(
    ours: PostgresqlDatabase,
) -> None:
    waits, go_on, asked = threading.Event(), threading.Event(), list[list[int]]()

    def doubled(db: Connection, numbers: Sequence[int]) -> list[int]:
        asked.append(list(numbers))
        waits.set()
        assert go_on.wait(10)
        return [2 * db.execute("SELECT ? + 0", (number,)).fetchone()[0] for number in numbers]

    told = dict[int, int]()

    def ask(number: int) -> None:
        told[number] = ours.glance_together(doubled, number)

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(5)]
    threads[0].start()
    assert waits.wait(10)
    for thread in threads[1:]:
        thread.start()
    group = ours._glances[doubled]
    while len(group._waiting) < 4:
        assert threads[0].is_alive()
    go_on.set()
    for thread in threads:
        thread.join(10)
    assert told == {number: 2 * number for number in range(5)}
    assert [len(numbers) for numbers in asked] == [1, 4]
