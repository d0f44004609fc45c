"""PostgreSQL understands every statement of the store, also those that no test here runs; and how
one is run, whatever came before it on its connection."""

import re

import psycopg
import pytest

from bridge.store.database import Connection
from bridge.store.postgresql import statements as running
from bridge.store.postgresql.database import PostgresqlDatabase
from tests.unit.store.statements import Statement, statements
from tests.unit.store.test_dialect import ROOMS

WHOLE = re.compile(r"(?:WITH \w+|SELECT|INSERT INTO \w+|UPDATE \w+|DELETE FROM \w+)\b.*\b(?:\w)")
PART = re.compile(r"'(?:[^']|'')*'|\?|(?<![:\w]):([a-z_]+)")


def whole() -> list[Statement]:
    """Those that stand in one text; of what is known at run time only a list of values is taken."""
    return [
        each
        for each in statements()
        if each.room not in ROOMS
        and WHOLE.match(each.sql)
        and each.room not in ("rows", "nanomdm")  # parts of others; another's database
        and not each.sql.endswith((" AND", " WHERE", " IN"))
        and "…" not in each.sql.replace("(…)", "")
    ]


def prepared(sql: str) -> str:
    """With parameters of no type, as psycopg sends texts."""
    names: list[str] = []

    def number(found: re.Match[str]) -> str:
        if found[0].startswith("'"):
            return found[0]
        if not found[1]:
            names.append("?")
            return f"${len(names)}"
        if found[1] not in names:
            names.append(found[1])
        return f"${names.index(found[1]) + 1}"

    return PART.sub(number, sql.replace("(…)", "(NULL)"))


def test_every_statement_can_be_prepared(postgresql_database: PostgresqlDatabase) -> None:
    asked, refused = whole(), []
    assert len(asked) > 150
    with postgresql_database.long_read() as db:
        for number, each in enumerate(asked):
            try:
                db.raw.execute(f"PREPARE s{number} AS {prepared(each.sql)}")
            except psycopg.errors.IndeterminateDatatype:
                continue  # ours have a type when they are sent
            except psycopg.Error as error:
                refused.append(f"{each}: {error}")
    assert not refused, "\n".join(refused)


@pytest.mark.parametrize(
    ("sql", "becomes"),
    [("a = ? AND b = ':no?'", "a = $1 AND b = ':no?'"), (":a + :b + :a", "$1 + $2 + $1")],
)
def test_parameters_are_numbered(sql: str, becomes: str) -> None:
    assert prepared(sql) == becomes


ONE_MORE = "INSERT INTO counters (name, value, updated_at) VALUES (?, ?, 1)"


def count(db: Connection) -> int:
    return int(db.execute("SELECT count(*) FROM counters").fetchone()[0])


def test_rows_are_read_on_while_the_same_statement_runs_again(
    db: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    db.executemany(ONE_MORE, [(f"n{number:03}", number) for number in range(25)])
    for eager in (1000, 10):
        monkeypatch.setattr(running, "_EAGER", eager)
        found = db.execute("SELECT name, value FROM counters ORDER BY name")
        again = db.execute("SELECT name, value FROM counters ORDER BY name")
        first = found.fetchone()
        assert (first["name"], first["value"]) == ("n000", 0)
        assert [row[1] for row in again] == list(range(25))
        assert [row["value"] for row in found.fetchall()] == list(range(1, 25))
        assert (found.fetchone(), again.fetchall()) == (None, [])


def test_a_statement_is_the_same_before_and_after_it_is_prepared(db: Connection) -> None:
    values = [("a", 1), ("b", None), ("c", 2.5), ("d", True), ("e", 2**40)]
    for name, value in values * 3:
        row = db.execute(
            "SELECT :name AS name, CAST(:value AS TEXT)", {"value": value, "name": name}
        )
        assert row.fetchone()["name"] == name


def test_what_fails_among_many_undoes_no_more_than_its_part(
    postgresql_database: PostgresqlDatabase,
) -> None:
    """Those after it are not run, and are prepared anew when they are asked the next time."""
    with postgresql_database.write() as db:
        db.execute(ONE_MORE, ("kept", 1))
        db.execute("SAVEPOINT s")
        with pytest.raises(psycopg.IntegrityError):
            db.executemany(ONE_MORE, [("a", 1), ("kept", 2), ("b", None), ("c", 3)])
        db.execute("ROLLBACK TO s")
        assert db.executemany(ONE_MORE, [("a", 1), ("n\0l", 2)]).rowcount == 2
        assert count(db) == 3
        db.execute("DELETE FROM counters")


def test_many_more_than_are_sent_at_once(db: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "AT_ONCE", 7)
    assert db.executemany(ONE_MORE, ((str(number), number) for number in range(50))).rowcount == 50
    assert db.executemany("DELETE FROM counters WHERE value < ?", [(10,), (10,)]).rowcount == 10
    assert db.executemany(ONE_MORE, []).rowcount == 0


@pytest.mark.timeout(60)
def test_what_is_larger_than_a_socket_takes_at_once_is_sent_whole(db: Connection) -> None:
    db.execute("CREATE TEMPORARY TABLE large (body BYTEA)")
    sent = db.executemany("INSERT INTO large VALUES (?)", [(bytes(3_000_000),)] * 5)
    assert sent.rowcount == 5
    assert db.execute("SELECT sum(length(body)) FROM large").fetchone()[0] == 15_000_000


def test_a_server_keeps_no_more_statements_than_are_remembered(
    postgresql_database: PostgresqlDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(running, "KEPT", 5)
    with postgresql_database.long_read() as db:
        for number in range(20):
            for _ in range(4):
                assert db.execute(f"SELECT {number} + ?", (1,)).fetchone()[0] == number + 1
        assert 0 < db.execute("SELECT count(*) FROM pg_prepared_statements").fetchone()[0] <= 5


def test_what_is_sent_at_once_outside_of_a_transaction_is_one(
    postgresql_database: PostgresqlDatabase,
) -> None:
    with postgresql_database.long_read() as db:
        db.execute("SET SESSION CHARACTERISTICS AS TRANSACTION READ WRITE")
        with pytest.raises(psycopg.IntegrityError):
            db.execute_at_once([(ONE_MORE, ("a", 1)), (ONE_MORE, ("a", 1))])
        assert count(db) == 0
        assert [each.rowcount for each in db.execute_at_once([(ONE_MORE, ("a", 1))])] == [1]
        assert [each.rowcount for each in db.execute_at_once([("DELETE FROM counters", ())])] == [1]
