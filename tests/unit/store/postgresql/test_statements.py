"""PostgreSQL understands every statement of the store, also those that no test here runs."""

import re

import psycopg
import pytest

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
