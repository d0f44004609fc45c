"""Copies of a database file: taken of a live one, and put in the place of one.

What waits in the inbox is in a copy as messages that are to be handled. A copy is one file, without
the `-wal` and `-shm` beside it, and only its owner may read it.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path

from bridge.errors import StoreDamaged, StoreError
from bridge.store.file.companions import beside
from bridge.store.file.database import writers_lock
from bridge.store.file.inbox_file import FILES as INBOX
from bridge.store.file.inbox_file import InboxFile
from bridge.store.inbox.waiting import Waiting
from bridge.store.intake import take_unhandled

PAGES = 2000
"""Pages copied between two reports."""

_DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)

Report = Callable[[int, int], object]
"""Is told how many pages are copied, and how many there are."""


def back_up(database: Path, target: Path, *, replace: bool, report: Report) -> int:
    """Copy a database as it is at one moment, while others use it; returns the copy's size.

    The copy is checked before it gets its name, so that `target` is whole or not there. Raises
    StoreError, also when `target` exists and is not to be replaced.
    """
    if not database.exists():
        raise StoreError(f"{database}: there is no database, and nothing to back up")
    if target.exists() and (not replace or target.samefile(database)):
        raise StoreError(f"{target} exists: name another file, or say --force to replace it")
    part = beside(target, ".part")
    with _failing(target), _removed(part):
        copy(database, part, report)
        if replace:
            part.replace(target)
        else:
            os.link(part, target)  # fails if somebody has made it meanwhile
        _keep(target.parent)
        return target.stat().st_size


def copy(source: Path, target: Path, report: Report = lambda _done, _all: None) -> None:
    """Make `target` a sound copy of the bridge's database in `source`, with what waits in its
    inbox; raises StoreError."""
    os.close(os.open(target, os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    try:
        with (
            InboxFile(source).snapshot() as inbox,  # what is taken from it meanwhile is in both
            closing(_read_only(source)) as old,
            closing(sqlite3.connect(target, isolation_level=None)) as new,
        ):
            old.execute("BEGIN")
            _check_kind(old, source)  # and what is copied is as it was at this moment
            old.backup(
                new, pages=PAGES, progress=lambda _, left, total: report(total - left, total)
            )
            new.execute("PRAGMA journal_mode = DELETE")
            _take_in(new, Waiting(inbox))
            said = new.execute("PRAGMA integrity_check(1)").fetchone()[0]
    except sqlite3.Error as error:
        damaged = getattr(error, "sqlite_errorcode", 0) & 0xFF in _DAMAGED
        kind = StoreDamaged if damaged else StoreError
        raise kind(f"{source} cannot be copied: {error}") from error
    if said != "ok":
        raise StoreDamaged(f"{source} is damaged, and so would its copy be: {said}")
    with target.open("rb") as file:
        os.fsync(file)


def put_in_place(copied: Path, database: Path, now: float) -> Path | None:
    """Let `copied` be the database from now on; returns where the old one is kept, if any.

    Nobody may have either of them open. Raises StoreError.
    """
    database = database.resolve()  # a symbolic link goes on naming it
    kept = None
    with _failing(database):
        if database.exists():
            _fold(database)
            stamp = datetime.fromtimestamp(now, UTC).strftime("%Y%m%dT%H%M%SZ")
            kept = _unused(beside(database, f".before-restore-{stamp}"))
            for ending in (*INBOX, "-wal", "-shm", ""):  # what could not be folded in goes first
                part = beside(database, ending)
                if part.exists():
                    part.rename(beside(kept, ending))
        copied.rename(database)
        _keep(database.parent)
    return kept


def _take_in(connection: sqlite3.Connection, waiting: Waiting) -> None:
    connection.row_factory = sqlite3.Row
    newest = waiting.newest_at()
    if newest is not None:
        connection.execute("BEGIN")
        take_unhandled(connection, waiting, newest)
        connection.execute("COMMIT")


def _read_only(source: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(f"{source.resolve().as_uri()}?mode=ro", uri=True)
    connection.isolation_level = None
    return connection


def _check_kind(connection: sqlite3.Connection, source: Path) -> None:
    found = connection.execute(
        "SELECT 1 FROM sqlite_schema WHERE name = '_sqlite_migrations'"
    ).fetchone()
    ours = (
        found
        and connection.execute(
            "SELECT 1 FROM _sqlite_migrations WHERE migration_set = 'bridge'"
        ).fetchone()
    )
    if not ours:
        raise StoreError(f"{source} is not a database of the bridge")


def _fold(database: Path) -> None:
    """Bring what is in the `-wal` into the file; a damaged database is kept as it is."""
    try:
        with writers_lock(database), closing(sqlite3.connect(database)) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    except sqlite3.DatabaseError:
        return


def _unused(path: Path) -> Path:
    number = 1
    found = path
    while found.exists():
        number += 1
        found = beside(path, f"-{number}")
    return found


def _keep(directory: Path) -> None:
    """Have the names in a directory survive a loss of power."""
    handle = os.open(directory, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def _failing(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StoreError(f"{path}: {error.strerror or error}") from error


@contextmanager
def _removed(part: Path) -> Iterator[None]:
    """Whatever happens, the unfinished file is gone after this."""
    part.unlink(missing_ok=True)
    try:
        yield
    finally:
        part.unlink(missing_ok=True)
