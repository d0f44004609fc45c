"""Both databases have the same tables, columns, rules and indexes."""

import re
import sqlite3
from collections.abc import Iterator

import pytest

from bridge.errors import SchemaTooNew
from bridge.store.database import Connection, Database
from bridge.store.dry_run import WATCHED
from bridge.store.postgresql.database import PostgresqlDatabase
from bridge.store.postgresql.dialect import table
from bridge.store.schema import FIRST, script, statements
from tests import postgresql
from tests.next_version import NAME, next_version

TYPES = {"INTEGER": "bigint", "TEXT": "text", "DOUBLE PRECISION": "double precision"}
TYPES |= {"BLOB": "bytea"}


@pytest.fixture
def file(database: Database) -> Iterator[sqlite3.Connection]:
    with database.read() as db:
        yield db


@pytest.fixture
def server(postgresql_database: PostgresqlDatabase) -> Iterator[Connection]:
    with postgresql_database.read() as db:
        yield db


def tables(file: sqlite3.Connection) -> list[str]:
    found = file.execute("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name")
    return [row[0] for row in found if not row[0].startswith(("sqlite_", "_sqlite"))]


def test_both_have_the_same_tables(file: sqlite3.Connection, server: Connection) -> None:
    found = server.execute(
        "SELECT table_name FROM information_schema.tables WHERE table_schema = current_schema()"
    )
    assert {row[0] for row in found} - {"bridge_migrations", "inbox", "inbox_probe"} == set(
        tables(file)
    )


def test_both_have_the_same_columns_in_order(file: sqlite3.Connection, server: Connection) -> None:
    for name in tables(file):
        ours = [
            (row["name"], TYPES[row["type"]], bool(row["notnull"] and row["dflt_value"] is None))
            for row in file.execute(f"PRAGMA table_info({name})")
        ]
        theirs = postgresql.columns(server, name)
        assert [each[:2] for each in ours] == [each[:2] for each in theirs]
        must = {column for column, _, needed in ours if needed}
        assert must <= {column for column, _, needed in theirs if needed}, name


def test_both_have_the_same_keys_and_indexes(file: sqlite3.Connection, server: Connection) -> None:
    found = server.execute(
        "SELECT indexname FROM pg_indexes WHERE schemaname = current_schema()"
    ).fetchall()
    theirs = {row[0] for row in found if not row[0].endswith(("_pkey", "_key"))}
    ours = file.execute(
        "SELECT name FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL "
        "AND tbl_name <> '_sqlite_migrations'"
    )
    assert {row[0] for row in ours} == theirs
    for name in tables(file):
        assert _unique(file, name) == _unique_on_server(server, name), name


def _unique(file: sqlite3.Connection, name: str) -> set[frozenset[str]]:
    found = {
        frozenset(row["name"] for row in file.execute(f"PRAGMA index_info('{index['name']}')"))
        for index in file.execute(f"PRAGMA index_list({name})").fetchall()
        if index["unique"]
    }
    keys = file.execute(f"PRAGMA table_info({name})")
    return found | {frozenset(row["name"] for row in keys if row["pk"])}


def _unique_on_server(server: Connection, name: str) -> set[frozenset[str]]:
    found = server.execute(
        "SELECT i.indexrelid, a.attname FROM pg_index i JOIN pg_attribute a "
        "ON a.attrelid = i.indexrelid WHERE i.indrelid = ?::regclass AND i.indisunique",
        (name,),
    ).fetchall()
    return {
        frozenset(row[1] for row in found if row[0] == index) for index in {row[0] for row in found}
    }


def test_partial_indexes_have_the_same_conditions(server: Connection) -> None:
    """What is unique while open is so on both: each condition is in the words of one text."""
    written = {
        found[1]
        for group in FIRST
        for statement in statements(f"m001_{group}.sql")
        if (found := re.match(r"CREATE (?:UNIQUE )?INDEX (\w+) .* WHERE ", statement, re.DOTALL))
    }
    partial = server.execute(
        "SELECT indexrelid::regclass::text FROM pg_index WHERE indpred IS NOT NULL"
    )
    assert {row[0] for row in partial} == written


def test_times_are_doubles_and_texts_are_compared_by_their_bytes(server: Connection) -> None:
    found = server.execute(
        "SELECT table_name, column_name FROM information_schema.columns "
        "WHERE table_schema = current_schema() AND table_name <> 'bridge_migrations' "
        "AND data_type = 'text' AND collation_name IS DISTINCT FROM 'C'"
    )
    assert found.fetchall() == []
    at = server.execute("SELECT CAST(? AS DOUBLE PRECISION)", (1_800_000_000.123457,)).fetchone()[0]
    assert at == 1_800_000_000.123457


def test_every_trigger_has_its_counterpart() -> None:
    """A trigger that is added to one database alone would let what is counted drift apart."""
    written = script("m001_counts.sql") + script("m001_metrics.sql")
    ours = re.findall(r"CREATE TRIGGER (\w+)\s+AFTER (\w+)", written)
    theirs = re.findall(
        r"^CREATE TRIGGER (\w+)\s+AFTER ([A-Z]+(?: OR [A-Z]+)*)[^;]*? ON (\w+)",
        script("postgresql/m001_functions.sql"),
        re.MULTILINE,
    )
    assert len(ours) == sum(len(events.split(" OR ")) for _, events, _ in theirs)


def test_what_a_step_changes_is_noted_in_the_same_tables(server: Connection) -> None:
    found = server.execute(
        "SELECT tgrelid::regclass::text FROM pg_trigger WHERE tgname = 'vpp_bridge_watch'"
    )
    assert {row[0] for row in found} == set(WATCHED)


def test_types_are_said_in_postgresqls_words() -> None:
    said = table(
        "CREATE TABLE t (id INTEGER PRIMARY KEY AUTOINCREMENT, a TEXT, b BLOB, c INTEGER);"
    )
    assert said == (
        "CREATE TABLE t (id BIGINT GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY, "
        'a TEXT COLLATE "C", b BYTEA, c BIGINT);'
    )


def test_what_a_newer_bridge_wrote_is_left_alone(
    postgresql_where: str, postgresql_database: PostgresqlDatabase
) -> None:
    with postgresql_database.write() as db:
        db.execute("INSERT INTO bridge_migrations (name) VALUES ('m999_new')")
    try:
        with pytest.raises(SchemaTooNew, match="m999_new"):
            PostgresqlDatabase(postgresql_where).open()
    finally:
        with postgresql_database.write() as db:
            db.execute("DELETE FROM bridge_migrations WHERE name = 'm999_new'")


def test_a_next_version_goes_forward_and_this_one_leaves_it_alone(
    postgresql_where: str,
) -> None:
    with postgresql.database(postgresql_where) as where:
        ours = PostgresqlDatabase(where)
        ours.open()
        ours.close()
        with next_version():
            newer = PostgresqlDatabase(where)
            newer.open()
            with newer.write() as db:
                assert db.execute("SELECT made_up FROM installs").fetchall() == []
            newer.close()
            newer.open()
            newer.close()
        with pytest.raises(SchemaTooNew, match=NAME) as caught:
            ours.open()
        assert "start that version, or restore a backup made before it" in str(caught.value)
        ours.close()
