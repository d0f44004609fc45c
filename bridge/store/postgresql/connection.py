"""A connection to PostgreSQL that is used as one to SQLite is.

`execute` and `executemany` take the store's statements, a row is read by position or by the name of
a column, whole numbers are `int`, and what is true or false is 1 or 0, as from SQLite.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

import psycopg
from psycopg import adapt, conninfo, pq
from psycopg.rows import tuple_row
from psycopg.types import numeric, string

from bridge.store.database import WAIT
from bridge.store.postgresql.dialect import placeholders
from bridge.store.postgresql.failing import CommitUnknown, is_ours

STATEMENTS = 512
"""Statements that a connection keeps prepared."""

Values = Sequence[Any] | Mapping[str, Any]

_UNDER_WAY = (
    pq.TransactionStatus.ACTIVE,
    pq.TransactionStatus.INTRANS,
    pq.TransactionStatus.INERROR,
)

CONNECT_TIMEOUT = 5
"""Seconds for which each of a server's addresses is waited for."""

LONGEST = 300
"""Seconds that one statement may take, and that a transaction may rest between two."""

_UNLESS_SAID: Mapping[str, str | int] = {
    "connect_timeout": CONNECT_TIMEOUT,
    "application_name": "vpp-bridge",
    # Of several servers the one that takes writes; a standby alone is refused by name.
    "target_session_attrs": "read-write",
    # A server that is gone without a word, or behind a firewall that forgot: half a minute.
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 15_000,
}
"""How we connect, unless the connection string says it. Source: PostgreSQL, "Database Connection
Control Functions"."""

_LIMITS = (
    "SELECT set_config(name, wanted, false) FROM (VALUES "
    f"('statement_timeout', '{LONGEST}s'), ('idle_in_transaction_session_timeout', '{LONGEST}s'), "
    "('lock_timeout', '{lock}s')) limits (name, wanted) WHERE current_setting(name) = '0'"
)
"""So that nothing hangs, and nobody holds others up for ever; who set a limit of his own has it."""

_READS = "; SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"


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
        self._given_up = False

    @property
    def in_transaction(self) -> bool:
        """Whether the transaction that others began goes on. It does not once something outside
        stood in its way, as a lock or a lost connection: what it was about is not to blame."""
        return not self._given_up and self.raw.info.transaction_status in _UNDER_WAY

    def execute(self, sql: str, values: Values = ()) -> psycopg.Cursor[Row]:
        """Run one statement; its rows, or how many it changed."""
        try:
            return self._execute(placeholders(sql), values)
        except psycopg.Error as error:
            self._given_up = not is_ours(error)
            raise

    def executemany(self, sql: str, values: Iterable[Values]) -> psycopg.Cursor[Row]:
        """Run one statement for each of `values`, sent at once."""
        cursor = self.raw.cursor()
        try:
            cursor.executemany(placeholders(sql), values)
        except psycopg.Error as error:
            self._given_up = not is_ours(error)
            raise
        return cursor

    def cursor(self) -> PlainRows:
        """For rows of which the names are of no use."""
        return PlainRows(self.raw)

    def begin(self, statements: str) -> Connection:
        """Begin a transaction by these statements, sent at once; nothing is begun if one fails."""
        self._given_up = False
        try:
            self._run(statements)
        except BaseException:
            self.roll_back()
            raise
        return self

    def commit(self, before: str = "") -> None:
        """Commit, with a statement right `before` it; raises CommitUnknown."""
        try:
            self._run(f"{before}COMMIT")
        except psycopg.Error as error:
            if self.is_lost:
                raise CommitUnknown(str(error)) from error
            raise

    def roll_back(self) -> None:
        """Leave the transaction, if there is one; where that fails, the connection is closed."""
        if not self.is_lost and self.raw.info.transaction_status in _UNDER_WAY:
            try:
                self._run("ROLLBACK")
            except psycopg.Error:
                self.close()

    @property
    def is_lost(self) -> bool:
        """Whether it is of no more use: the server ended it, or it was closed."""
        return self.raw.closed

    def close(self) -> None:
        """Give it back to the server."""
        self.raw.close()

    def _run(self, statements: str) -> None:
        """Statements without values, in one way there and back."""
        self._execute(statements, None, prepare=False)


class PlainRows:
    """Runs statements whose rows are plain tuples, as SQLite's cursor without a `row_factory`."""

    row_factory: None = None

    def __init__(self, psycopg_connection: psycopg.Connection[Any]) -> None:
        self._raw = psycopg_connection

    def execute(self, sql: str, values: Values = ()) -> psycopg.Cursor[tuple[Any, ...]]:
        """Run one statement; its rows."""
        cursor = self._raw.cursor(row_factory=tuple_row)
        return cursor.execute(placeholders(sql), values)


def connect(where: str, *, reads: bool = False, lock_timeout: float = WAIT) -> Connection:
    """A connection in which each statement is its own transaction, unless one is begun.

    `where` is a URL or a connection string of libpq. One that only `reads` writes nothing, and sees
    one moment within a transaction. Nobody's lock is waited for longer than `lock_timeout`, in
    seconds. Raises psycopg.Error.
    """
    said = conninfo.conninfo_to_dict(where)
    unsaid: dict[str, Any] = {
        name: value for name, value in _UNLESS_SAID.items() if name not in said
    }
    made: psycopg.Connection[Row] = psycopg.connect(
        where, autocommit=True, row_factory=_rows, context=_Ours(), **unsaid
    )
    made.prepared_max = STATEMENTS
    limits = _LIMITS.format(lock=lock_timeout)
    made.execute(limits + (_READS if reads else ""), prepare=False)
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
