"""A connection to PostgreSQL that is used as one to SQLite is.

`execute` and `executemany` take the store's statements, a row is read by position or by the name of
a column, whole numbers are `int`, and what is true or false is 1 or 0, as from SQLite.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import psycopg
from psycopg import adapt, conninfo, pq
from psycopg.types import numeric, string

from bridge.domain.database_url import SOCKET_TIMEOUT
from bridge.store.database import WAIT
from bridge.store.postgresql.failing import CommitUnknown, is_ours
from bridge.store.postgresql.silence import PatientConnection, Silences
from bridge.store.postgresql.statements import Result, Statements, Values

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


class Connection:
    """What the store's modules are handed: statements within a transaction that others began."""

    def __init__(self, psycopg_connection: PatientConnection) -> None:
        self.raw = psycopg_connection
        self._pgconn = psycopg_connection.pgconn
        self._statements = Statements(psycopg_connection)
        self._given_up = False

    @property
    def in_transaction(self) -> bool:
        """Whether the transaction that others began goes on. It does not once something outside
        stood in its way, as a lock or a lost connection: what it was about is not to blame."""
        return not self._given_up and self._pgconn.transaction_status in _UNDER_WAY

    def execute(self, sql: str, values: Values = ()) -> Result:
        """Run one statement; its rows, or how many it changed."""
        try:
            return self._statements.run(sql, values)
        except psycopg.Error as error:
            self._given_up = not is_ours(error)
            raise

    def executemany(self, sql: str, values: Iterable[Values]) -> Result:
        """Run one statement for each of `values`, sent at once."""
        try:
            return self._statements.run_many(sql, values)
        except psycopg.Error as error:
            self._given_up = not is_ours(error)
            raise

    def execute_at_once(self, statements: Iterable[tuple[str, Values]]) -> list[Result]:
        """Run statements in one way there and back; outside of a transaction they are one, whose
        commit is the last of it."""
        return self._statements.run_at_once(statements)

    def cursor(self) -> PlainRows:
        """For rows of which the names are of no use."""
        return PlainRows(self._statements)

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
        if not self.is_lost and self._pgconn.transaction_status in _UNDER_WAY:
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
        self._statements.run_plainly(statements)


class PlainRows:
    """Runs statements whose rows are plain tuples, as SQLite's cursor without a `row_factory`."""

    row_factory: None = None

    def __init__(self, statements: Statements) -> None:
        self._statements = statements

    def execute(self, sql: str, values: Values = ()) -> Result:
        """Run one statement; its rows."""
        return self._statements.run(sql, values, plain=True)


def connect(
    where: str,
    *,
    reads: bool = False,
    lock_timeout: float = WAIT,
    silence_limit: float = SOCKET_TIMEOUT,
    silences: Silences | None = None,
) -> Connection:
    """A connection in which each statement is its own transaction, unless one is begun.

    `where` is a URL or a connection string of libpq. One that only `reads` writes nothing, and sees
    one moment within a transaction. Nobody's lock is waited for longer than `lock_timeout`, and no
    server that is silent for longer than `silence_limit`, in seconds; it is noted in `silences`.
    Raises psycopg.Error.
    """
    said = conninfo.conninfo_to_dict(where)
    unsaid: dict[str, Any] = {
        name: value for name, value in _UNLESS_SAID.items() if name not in said
    }
    made = PatientConnection.connect(where, autocommit=True, context=_Ours(), **unsaid)
    made.silences = silences or Silences()
    made.silence_limit = CONNECT_TIMEOUT
    limits = _LIMITS.format(lock=lock_timeout)
    try:
        made.execute(limits + (_READS if reads else ""), prepare=False)
    except BaseException:
        made.close()
        raise
    made.silence_limit = silence_limit
    return Connection(made)


class _Flag(adapt.Dumper):
    """Columns that are 0 or 1 are whole numbers here, too."""

    oid = psycopg.adapters.types["int8"].oid

    def dump(self, obj: bool) -> bytes:
        return b"1" if obj else b"0"


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
    adapters.register_dumper(str, string.StrDumperUnknown)
    adapters.register_loader("numeric", _Number)
    adapters.register_loader("bool", _Truth)
    return adapters


class _Ours:
    """How values go to and fro, for connections that are made."""

    adapters = _adapters()
    connection = None
