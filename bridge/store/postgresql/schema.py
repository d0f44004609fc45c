"""The tables on PostgreSQL: the migrations of `store/schema.py`, each in the same order.

Tables and indexes are written once for both databases (`migrations/`); triggers stand beside them
in `migrations/postgresql/`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import psycopg

from bridge.errors import SchemaTooNew
from bridge.store.file.inbox_file import TABLES
from bridge.store.postgresql.dialect import table
from bridge.store.schema import FIRST, script, statements


def is_made(connection: psycopg.Connection[Any]) -> bool:
    """Whether there are tables of ours."""
    row = connection.execute("SELECT to_regclass('bridge_migrations') IS NOT NULL").fetchone()
    return bool(row and row[0])


def is_migrated(connection: psycopg.Connection[Any]) -> bool:
    """Whether no migration is pending, and none is there that we do not know."""
    if not is_made(connection):
        return False
    found = connection.execute("SELECT name FROM bridge_migrations")
    return {row[0] for row in found} == set(MIGRATIONS)


def migrate(connection: psycopg.Connection) -> None:
    """Apply what migrations are pending, in the transaction that is open; raises SchemaTooNew."""
    connection.execute(
        "CREATE TABLE IF NOT EXISTS bridge_migrations "
        "(name TEXT PRIMARY KEY, applied_at TIMESTAMPTZ NOT NULL DEFAULT now())"
    )
    applied = {row[0] for row in connection.execute("SELECT name FROM bridge_migrations")}
    if foreign := sorted(applied - set(MIGRATIONS)):
        raise SchemaTooNew(
            f"the database was written by a newer bridge (it has {foreign[-1]}): "
            "start that version, or restore a backup made before it"
        )
    for name, made in MIGRATIONS.items():
        if name not in applied:
            for statement in made():
                connection.execute(statement)
            connection.execute("INSERT INTO bridge_migrations (name) VALUES (%s)", (name,))


def _first() -> Iterator[str]:
    for group in FIRST:
        for statement in statements(f"m001_{group}.sql"):
            if not statement.startswith("CREATE TRIGGER"):
                yield table(statement)
    yield from (table(statement) for statement in TABLES)
    yield script("postgresql/m001_functions.sql")


MIGRATIONS: dict[str, Callable[[], Iterator[str]]] = {"m001_first": _first}
"""The statements of all migrations by their names, oldest first, as SQLite has them."""
