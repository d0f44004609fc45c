"""Placeholders as PostgreSQL numbers them, and rows as SQLite gives them."""

import pytest

from bridge.store.database import Connection
from bridge.store.postgresql.database import PostgresqlDatabase, shown
from bridge.store.postgresql.dialect import numbered


@pytest.mark.parametrize(
    ("sql", "becomes"),
    [
        ("SELECT ?, ?", ("SELECT $1, $2", ())),
        ("SELECT :now + :by + :now", ("SELECT $1 + $2 + $1", ("now", "by"))),
        ("SELECT 'why? :no 100%' || ?", ("SELECT 'why? :no 100%' || $1", ())),
        ("SELECT 'it''s ?' WHERE a % ? = 0", ("SELECT 'it''s ?' WHERE a % $1 = 0", ())),
        ("SELECT ?::int, a::text", ("SELECT $1::int, a::text", ())),
    ],
)
def test_a_placeholder_is_one_outside_of_texts(
    sql: str, becomes: tuple[str, tuple[str, ...]]
) -> None:
    assert numbered(sql) == (becomes[0].encode(), becomes[1])


def test_values_come_back_as_they_went(db: Connection) -> None:
    db.execute(
        "INSERT INTO events (source, origin, topic, message_id, received_at, status, error, body) "
        "VALUES (?, ?, ?, ?, ?, 'new', ?, ?)",
        ("mdm", "Zürich 😀 '%?", "t", "m", 1_800_000_000.123457, None, b"\x00\xff"),
    )
    row = db.execute("SELECT origin, received_at AS at, error, body, id FROM events").fetchone()
    assert tuple(row) == ("Zürich 😀 '%?", 1_800_000_000.123457, None, b"\x00\xff", 1)
    assert (row["origin"], row["at"], row[-1]) == (row[0], row[1], 1)
    assert dict(row)["body"] == b"\x00\xff"


def test_what_is_true_is_one_and_a_sum_is_a_whole_number(db: Connection) -> None:
    db.execute("INSERT INTO counters (name, value, updated_at) VALUES ('a', ?, 1)", (2**40,))
    row = db.execute(
        "SELECT sum(value), EXISTS (SELECT 1 FROM counters), count(*) FROM counters "
        "WHERE value > ?",
        (True,),
    ).fetchone()
    assert [(type(each), each) for each in row] == [(int, 2**40), (int, 1), (int, 1)]


def test_texts_are_ordered_by_their_bytes(db: Connection) -> None:
    for name in ("b", "B", "ä", "a", "_", "Z"):
        db.execute("INSERT INTO counters (name, value, updated_at) VALUES (?, 1, 1)", (name,))
    found = [row[0] for row in db.execute("SELECT name FROM counters ORDER BY name")]
    assert found == ["B", "Z", "_", "a", "b", "ä"]


def test_many_rows_are_counted_once_each(db: Connection) -> None:
    insert = (
        "INSERT INTO counters (name, value, updated_at) VALUES (?, 1, 1) ON CONFLICT DO NOTHING"
    )
    assert db.executemany(insert, [("a",), ("b",), ("a",)]).rowcount == 2
    assert db.execute("UPDATE counters SET value = 2").rowcount == 2


def test_a_nul_is_not_what_a_message_is_lost_for(postgresql_database: PostgresqlDatabase) -> None:
    with postgresql_database.read() as db:
        assert db.execute("SELECT CAST(? AS TEXT)", ("a\0b",)).fetchone()[0] == "a\ufffdb"


def test_a_password_is_never_shown() -> None:
    assert shown("postgresql://bridge:s3cret@db.example:5433/vpp?sslmode=verify-full") == (
        "dbname=vpp host=db.example port=5433 sslmode=verify-full user=bridge"
    )
