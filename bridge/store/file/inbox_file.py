"""The inbox as a file of its own beside the database: SQLite's, in WAL mode, its owner's alone.

One connection writes and checkpoints, under a lock of its own, in the web side's process. Who reads
does so by a connection that cannot write, so that closing the last one checkpoints nothing either.
"""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from bridge.errors import SchemaTooNew, StoreDamaged, StoreError
from bridge.store.file.companions import (
    Identity,
    beside,
    close_to_others,
    identity,
    lock_file,
    open_private,
)
from bridge.store.file.connection import BUSY_TIMEOUT_MS, READER_CACHE, connect, connect_reading
from bridge.store.file.failing import check_size, full_or_not, store_error
from bridge.store.file.in_use import gone
from bridge.store.file.writer_lock import WriterLock

ENDING = ".inbox"
FILES = (ENDING, ENDING + "-wal", ENDING + "-shm", ENDING + ".lock")
"""All that belongs to the inbox of a database, by what follows the database's name."""

_VERSION = 1
TABLES = (
    "CREATE TABLE IF NOT EXISTS inbox ("
    "id INTEGER PRIMARY KEY, source TEXT NOT NULL, origin TEXT NOT NULL, topic TEXT NOT NULL, "
    "kind TEXT NOT NULL, message_id TEXT NOT NULL, received_at DOUBLE PRECISION NOT NULL, "
    "udid TEXT, command_uuid TEXT, apple_event_id TEXT, body BLOB)",
    "CREATE TABLE IF NOT EXISTS inbox_probe (body BLOB)",
)
_MEND_GONE = "move it back, or restart the bridge, which makes a new one"
MEND_DAMAGED = (
    f"stop the bridge, move the file that ends in {ENDING} aside with its -wal and -shm, and start "
    "the bridge, which makes a new one: what waited in it is lost, and is looked up"
)
_MANY_FREE = 2_000
"""Free pages above which an inbox in which hardly anything waits is made small again."""


T = TypeVar("T")

Check = Callable[[], None]
Work = Callable[[sqlite3.Connection], T]


