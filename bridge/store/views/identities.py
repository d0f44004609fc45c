"""Which words name a device or a user that the database knows; for who leaves such names out."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from itertools import islice

from bridge.domain.pseudonyms import Kind
from bridge.store.database import Connection
from bridge.store.rows import marks
from bridge.store.schema import tables

AT_ONCE = 500
"""Words that one statement asks for."""

_WHERE: tuple[tuple[Kind, str, str], ...] = (
    ("serial", "devices", "serial_number"),
    ("serial", "devices", "claimed_serial"),
    ("serial", "devices", "filed_serial"),
    ("device", "devices", "udid"),
    ("enrolment", "devices", "enrollment_id"),
    ("serial", "installs", "target"),
    ("serial", "assignments", "target"),
    ("user", "users", "client_user_id"),
    ("address", "users", "email"),
    ("address", "users", "managed_apple_id"),
)
"""What a word may be: its kind, and the table and column in which it stands then."""


def known(db: Connection, words: Iterable[str]) -> dict[str, Kind]:
    """Those of `words` that name a device or a user, and what they name."""
    found: dict[str, Kind] = {}
    rest = iter(words)
    while some := list(islice(rest, AT_ONCE)):
        for kind, table, column in _WHERE:
            asked = f"SELECT {column} FROM {table} WHERE {column} IN ({marks(len(some))})"
            for row in db.execute(asked, some):
                found.setdefault(row[0], kind)
    return found


def device_names(db: Connection) -> set[str]:
    """What the devices call themselves."""
    found = db.execute("SELECT DISTINCT name FROM devices WHERE name IS NOT NULL")
    return {row[0] for row in found}


def rows_of_tables(db: Connection) -> dict[str, int]:
    """How many rows each table has."""
    return {
        name: int(db.execute(f"SELECT count(*) FROM {name}").fetchone()[0]) for name in tables()
    }


def sqlite_version() -> str:
    """Of the library that this Python has."""
    return sqlite3.sqlite_version
