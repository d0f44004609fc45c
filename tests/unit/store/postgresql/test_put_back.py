"""Rows that another program has put back are told from those that moved with the server's files.

With a real pg_restore: tests/flow/test_cli_postgresql.py; with a standby that takes over: here.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest
from psycopg import conninfo

from bridge.errors import StorePutBack
from bridge.store import meta
from bridge.store.postgresql import put_back
from bridge.store.postgresql.database import PostgresqlDatabase
from tests import postgresql


@pytest.fixture
def where(postgresql_where: str) -> Iterator[str]:
    with postgresql.database(conninfo.make_conninfo(postgresql_where, dbname="postgres")) as made:
        with opened(made) as ours:
            ours.check_put_back()
        yield made


@contextmanager
def opened(where: str) -> Iterator[PostgresqlDatabase]:
    made = PostgresqlDatabase(where)
    made.open()
    try:
        yield made
    finally:
        made.close()


def run(where: str, *statements: str) -> None:
    with psycopg.connect(where, autocommit=True) as db:
        for each in statements:
            db.execute(each.encode())


def marks(where: str) -> list[str]:
    with opened(where) as ours, ours.read() as db:
        return [meta.recall(db, key) or "" for key in put_back.MARKS]


def test_it_is_marked_once_by_two_transactions(where: str) -> None:
    before = marks(where)
    assert all(before) and before[0] != before[1]
    with opened(where) as ours:
        ours.check_put_back()
    assert marks(where) == before


@pytest.mark.parametrize(
    "change",
    [
        "VACUUM FULL meta",
        "VACUUM (FREEZE) meta",
        "CLUSTER meta USING meta_pkey",
        "SELECT * FROM meta FOR UPDATE",
        "ANALYZE meta",
        "REINDEX TABLE meta",
    ],
)
def test_what_the_server_does_with_its_files_is_nothing(where: str, change: str) -> None:
    run(where, change)
    with opened(where) as ours:
        ours.check_put_back()


def test_a_copy_of_the_files_is_nothing(where: str) -> None:
    server = conninfo.make_conninfo(where, dbname="postgres")
    with postgresql.database(server, postgresql.name_of(where)) as copied, opened(copied) as ours:
        ours.check_put_back()


@pytest.mark.parametrize(
    "statements",
    [
        ("CREATE TABLE kept AS TABLE meta", "TRUNCATE meta", "INSERT INTO meta TABLE kept"),
        ("UPDATE meta SET value = value WHERE key = 'written_by'",),
        ("UPDATE meta SET value = value WHERE key = 'written_by_another'",),
    ],
    ids=["all", "one", "the other"],
)
def test_rows_that_are_written_anew_are_told(where: str, statements: tuple[str, ...]) -> None:
    run(where, *statements)
    with opened(where) as ours:
        with pytest.raises(StorePutBack, match=r"its rows were put back, as pg_restore does"):
            ours.check_put_back()
        (found,) = [each for each in ours.noticed() if each.level == "fail"]
        assert "restore --after-pg-restore" in found.mend
        with ours.write() as db:
            put_back.forget(db)
        ours.check_put_back()
        ours.check_put_back()


def test_a_server_that_counts_from_the_same_number_changes_nothing(where: str) -> None:
    """Who writes all at once may do so under the number of one mark, never under both."""
    run(
        where,
        "BEGIN; UPDATE meta SET value = pg_current_xact_id()::text WHERE key = 'written_by'; "
        "UPDATE meta SET value = value WHERE key = 'written_by_another'; COMMIT",
    )
    with opened(where) as ours, pytest.raises(StorePutBack):
        ours.check_put_back()


@pytest.mark.slow
def test_a_standby_that_takes_over_is_nothing() -> None:
    if postgresql.programs() is None:
        pytest.skip("no programs of PostgreSQL to start a server of our own")
    with postgresql.own_server(wal_level="replica") as first:
        with opened(first.where) as ours:
            ours.check_put_back()
        with first.standby() as second:
            first.stop()
            second.promote()
            with opened(second.where) as ours:
                ours.check_put_back()
                with ours.write() as db:
                    meta.keep(db, "a", "1")
