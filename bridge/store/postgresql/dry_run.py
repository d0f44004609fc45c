"""What a step changes in the database (`store/dry_run.py`), noted by PostgreSQL's triggers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from bridge.store.dry_run import Changed, Watch, difference

_KEY = (
    "SELECT a.attname FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid "
    "AND a.attnum = ANY (i.indkey) WHERE i.indrelid = ?::regclass AND i.indisprimary "
    "ORDER BY a.attname"
)

Key = tuple[tuple[str, Any], ...]


class ServerWatch(Watch):
    """Which rows a transaction has touched since `watching` began, by their keys."""

    def touched(self, table: str) -> list[int]:
        """The ids of a table's rows that were touched, whether or not a column differs."""
        return [dict(key)["id"] for name, key in self._keys() if name == table]

    def changes(self, before: Any) -> list[Changed]:
        """What differs from `before`, a connection that does not see the transaction."""
        found = (
            difference(table, _row(before, table, key), _row(self._connection, table, key))
            for table, key in self._keys()
        )
        return [change for change in found if change is not None]

    def _keys(self) -> list[tuple[str, Key]]:
        found: dict[tuple[str, Key], None] = {}
        rows = self._connection.execute("SELECT name, was FROM pg_temp.touched ORDER BY number")
        columns: dict[str, list[str]] = {}
        for table, was in rows.fetchall():
            if table not in columns:
                columns[table] = [row[0] for row in self._connection.execute(_KEY, (table,))]
            found[table, tuple((name, was[name]) for name in columns[table])] = None
        return sorted(found, key=lambda each: (each[0], [str(value) for _, value in each[1]]))


@contextmanager
def watching(connection: Any) -> Iterator[Watch]:
    """Inside a write: note every row that is touched until the block ends."""
    connection.execute(
        "CREATE TEMP TABLE touched (number BIGINT GENERATED ALWAYS AS IDENTITY, "
        "name TEXT NOT NULL, was JSONB NOT NULL)"
    )
    connection.execute("SET LOCAL vpp_bridge.watching = 'on'")
    yield ServerWatch(connection)
    # Where the step raised, the write is undone, and these with it.
    connection.execute("SET LOCAL vpp_bridge.watching = 'off'")
    connection.execute("DROP TABLE pg_temp.touched")


def _row(db: Any, table: str, key: Key) -> Mapping[str, Any]:
    condition = " AND ".join(f"{name} = ?" for name, _ in key)
    query = f"SELECT * FROM {table} WHERE {condition}"
    row = db.execute(query, [value for _, value in key]).fetchone()
    return {} if row is None else dict(row)
