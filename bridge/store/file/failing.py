"""What SQLite and the file system raise, as the errors that the rest of the bridge knows."""

from __future__ import annotations

import errno
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bridge.errors import StoreDamaged, StoreError, StoreFull, StoreLocked
from bridge.store.file.place import misplaced

_SMALLEST = 512
"""Bytes of the smallest database: one page. Source: SQLite, "Database File Format", 1.3.2."""
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)


@contextmanager
def as_store_error(path: Path) -> Iterator[None]:
    """Disk full, locked, damaged: StoreError. A broken rule or statement is our mistake."""
    try:
        yield
    except sqlite3.DatabaseError as error:
        if failure := store_error(error, path):
            raise failure from error
        raise


def check_size(path: Path) -> None:
    """SQLite takes a file of a few bytes for a new database, and writes over it."""
    if 0 < path.stat().st_size < _SMALLEST:
        raise StoreDamaged(f"{path}: file is not a database")


def full_or_not(error: OSError, path: Path) -> StoreError:
    """What kept a file from being opened."""
    if error.errno in _NO_ROOM:
        return StoreFull(_not_opened(path, error.strerror or str(error)))
    return _elsewhere(path, error.strerror or str(error))


def _not_opened(path: Path, why: str) -> str:
    return f"{path}: the database cannot be opened: {why}"


def _elsewhere(path: Path, why: str) -> StoreError:
    """What keeps it from being there, which says more than the system does."""
    failure, wrong = StoreError(_not_opened(path, why)), misplaced(path)
    if wrong is not None:
        failure.mend = f"{wrong.text}: {wrong.mend}"
    return failure


def _no_room(path: Path, why: str) -> StoreError:
    """What is to be written has no room; or its file system was made read-only beneath it, as
    systems do it where a disk fails, of which SQLite says no more than that."""
    failure, wrong = StoreFull(f"{path}: {why}"), misplaced(path)
    if wrong is not None:
        failure.mend = f"{wrong.text}: {wrong.mend}; the bridge goes on by itself"
    return failure


def store_error(error: sqlite3.DatabaseError, path: Path) -> StoreError | None:
    """What an error of SQLite is; None for a broken rule or statement, which is our mistake."""
    if type(error) not in (sqlite3.DatabaseError, sqlite3.OperationalError):
        return None
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code in (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR):
        return _no_room(path, str(error))
    if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
        return StoreDamaged(f"{path}: {error}")
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return StoreLocked(f"{path}: a program other than the bridge keeps it locked ({error})")
    if code in (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM):
        return _elsewhere(path, str(error))
    return StoreError(f"{path}: {error}")
