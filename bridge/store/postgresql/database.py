"""The database as one of PostgreSQL's: transactions, and who may write.

One writer at a time holds here as in a file, by an advisory lock that ends with its transaction:
what is read within a write stays true until it is committed, and nothing has to be repeated.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import psycopg
from psycopg import conninfo

from bridge.domain.database_url import DatabaseUrl
from bridge.errors import StoreError, StoreLocked
from bridge.store.database import WAIT, Noticed
from bridge.store.inbox.inbox_table import InboxTable
from bridge.store.inbox.mark import taken
from bridge.store.inbox.waiting import Waiting
from bridge.store.postgresql import locks
from bridge.store.postgresql.connection import Connection, connect
from bridge.store.postgresql.engine_lock import ServerEngineLock
from bridge.store.postgresql.failing import as_store_error
from bridge.store.postgresql.look import ServerLook
from bridge.store.postgresql.news import INBOX, News
from bridge.store.postgresql.noticed import noticed
from bridge.store.postgresql.schema import is_made, is_migrated, migrate

CONNECT_TIMEOUT = 5
"""Seconds for which a connection is waited for."""


class PostgresqlDatabase:
    """A database of PostgreSQL: a connection that writes, and one for each thread that reads.

    `where` is a URL, or a connection string of libpq; messages name it without its password.
    `open()` must be called once before use; it makes the tables.
    """

    def __init__(self, where: DatabaseUrl | str) -> None:
        url = DatabaseUrl(where, shown(where)) if isinstance(where, str) else where
        self._where = url.text
        self.name = url.shown
        self._turn = threading.Lock()
        self._writer: Connection | None = None
        self._hooks: Connection | None = None
        self._readers = threading.local()
        self._all_readers: list[Connection] = []
        self._readers_lock = threading.Lock()
        self._closed: StoreError | None = _not_open(self.name)
        self._news = News(self._connect)
        self.inbox = InboxTable(self._arriving, self.read)
        """Where hooks put what comes in."""
        self.failed: StoreError | None = None
        """Why the last write failed; None when it did not."""

    def open(self) -> None:
        """Connect, and apply what migrations are pending. Raises StoreError, SchemaTooNew."""
        try:
            with as_store_error(self.name):
                writer = self._live_writer()
                if not is_migrated(writer.raw):
                    with writer.raw.transaction():
                        locks.take(writer, WAIT)
                        migrate(writer.raw)
        except BaseException as error:
            self.close(error if isinstance(error, StoreError) else None)
            raise
        self._closed = None

    def is_missing(self) -> bool:
        """Whether its tables were never made; raises StoreError."""
        with as_store_error(self.name):
            return not is_made(self._live_writer().raw)

    def in_use(self) -> AbstractContextManager[None]:
        """A server's database is removed by nobody while somebody uses it."""
        return nullcontext()

    def engine_lock(self) -> ServerEngineLock:
        """The lock of the engine on this database."""
        return ServerEngineLock(self.name, self._connect, self.read)

    def look(self) -> ServerLook:
        """What its server knows of damage."""
        return ServerLook(self.long_read)

    def noticed(self) -> Iterator[Noticed]:
        """Its server, and what we may do there; raises StoreError."""
        with as_store_error(self.name), self.long_read() as connection:
            yield from noticed(connection)

    def close(self, why: StoreError | None = None) -> None:
        """Close every connection; the object can be opened again. Until then whoever uses it is
        told `why`."""
        self._closed = why or _not_open(self.name)
        self.inbox.close()
        self._news.close()
        with self._readers_lock:
            if self._hooks is not None:
                self._hooks.close()
                self._hooks = None
            for connection in self._all_readers:
                connection.close()
            self._all_readers.clear()
            self._readers = threading.local()
            if self._writer is not None:
                self._writer.close()
                self._writer = None

    def free_space(self) -> int | None:
        """A server's disk is not ours to look at."""
        return None

    @contextmanager
    def write(self, wait: float = WAIT) -> Iterator[Connection]:
        """A short write transaction: committed when the block ends, rolled back when it raises.

        Raises StoreLocked when others keep the lock for `wait` seconds, StoreAway, StoreFull.
        """
        if not self._turn.acquire(timeout=wait):
            raise StoreLocked(f"{self.name}: another thread has kept it for {wait:g} s")
        try:
            self._check_open()
            with as_store_error(self.name, self._note):
                connection = self._live_writer()
                with connection.raw.transaction():
                    locks.take(connection, wait)
                    yield connection
                    self._news.tell(connection)
                self.failed = None
        finally:
            self._turn.release()

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A consistent view, on this thread's own connection; raises StoreError."""
        self._check_open()
        with as_store_error(self.name):
            connection = getattr(self._readers, "connection", None)
            if connection is None or connection.raw.closed:
                connection = self._readers.connection = self._new_reader()
            with connection.raw.transaction():
                connection.execute("SELECT 1")  # what is seen is of this moment
                yield connection

    @contextmanager
    def read_all(self) -> Iterator[tuple[Any, Waiting]]:
        """A consistent view, and what waits in the inbox at the same moment; raises StoreError."""
        with self.read() as connection:
            db: Any = connection
            yield db, Waiting(db).beyond(taken(db))

    def data_version(self) -> tuple[int, int]:
        """Numbers that change when another connection has committed, or something came into the
        inbox; cheap to ask."""
        self._check_open()
        with as_store_error(self.name):
            return self._news.heard()

    def fold(self) -> bool:
        """A server sees to its log itself."""
        return True

    @contextmanager
    def _arriving(self) -> Iterator[Connection]:
        """A transaction of the inbox, and of nothing else; one at a time."""
        self._check_open()
        with as_store_error(self.name):
            if self._hooks is None or self._hooks.raw.closed:
                self._hooks = self._connect()
            with self._hooks.raw.transaction():
                locks.take(self._hooks, WAIT, locks.INBOX)
                yield self._hooks
                self._news.tell(self._hooks, INBOX)

    @contextmanager
    def long_read(self) -> Iterator[Connection]:
        """A connection for one long look at the database, which is closed afterwards.

        There is no transaction around it. Raises StoreError as `read` does.
        """
        self._check_open()
        with as_store_error(self.name):
            connection = self._new_reader()
            try:
                yield connection
            finally:
                with self._readers_lock:
                    if connection in self._all_readers:  # else the database was closed meanwhile
                        self._all_readers.remove(connection)
                        connection.close()

    def _live_writer(self) -> Connection:
        if self._writer is None or self._writer.raw.closed:
            self._writer = self._connect()
        return self._writer

    def _new_reader(self) -> Connection:
        """A connection that never writes, and sees one moment within a transaction."""
        connection = self._connect()
        connection.raw.read_only = True
        connection.raw.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        with self._readers_lock:
            self._all_readers = [each for each in self._all_readers if not each.raw.closed]
            self._all_readers.append(connection)
        return connection

    def _connect(self) -> Connection:
        return connect(self._where, connect_timeout=CONNECT_TIMEOUT, application_name="vpp-bridge")

    def _check_open(self) -> None:
        if self._closed is not None:
            raise self._closed.with_traceback(None)

    def _note(self, failure: StoreError) -> None:
        self.failed = failure


def shown(where: str) -> str:
    """The name of a database for people: its server and name, never a password."""
    parts = conninfo.conninfo_to_dict(where)
    parts.pop("password", None)
    return conninfo.make_conninfo("", **{key: parts[key] for key in sorted(parts)})


def _not_open(name: str) -> StoreError:
    return StoreError(f"{name}: the database is not open")
