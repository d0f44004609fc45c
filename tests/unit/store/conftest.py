"""What needs no more than one write transaction runs on SQLite and on PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

import psycopg
import pytest

from bridge.store.database import Connection, Database
from bridge.store.postgresql.database import PostgresqlDatabase
from tests import postgresql


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A test that has `db`, and no file, has it of both kinds, unless it says why it has not."""
    if "db" not in metafunc.fixturenames:
        return
    kinds = ["sqlite"]
    if not metafunc.definition.get_closest_marker("sqlite_alone") and not (
        {"database", "tmp_path"} & set(metafunc.definition._fixtureinfo.argnames)
    ):
        kinds.append("postgresql")
    metafunc.parametrize("db", kinds, indirect=True)


@pytest.fixture(scope="session")
def postgresql_where() -> Iterator[str]:
    """A database of PostgreSQL for all tests of this process; none keeps anything in it."""
    if why := postgresql.why_missing():
        pytest.skip(why)
    with postgresql.server() as server, postgresql.database(server) as where:
        yield where


@pytest.fixture(scope="session")
def postgresql_database(postgresql_where: str) -> Iterator[PostgresqlDatabase]:
    """That database, open."""
    made = PostgresqlDatabase(postgresql_where)
    made.open()
    yield made
    made.close()


@pytest.fixture
def db(request: pytest.FixtureRequest) -> Iterator[Connection]:
    """One write transaction, for as long as the test lasts."""
    if request.param == "sqlite":
        database: Database = request.getfixturevalue("database")
        with database.write() as connection:
            yield connection
        return
    ours: PostgresqlDatabase = request.getfixturevalue("postgresql_database")
    with suppress(psycopg.Rollback), ours.write() as other:
        postgresql.count_anew(other)
        yield other
        raise psycopg.Rollback