class InboxFile:
    """The file of the database at `database`; it is made by whoever first writes to it."""

    def __init__(self, database: Path) -> None:
        self.path = lock_file(database, ENDING)
        self._name = str(self.path)
        self.failed: StoreError | None = None
        """Why the last write failed; None when it did not."""
        self._opening = threading.Lock()
        self._lock: WriterLock | None = None
        self._writer: sqlite3.Connection | None = None
        self._identity: Identity | None = None
        self._readers = threading.local()
        self._all_readers: list[sqlite3.Connection] = []

    def open(self) -> None:
        """Have it ready to be written; raises StoreError."""
        with self._opening:
            if self._writer is None:
                try:
                    self._open()
                except OSError as error:
                    raise full_or_not(error, self.path) from error

    def _open(self) -> None:
        open_private(self.path).close()
        close_to_others(self.path)
        with self._failing():
            check_size(self.path)
        lock = WriterLock(open_private(beside(self.path, ".lock")), self.path)
        writer = None
        try:
            with lock.held(), self._failing():
                writer = connect(self.path, READER_CACHE)
                _prepare(writer, self.path)
        except BaseException:
            if writer is not None:
                writer.close()
            lock.close()
            raise
        self._lock, self._writer, self._identity = lock, writer, identity(self.path)

    def close(self) -> None:
        """Close every connection; it can be opened again."""
        with self._opening:
            for connection in self._all_readers:
                connection.close()
            self._all_readers.clear()
            self._readers = threading.local()
            if self._lock is not None and self._writer is not None:
                with self._lock.held():  # SQLite checkpoints with the last one
                    self._writer.close()
                self._lock.close()
            self._lock = self._writer = None

    def transaction(self, check: Check, work: Work[T]) -> T:
        """What `work` does, committed in one transaction; `check` comes before it, under the lock.

        One that raises is undone. Raises StoreError as `Database.write` does.
        """
        if self._writer is None:
            self.open()
        assert self._lock is not None and self._writer is not None
        connection = self._writer
        with self._lock.held():
            check()
            self._check_identity()
            try:
                connection.execute("BEGIN IMMEDIATE")
                done = work(connection)
                connection.execute("COMMIT")
            except sqlite3.DatabaseError as error:
                raise self._failed(error) from error
            finally:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
            self.failed = None
            return done

    @contextmanager
    def snapshot(self) -> Iterator[sqlite3.Connection | None]:
        """As `read`, for a long time and on a connection of its own."""
        with self.long_read() as connection:
            if connection is None or not _is_made(connection):
                yield None
                return
            connection.execute("BEGIN")
            connection.execute("SELECT 1 FROM inbox LIMIT 1").fetchone()
            yield connection

    @contextmanager
    def read(self) -> Iterator[sqlite3.Connection | None]:
        """The inbox as it is now, on this thread's own connection; None where there is none yet."""
        connection = self._reader()
        if connection is None:
            yield None
            return
        try:
            try:
                connection.execute("BEGIN")
                connection.execute("SELECT 1 FROM inbox LIMIT 1").fetchone()  # it begins with this
                yield connection
            finally:
                if connection.in_transaction:
                    connection.execute("COMMIT")
        except sqlite3.DatabaseError as error:
            raise self._error(error) from error

    def data_version(self) -> int:
        """A number that changes when something was written; cheap to ask."""
        connection = self._reader()
        if connection is None:
            return 0
        with self._failing():
            return int(connection.execute("PRAGMA data_version").fetchone()[0])

    def fold(self) -> bool:
        """Leave nothing in its `-wal`; False when somebody reads just now."""
        if self._lock is None or self._writer is None:
            return True
        with self._lock.held(), self._failing():
            self._check_identity()
            self._writer.execute("PRAGMA busy_timeout = 0")
            try:
                return not self._writer.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
            finally:
                self._writer.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")

    def make_small(self) -> None:
        """Return the room that many messages took, once they are gone; takes milliseconds then."""
        if self._lock is None or self._writer is None:
            return
        with self._lock.held(), self._failing():
            self._check_identity()
            free = self._writer.execute("PRAGMA freelist_count").fetchone()[0]
            pages = self._writer.execute("PRAGMA page_count").fetchone()[0]
            if free > _MANY_FREE and pages - free < _MANY_FREE:
                self._writer.execute("VACUUM")

    @contextmanager
    def long_read(self) -> Iterator[sqlite3.Connection | None]:
        """A connection for one long look, which is closed afterwards."""
        if not self.path.exists():
            yield None
            return
        with self._failing():
            connection = connect_reading(self.path)
        try:
            with self._failing():
                yield connection
        finally:
            connection.close()

    def _reader(self) -> sqlite3.Connection | None:
        found = getattr(self._readers, "found", None)
        if found is not None:
            connection, known = found
            if _identity_of(self._name) == known:
                return connection  # type: ignore[no-any-return]
            self._forget_reader(connection)
        known = _identity_of(self.path)
        if known is None or not self.path.stat().st_size:
            return None
        with self._failing():
            connection = connect_reading(self.path)
            if not _is_made(connection):
                connection.close()
                return None
        with self._opening:
            self._all_readers.append(connection)
        self._readers.found = connection, known
        return connection

    def _forget_reader(self, connection: sqlite3.Connection) -> None:
        self._readers.found = None
        with self._opening:
            if connection in self._all_readers:
                self._all_readers.remove(connection)
                connection.close()

    def _failed(self, error: sqlite3.DatabaseError) -> Exception:
        """Why a transaction failed; it is noted, unless it is a mistake of ours."""
        failure = self._error(error)
        if isinstance(failure, StoreError):
            self.failed = failure
        return failure

    def _error(self, error: sqlite3.DatabaseError) -> Exception:
        """What to raise for an error of SQLite: itself, where it is a mistake of ours."""
        failure = store_error(error, self.path)
        if failure is None:
            return error
        return _mended(failure, MEND_DAMAGED) if isinstance(failure, StoreDamaged) else failure

    def _check_identity(self) -> None:
        """What is written to a file without a name is lost."""
        if _identity_of(self._name) != self._identity:
            raise _mended(gone(self.path), _MEND_GONE)

    @contextmanager
    def _failing(self) -> Iterator[None]:
        try:
            yield
        except StoreDamaged as error:
            raise _mended(error, MEND_DAMAGED) from error
        except sqlite3.DatabaseError as error:
            raise self._error(error) from error


def _prepare(connection: sqlite3.Connection, path: Path) -> None:
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if version > _VERSION:
        raise SchemaTooNew(f"{path} was written by a newer bridge: start that version")
    if connection.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
        connection.execute("PRAGMA journal_mode = WAL")
    if version < _VERSION:
        connection.execute("BEGIN IMMEDIATE")
        for table in TABLES:
            connection.execute(table)
        connection.execute(f"PRAGMA user_version = {_VERSION}")
        connection.execute("COMMIT")


def _is_made(connection: sqlite3.Connection) -> bool:
    """Whether it has its tables; else it is just being made."""
    found = connection.execute("SELECT 1 FROM sqlite_schema WHERE name = 'inbox_probe'")
    return found.fetchone() is not None


def _mended(error: StoreError, mend: str) -> StoreError:
    error.mend = mend
    return error


def _identity_of(path: Path | str) -> Identity | None:
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_dev, found.st_ino
