"""SQL that a second database understands: what only SQLite says stands in few rooms, by name."""

import re

import pytest

from tests.unit.store.statements import Statement, statements

ROOMS = {
    "file": "the database as a file: pragmas, the backup, locks",
    "dry_run": "triggers of a transaction that is undone",
    "clock_steps": "all times of all tables, by row ids",
    "pruning": "what is old, and pages that are given back",
    "row_ids": "what tells a row from another, in each database",
    "postgresql": "all that is said in PostgreSQL's words",
}
"""Rooms in which SQLite's own may stand: each is written anew for another database."""

DIALECT = {
    r"\bPRAGMA\b": (),
    r"\browid\b": (),
    r"\bsqlite_\w+": (),
    r"\bOR (?:IGNORE|REPLACE|ABORT|FAIL)\b": (),
    r"\b(?:strftime|julianday|unixepoch|datetime|iif|ifnull|typeof|random)\(": (),
    r"\bjson_\w+\(": (),
    r"\b(?:min|max|sum)\((?!CASE)(?:[^()]|\([^()]*\))*(?:,| IS |[<>=])": (),
    r"\b(?:NOT|WHEN|AND|OR|WHERE) \?(?! )|\b(?:NOT|WHEN|AND|OR|WHERE) \? (?:THEN|AND|OR|IS)\b": (),
    r"\? IS\b": (),
    r"\bgroup_concat\(": (),
    r"\bsubstr\((?:[^()]|\([^()]*\))*\?(?! AS)": (),
    r"\binstr\(": (),
    r"\bIS NOT (?!NULL\b|DISTINCT\b)|\bIS (?!NOT\b|NULL\b|DISTINCT\b)[?\w]": (),
    r"(?<!count\()\*(?= FROM)": (),
}
"""What another database has no word for, or another one, and which modules have it all the same."""


def outside() -> list[Statement]:
    sql = re.compile(r"\b(?:SELECT|UPDATE|DELETE FROM|INSERT INTO|PRAGMA|AND|OR)\b|instr\(")
    return [each for each in statements() if each.room not in ROOMS and sql.search(each.sql)]


@pytest.mark.parametrize("words", DIALECT)
def test_what_only_sqlite_says_stands_in_named_rooms(words: str) -> None:
    found = {
        each.module.removeprefix("bridge.store.")
        for each in outside()
        if re.search(words, each.sql)
    }
    assert found == set(DIALECT[words])


def test_an_insert_names_its_columns() -> None:
    inserts = [each for each in outside() if "INSERT INTO" in each.sql]
    assert len(inserts) > 20
    for each in inserts:
        assert re.search(r"INSERT INTO \w+ \(", each.sql), each


def test_an_upsert_says_whose_columns_it_means() -> None:
    """A bare column is ambiguous to PostgreSQL: it is the row's, or the one that was to be made."""
    upserts = [each for each in outside() if "DO UPDATE SET" in each.sql]
    assert len(upserts) > 15
    for each in upserts:
        _, _, update = each.sql.partition("DO UPDATE SET")
        update = re.sub(r"'[^']*'", "''", update.partition(" RETURNING ")[0])
        update = re.sub(r"(?:^|(?<=,)|(?<=SET)) *\w+ =", "", update)  # what is set is the row's own
        update = re.sub(r"\bFROM \w+ \w+", "", update)  # a table and its short name
        bare = re.findall(r"(?<![\w.'])[a-z_]+(?![\w.(])", update)
        assert bare == [], each
