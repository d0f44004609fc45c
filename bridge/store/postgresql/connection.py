"""A connection to PostgreSQL that is used as one to SQLite is.

`execute` and `executemany` take the store's statements, a row is read by position or by the name of
a column, whole numbers are `int`, and what is true or false is 1 or 0, as from SQLite.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

import psycopg
from psycopg import adapt, pq
from psycopg.rows import tuple_row
from psycopg.types import numeric, string

from bridge.store.postgresql.dialect import placeholders

STATEMENTS = 512
"""Statements that a connection keeps prepared."""

Values = Sequence[Any] | Mapping[str, Any]


class Row(tuple[Any, ...]):
    """One row; a column by its place or by its name."""

    __slots__ = ()
    names: tuple[str, ...] = ()
    places: Mapping[str, int] = {}

    def __getitem__(self, key: Any) -> Any:
        if key.__class__ is str:
            key = self.places[key]
        return tuple.__getitem__(self, key)

    def keys(self) -> Sequence[str]:
        """The names of the columns, in order."""
        return self.names


class Connection:
    """What the store's modules are handed: statements within a transaction that others began."""

    def __init__(self, psycopg_connection: psycopg.Connection[Row]) -> None:
        self.raw = psycopg_connection
        self._execute = psycopg_connection.execute

    @property
    def in_transaction(self) -> bool:
        """Whether the transaction that others began goes on."""
        return self.raw.info.transaction_status is not pq.TransactionStatus.IDLE

    def execute(self, sql: str, values: Values = ()) -> psycopg.Cursor[Row]:
        """Run one statement; its rows, or how many it changed."""
        return self._execute(placeholders(sql), values)

    def executemany(self, sql: str, values: Iterable[Values]) -> psycopg.Cursor[Row]:
        """Run one statement for each of `values`, sent at once."""
        cursor = self.raw.cursor()
        cursor.executemany(placeholders(sql), values)
        return cursor

    def cursor(self) -> PlainRows:
        """For rows of which the names are of no use."""
        return PlainRows(self.raw)

    def close(self) -> None:
        """Give it back to the server."""
        self.raw.close()


class PlainRows:
    """Runs statements whose rows are plain tuples, as SQLite's cursor without a `row_factory`."""

    row_factory: None = None

    def __init__(self, psycopg_connection: psycopg.Connection[Any]) -> None:
        self._raw = psycopg_connection

    def execute(self, sql: str, values: Values = ()) -> psycopg.Cursor[tuple[Any, ...]]:
        """Run one statement; its rows."""
        cursor = self._raw.cursor(row_factory=tuple_row)
        return cursor.execute(placeholders(sql), values)


def connect(where: str, **settings: Any) -> Connection:
    """A connection in which each statement is its own transaction, unless one is begun.

    `where` is a URL or a connection string of libpq. Raises psycopg.Error.
    """
    made: psycopg.Connection[Row] = psycopg.connect(
        where, autocommit=True, row_factory=_rows, context=_Ours(), **settings
    )
    made.prepared_max = STATEMENTS
    return Connection(made)


def _rows(cursor: psycopg.Cursor[Any]) -> Callable[[Sequence[Any]], Row]:
    described = cursor.description
    return Row if described is None else _row(tuple(column.name for column in described))


@lru_cache(maxsize=1024)
def _row(names: tuple[str, ...]) -> type[Row]:
    places = {name: place for place, name in reversed(tuple(enumerate(names)))}
    return type("Row", (Row,), {"__slots__": (), "names": names, "places": places})


class _Flag(adapt.Dumper):
    """Columns that are 0 or 1 are whole numbers here, too."""

    oid = psycopg.adapters.types["int8"].oid

    def dump(self, obj: bool) -> bytes:
        return b"1" if obj else b"0"


class _Text(string.StrDumperUnknown):
    """PostgreSQL keeps no NUL in a text."""

    def dump(self, obj: str) -> Any:
        return super().dump(obj.replace("\0", "\ufffd") if "\0" in obj else obj)


class _Number(adapt.Loader):
    """A sum of whole numbers is `numeric` to PostgreSQL."""

    def load(self, data: Any) -> int | float:
        text = bytes(data)
        return float(text) if b"." in text or b"N" in text else int(text)


class _Truth(adapt.Loader):
    def load(self, data: Any) -> int:
        return int(bytes(data) == b"t")


def _adapters() -> adapt.AdaptersMap:
    adapters = adapt.AdaptersMap(psycopg.adapters)
    # Of one type, so that a statement is not prepared anew for each size of a number.
    adapters.register_dumper(int, numeric.Int8Dumper)
    adapters.register_dumper(bool, _Flag)
    adapters.register_dumper(str, _Text)
    adapters.register_loader("numeric", _Number)
    adapters.register_loader("bool", _Truth)
    return adapters


class _Ours:
    """How values go to and fro, for connections that are made."""

    adapters = _adapters()
    connection = None
