"""Opening the database, and the one way to write to it.

SQLite's busy timeout is unfair: several writers starve each other for seconds, while one writer
at a time stays within milliseconds. So a write takes a lock in the process and a file lock
across processes, begins IMMEDIATE, and is short; no outside call happens inside one.

Checkpoints happen under it, too: SQLite before 3.51.3 may damage a database when one connection
commits beside the checkpoint of another. Source: SQLite, "Write-Ahead Logging", "WAL-Reset Bug".
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar

from bridge.errors import StoreError, StoreLocked
from bridge.store.database import WAIT, Noticed
from bridge.store.file.companions import (
    Identity,
    close_to_others,
    free_space,
    lock_file,
    open_private,
)
from bridge.store.file.connection import (
    BUSY_TIMEOUT_MS,
    READER_CACHE,
    WRITER_CACHE,
    connect,
    is_migrated,
    migrate,
    prepare,
)
from bridge.store.file.engine_lock import EngineLock
from bridge.store.file.failing import as_store_error, check_size, full_or_not, store_error
from bridge.store.file.in_use import InUse, check_not_lost, gone, in_use
from bridge.store.file.noticed import noticed
from bridge.store.file.place import misplaced
from bridge.store.file.soundness import Look
from bridge.store.file.writer_lock import WriterLock
from bridge.store.inbox.inbox import Inbox
from bridge.store.inbox.mark import last_event, taken
from bridge.store.inbox.waiting import Waiting
from bridge.store.readers import Readers

A = TypeVar("A")
P = ParamSpec("P")
T = TypeVar("T")


class FileDatabase:
    """One SQLite file: a write connection behind a lock, and a read connection per thread.

    `open()` must be called once before use; it creates the file (mode 0600) and migrates it.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.name = str(path)
        self._lock: WriterLock | None = None
        self._writer: sqlite3.Connection | None = None
        self._use: InUse | None = None
        self._identity: Identity | None = None
        self._readers = Readers(self._new_reader)
        self._closed: StoreError | None = _not_open(path)
        self.inbox = Inbox(path, self._last_event, self._check)
        """Where hooks put what comes in; a file of its own."""
        self.failed: StoreError | None = None
        """Why the last write failed; None when it did not."""

    def open(self) -> None:
        """Create the file if needed, set WAL, apply what migrations are pending.

        For that the lock is taken first: two processes that migrate a new file would collide. A
        file that needs none of it is opened without waiting for whoever writes. Raises StoreError
        when the file cannot be used, StoreGone when others have another one open by this name,
        StoreLost when there was one, StoreDamaged when it is none, SchemaTooNew when a newer bridge
        wrote it. Whoever uses it meanwhile gets that error, too.
        """
        try:
            self._open()
        except OSError as error:
            failure = full_or_not(error, self.path)
            self.close(failure)
            raise failure from error
        except BaseException as error:  # so that nobody writes to what could not be opened
            self.close(error if isinstance(error, StoreError) else None)
            raise
        self._closed = None

    def _open(self) -> None:
        self._use = in_use(self.path)
        self._identity = self._use.begin()
        self._lock = WriterLock(open_private(lock_file(self.path, ".lock")), self.path)
        close_to_others(self.path)
        check_size(self.path)
        with self._failing_as_store_error():
            self._writer = connect(self.path, WRITER_CACHE)
            if not is_migrated(self._writer):
                with self._lock.held():
                    prepare(self._writer)
                    migrate(self._writer)
        self._use.made()

    def close(self, why: StoreError | None = None) -> None:
        """Close every connection; the object can be opened again. Until then whoever uses it is
        told `why`.

        SQLite checkpoints when the last connection to a file is closed. So the writer goes last,
        under its lock: no other kind of connection can be the last one.
        """
        self._closed = why or _not_open(self.path)
        self.inbox.close()
        if self._lock is not None:
            try:
                with self._lock.held():
                    self._close_connections()
            except StoreLocked:  # its holder has the file open, so ours is not the last connection
                self._close_connections()
            self._lock.close()
            self._lock = None
        if self._use is not None:
            self._use.close()
            self._use = None

    def _close_connections(self) -> None:
        with self._readers.lock:
            self._readers.close()
            if self._writer is not None:
                self._writer.close()
                self._writer = None

    def is_missing(self) -> bool:
        """Whether there is no such file, or nothing in it, and never was; of one that cannot be
        looked at, opening it tells. Raises StoreGone where there was one."""
        try:
            if self.path.stat().st_size:
                return False
        except (FileNotFoundError, NotADirectoryError):
            pass
        except OSError:
            return False
        check_not_lost(self.path)
        return True

    @contextmanager
    def in_use(self) -> Iterator[None]:
        """Nobody takes another file for the one that it is now; raises OSError, StoreGone,
        StoreLost."""
        with closing(in_use(self.path)) as use:
            use.begin()
            yield

    def check_put_back(self) -> None:
        """Nothing: `restore` alone puts a file back, and begins with it as it should."""

    def check_alone(self) -> None:
        """That nobody has it open at this moment; raises StoreLocked."""
        with nobody_else(self.path):
            pass

    def engine_lock(self) -> EngineLock:
        """The lock of the engine on this file."""
        return EngineLock(self.path)

    def engines(self, lock: object) -> None:
        """A file has one engine alone."""

    def look(self) -> Look:
        """A look through the file and its inbox."""
        return Look(self)

    def misplaced(self) -> Noticed | None:
        """What keeps this user from having it where it is to be."""
        wrong = misplaced(self.path)
        return None if wrong is None else Noticed("fail", *wrong)

    def noticed(self) -> Iterator[Noticed]:
        """Its SQLite, and the room on its disk."""
        return noticed(self.path)

    def fold(self) -> bool:
        """Bring what is in the `-wal` into the file and leave the `-wal` empty.

        False when somebody reads just now; then some of it stays there. Raises StoreError.
        """
        with self._open_lock().held(), self._failing_as_store_error():
            self._check_identity()
            connection = self._open_writer()
            connection.execute("PRAGMA busy_timeout = 0")
            try:
                return not connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
            finally:
                connection.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")

    def free_space(self) -> int | None:
        """Bytes that are free on its disk; None where that cannot be told."""
        return free_space(self.path)

    @contextmanager
    def write(self, wait: float = WAIT) -> Iterator[sqlite3.Connection]:
        """A short write transaction: committed when the block ends, rolled back when it raises.

        Raises StoreLocked when others keep the lock for `wait` seconds, StoreFull, StoreGone, or
        another StoreError when SQLite fails (read-only, damaged).
        """
        with self._open_lock().held(wait):
            self._check_identity()
            connection = self._open_writer()
            try:
                try:
                    connection.execute("BEGIN IMMEDIATE")
                    changes = connection.total_changes
                    yield connection
                    connection.execute("COMMIT")
                    if connection.total_changes != changes:
                        self.failed = None
                finally:
                    # A failed COMMIT leaves the transaction open; SQLite may have ended it, too.
                    if connection.in_transaction:
                        connection.execute("ROLLBACK")
            except sqlite3.DatabaseError as error:
                if failure := store_error(error, self.path):
                    self.failed = failure
                    raise failure from error
                raise

    @contextmanager
    def read(self) -> Iterator[sqlite3.Connection]:
        """A consistent view, on this thread's own connection; raises StoreError."""
        self._check_open()
        self._check_identity()
        connection = self._readers.here.connection or self._readers.begin_here()
        try:
            try:
                connection.execute("BEGIN")
                yield connection
            finally:
                if connection.in_transaction:
                    connection.execute("COMMIT")
        except sqlite3.DatabaseError as error:
            if failure := store_error(error, self.path):
                raise failure from error
            raise

    def glance(self, ask: Callable[Concatenate[Any, P], T], *about: P.args, **named: P.kwargs) -> T:
        """What one statement tells, by `ask`; raises StoreError."""
        self._check_open()
        self._check_identity()
        connection = self._readers.here.connection or self._readers.begin_here()
        try:
            return ask(connection, *about, **named)
        except sqlite3.DatabaseError as error:
            if failure := store_error(error, self.path):
                raise failure from error
            raise

    def glance_together(self, ask: Callable[[Any, Sequence[A]], Sequence[T]], about: A) -> T:
        """What one statement tells of `about`, by `ask`: here nobody waits for another process."""
        return self.glance(ask, (about,))[0]

    @contextmanager
    def read_all(self) -> Iterator[tuple[sqlite3.Connection, Waiting]]:
        """A consistent view, and what waits in the inbox beside it; raises StoreError."""
        with self.inbox.read() as waiting, self.read() as db:
            yield db, waiting.beyond(taken(db))

    @contextmanager
    def long_read(self) -> Iterator[sqlite3.Connection]:
        """A connection for one long look at the database, which is closed afterwards.

        There is no transaction around it. Raises StoreError as `read` does.
        """
        with self._failing_as_store_error(), self._readers.one_more() as connection:
            yield connection

    def _new_reader(self) -> sqlite3.Connection:
        """A connection that never writes and never checkpoints."""
        with self._readers.lock, self._failing_as_store_error():
            self._open_writer()
            connection = connect(self.path, READER_CACHE)
            connection.execute("PRAGMA query_only = ON")
            connection.execute("PRAGMA wal_autocheckpoint = 0")
            return self._readers.add(connection)

    def _open_writer(self) -> sqlite3.Connection:
        self._check_open()
        assert self._writer is not None
        return self._writer

    def _open_lock(self) -> WriterLock:
        self._check_open()
        assert self._lock is not None
        return self._lock

    def _last_event(self) -> int:
        with self.read() as db:
            return last_event(db)

    def _check(self) -> None:
        """That it can be used; raises StoreError."""
        self._check_open()
        self._check_identity()

    def _check_open(self) -> None:
        """Raises what kept it from being opened."""
        if self._closed is not None:
            raise self._closed.with_traceback(None)

    def _failing_as_store_error(self) -> AbstractContextManager[None]:
        return as_store_error(self.path)

    def data_version(self) -> tuple[int, int]:
        """Numbers that change when another connection has committed, or something came into the
        inbox; cheap to ask."""
        lock = self._open_lock()
        self._check_identity()
        with lock.turn(), self._failing_as_store_error():
            own = int(self._open_writer().execute("PRAGMA data_version").fetchone()[0])
        return own, self.inbox.file.data_version()

    def _check_identity(self) -> None:
        """That the file is the one that was opened: what is written to another name is lost."""
        try:
            found = os.stat(self.name)
        except OSError:
            raise gone(self.path) from None
        if self._identity not in (None, (found.st_dev, found.st_ino)):
            raise gone(self.path)


@contextmanager
def writers_lock(path: Path) -> Iterator[None]:
    """Holds the lock under which alone the database at `path` is written and checkpointed."""
    with (
        closing(WriterLock(open_private(lock_file(path, ".lock")), path)) as lock,
        lock.held(),
    ):
        yield


@contextmanager
def nobody_else(path: Path) -> Iterator[None]:
    """While nobody has the database at `path` open; whoever wants to waits until this ends.

    Raises StoreLocked at once when somebody has.
    """
    with closing(in_use(path)) as use:
        use.alone()
        yield


def _not_open(path: Path) -> StoreError:
    return StoreError(f"{path}: the database is not open")
