"""The engine's lock on a server: one engine on a database, and whether it lives.

It is a lock of a session's, on a connection that does nothing else: it ends when that does, however
its process ended. Beside it stands a lease, by the server's clock: who has the lock, and when that
one last said so.
"""

from __future__ import annotations

import logging
import os
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from typing import Any

import psycopg

from bridge.errors import EngineReplaced, EngineRuns, StoreError, StoreLocked, StorePutBack
from bridge.store import meta
from bridge.store.patience import AT_THE_END, patient
from bridge.store.postgresql.connection import Connection
from bridge.store.postgresql.failing import as_store_error
from bridge.store.postgresql.locks import ENGINE, in_pg_locks, key
from bridge.store.postgresql.put_back import IS_PUT_BACK
from bridge.store.postgresql.statements import Row

log = logging.getLogger(__name__)

_LEASE = "engine_lease"
_POLL = 0.2

_SETTINGS = (
    # A heartbeat that a crash of the server's loses is no loss.
    "SET synchronous_commit = off",
    # The lock of a machine that is gone without a word is given to the next within half a minute.
    "SET tcp_keepalives_idle = 10",
    "SET tcp_keepalives_interval = 5",
    "SET tcp_keepalives_count = 3",
    "SET tcp_user_timeout = 25000",
)
_TAKE = f"SELECT pg_try_advisory_lock({key(ENGINE)})"
_GIVE = f"SELECT pg_advisory_unlock({key(ENGINE)})"
_HELD = (
    "SELECT EXISTS (SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND granted "
    "AND database = (SELECT oid FROM pg_database WHERE datname = current_database()) "
    f"AND {in_pg_locks(ENGINE)})"
)
_NOW = f"SELECT extract(epoch FROM clock_timestamp())::text, {IS_PUT_BACK} AS put_back"
_READ = (
    "SELECT extract(epoch FROM clock_timestamp())::float8 - split_part(value, ' ', 1)::float8, "
    "substr(value, strpos(value, ' ') + 1) FROM meta WHERE key = ?"
)
_HAS_TABLES = "SELECT to_regclass('meta') IS NOT NULL"


class ServerEngineLock:
    """Says that an engine runs on this database; held by its process for as long as it lives.

    `name` is the database in messages, `connect` makes a connection, and `read` is a look at it
    over another one.
    """

    def __init__(
        self,
        name: str,
        connect: Callable[[], Connection],
        read: Callable[[], AbstractContextManager[Connection]],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._name = name
        self._connect = connect
        self._read = read
        self._clock = clock
        self._connection: Connection | None = None
        self._is_ours = False
        self.holder = f"process {os.getpid()} on {socket.gethostname()}"
        """What this process is called, where another one asks who has the lock."""

    def acquire(self, wait: float, *, sleep: Callable[[float], None] = time.sleep) -> None:
        """Take the lock, waiting up to `wait` seconds for its last holder to go.

        Raises StoreError when the server cannot be asked for it, EngineRuns, which names the
        holder, when another process still holds it after that.
        """
        deadline = self._clock() + wait
        while not self._taken():
            if self._clock() >= deadline:
                who = self._who()
                self.release()
                raise EngineRuns(
                    f"{self._name}: another engine runs on this database{who}; stop it first"
                )
            sleep(_POLL)
        self._is_ours = True
        with suppress(StorePutBack):  # who opens the database is told
            self.beat()

    def take(self) -> bool:
        """Take the lock if nobody has it; whether it is ours now. Raises StoreError."""
        self._is_ours = self._taken()
        if self._is_ours:
            self.beat()
        return self._is_ours

    def beat(self) -> None:
        """Say that the engine is alive now; the lock must have been acquired.

        Where its connection was lost, it is taken again. Raises StoreError where that cannot be:
        until it can, this is not the engine. Raises EngineReplaced where another one was it
        meanwhile, and StorePutBack where the rows are those of an earlier time.
        """
        assert self._is_ours, "whoever has not the lock is not the engine"
        if self._connection is None or self._connection.raw.closed:
            self._take_again()
        connection = self._connection
        assert connection is not None
        with self._failing():
            if not _asked(connection, _HAS_TABLES):
                return
            now, is_put_back = _row(connection, _NOW)
            if not is_put_back:
                meta.keep(connection, _LEASE, f"{now} {self.holder}")
        if is_put_back:
            raise StorePutBack(self._name)

    def begin(self) -> bool:
        """An engine begins: a server sees to its files itself, whatever the last end was."""
        return True

    def end_in_order(self) -> None:
        """The engine ends; nothing is to be said of it."""

    def release(self) -> None:
        """Give the lock back."""
        self._is_ours = False
        if self._connection is not None:
            # The server is done with a session a moment after us.
            with suppress(psycopg.Error), patient(AT_THE_END):
                self._connection.execute(_GIVE)
            self._connection.close()
            self._connection = None

    def held(self) -> bool:
        """Whether some process holds the lock now; false where the server cannot be asked."""
        with suppress(StoreError), self._read() as db:
            return bool(_asked(db, _HELD))
        return False

    def silent_for(self) -> float | None:
        """Seconds since the engine last said that it is alive, by the server's clock; None if there
        never was one, or where the server cannot be asked."""
        with suppress(StoreError), self._read() as db:
            row = db.execute(_READ, (_LEASE,)).fetchone()
            return max(float(row[0]), 0.0) if row else None
        return None

    def _taken(self) -> bool:
        """Whether the lock is ours, asked on a connection that is kept for it."""
        with self._failing():
            if self._connection is None or self._connection.raw.closed:
                self._connection = self._connect()
                for setting in _SETTINGS:
                    self._connection.execute(setting)
            return bool(_asked(self._connection, _TAKE))

    def _take_again(self) -> None:
        with self._failing():
            taken = self._taken()
            last = self._lease()
            if last is not None and last[1] != self.holder:
                raise EngineReplaced(f"{self._name}: {last[1]} was the engine meanwhile")
            if not taken:
                raise StoreLocked(
                    f"{self._name}: a connection of ours that was lost has the engine's lock yet"
                )
        log.warning("the connection of the engine's lock was lost; the lock is ours again")

    def _who(self) -> str:
        """Who has it, as far as its lease says."""
        with suppress(StoreError):
            last = self._lease()
            if last is not None:
                return f" ({last[1]}, heard of {last[0]:.0f} s ago)"
        return ""

    def _lease(self) -> tuple[float, str] | None:
        assert self._connection is not None
        with self._failing():
            if not _asked(self._connection, _HAS_TABLES):
                return None
            row = self._connection.execute(_READ, (_LEASE,)).fetchone()
            return (float(row[0]), str(row[1])) if row else None

    @contextmanager
    def _failing(self) -> Iterator[None]:
        """A connection that failed is of no use any more, and neither is its lock."""
        try:
            with as_store_error(self._name):
                yield
        except StoreError:
            if self._connection is not None:
                with suppress(psycopg.Error):
                    self._connection.close()
            raise


def _asked(connection: Connection, sql: str) -> Any:
    """The one value of a statement's one row."""
    return _row(connection, sql)[0]


def _row(connection: Connection, sql: str) -> Row:
    row: Row | None = connection.execute(sql).fetchone()
    assert row is not None
    return row
