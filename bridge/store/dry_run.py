"""What a step changes in the database: for showing it, also before anything is kept."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Any

from bridge.store.database import Connection

WATCHED: Mapping[str, tuple[str, ...]] = {
    "devices": ("serial_number", "udid"),
    "app_reports": ("device_id", "bundle_id"),
    "declared_apps": ("device_id", "bundle_id"),
    "apps": ("adam_id",),
    "installs": ("target", "adam_id"),
    "commands": ("request_type", "command_uuid"),
    "locations": ("name",),
    "assets": ("location", "adam_id", "pricing_param"),
    "assignments": ("location", "adam_id", "target"),
    "apple_requests": ("location", "kind", "id"),
    "request_pairs": ("kind", "adam_id", "target"),
    "outbox": ("scope", "kind", "id"),
}
"""The tables that are watched, and the columns that name a row of each to a person."""

_ROW_OF = {"INSERT": "NEW", "UPDATE": "NEW", "DELETE": "OLD"}


@dataclass(frozen=True, slots=True)
class Changed:
    """One row that a step made, changed or removed; `columns` holds (before, after) by name."""

    table: str
    row: str
    columns: Mapping[str, tuple[Any, Any]]


class Watch:
    """Which rows a transaction has touched since `watching` began."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def touched(self, table: str) -> list[int]:
        """The ids of a table's rows that were touched, whether or not a column differs."""
        return [rowid for name, rowid in self._touched() if name == table]

    def changes(self, before: Connection) -> list[Changed]:
        """What differs from `before`, a connection that does not see the transaction."""
        found = (self._changed(table, rowid, before) for table, rowid in self._touched())
        return [change for change in found if change is not None]

    def _touched(self) -> list[tuple[str, int]]:
        found = self._connection.execute(
            "SELECT DISTINCT name, row FROM temp.touched ORDER BY name, row"
        )
        return [(row[0], row[1]) for row in found]

    def _changed(self, table: str, rowid: int, before: Connection) -> Changed | None:
        query = f"SELECT * FROM {table} WHERE rowid = ?"
        old, new = (
            dict(row) if row else {}
            for row in (db.execute(query, (rowid,)).fetchone() for db in (before, self._connection))
        )
        return difference(table, old, new)


def difference(table: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> Changed | None:
    """What became of a row, by its columns before and after; neither has any where there is none.
    None if nothing did."""
    columns = {
        name: (old.get(name), new.get(name))
        for name in new or old
        if old.get(name) != new.get(name)
    }
    if not columns:
        return None
    named = [new.get(name, old.get(name)) for name in WATCHED[table]]
    return Changed(table, " ".join(str(each) for each in named if each is not None), columns)


def watching(connection: Any) -> AbstractContextManager[Watch]:
    """Inside a write: note every row that is touched until the block ends."""
    if isinstance(connection, sqlite3.Connection):
        return _watching(connection)
    from bridge.store.postgresql import dry_run  # noqa: PLC0415 - who has a file need not load it

    return dry_run.watching(connection)


@contextmanager
def _watching(connection: Connection) -> Iterator[Watch]:
    connection.execute("CREATE TEMP TABLE touched (name TEXT NOT NULL, row INTEGER NOT NULL)")
    for table in WATCHED:
        for action, row in _ROW_OF.items():
            connection.execute(
                f"CREATE TEMP TRIGGER watch_{table}_{action} AFTER {action} ON main.{table} "
                f"BEGIN INSERT INTO touched VALUES ('{table}', {row}.rowid); END"
            )
    try:
        yield Watch(connection)
    finally:
        for table in WATCHED:
            for action in _ROW_OF:
                connection.execute(f"DROP TRIGGER temp.watch_{table}_{action}")
        connection.execute("DROP TABLE temp.touched")
