"""Whether the database file itself is sound, and its inbox, and which SQLite works on them."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING

from bridge.errors import StoreError
from bridge.store.database import Soundness
from bridge.store.file.inbox_file import MEND_DAMAGED

if TYPE_CHECKING:
    from bridge.store.file.database import FileDatabase

Read = Callable[[], AbstractContextManager[sqlite3.Connection | None]]


class Look:
    """One look through the whole file, and its inbox; another thread may end it.

    Tables are compared with their indexes, too: `quick_check` does not, and calls a file sound
    that was copied over a database beside its old `-wal`. It takes about 20 s for each GB.
    Source: SQLite, "PRAGMA integrity_check".
    """

    def __init__(self, database: FileDatabase) -> None:
        self._database = database
        self._lock = threading.Lock()
        self._connection: sqlite3.Connection | None = None
        self._ended = False

    def run(self, within: float) -> Soundness:
        """Look for at most `within` seconds; nothing is raised."""
        timer = threading.Timer(within, self.end)
        timer.daemon = True
        timer.start()
        try:
            said, mode = self._look(self._database.long_read)
            of_inbox, _ = self._look(self._database.inbox.file.long_read)
        finally:
            timer.cancel()
        if self._ended:  # and what it said by then may be about what it did not look at
            return Soundness(finished=False)
        if said != "ok":
            return Soundness(f"is damaged: {said}")
        if mode != "wal":
            return Soundness(f"is in journal mode {mode}, not in WAL")
        if of_inbox != "ok":
            return Soundness(f"has an inbox that is damaged: {of_inbox}", mend=MEND_DAMAGED)
        return Soundness()

    def _look(self, read: Read) -> tuple[str, str]:
        """What SQLite says of one file, and its journal mode; all is well with none."""
        mode = "unknown"
        try:
            with read() as db:
                if db is None:
                    return "ok", mode
                mode = db.execute("PRAGMA journal_mode").fetchone()[0]
                self._begin(db)
                try:
                    return db.execute("PRAGMA integrity_check(1)").fetchone()[0], mode
                finally:
                    self._leave()
        except (sqlite3.Error, StoreError) as error:
            return str(error), mode

    def end(self) -> None:
        """End the look; it may have to be said again to one that is just beginning."""
        with self._lock:
            self._ended = True
            if self._connection is not None:
                self._connection.interrupt()

    def _begin(self, connection: sqlite3.Connection) -> None:
        with self._lock:
            if self._ended:
                raise StoreError("ended before it began")
            self._connection = connection

    def _leave(self) -> None:
        """From here on the connection is closed: there is nothing to interrupt."""
        with self._lock:
            self._connection = None


def sqlite_version() -> str:
    """The version of the SQLite library in use."""
    return sqlite3.sqlite_version


def has_wal_reset_fault(version: str) -> bool:
    """Whether a commit beside a checkpoint may damage a database under this version of SQLite.

    Source: SQLite, "Write-Ahead Logging", "The WAL-Reset Bug": in 3.7.0 to 3.51.2, but not in
    3.44.6 and 3.50.7, which had the correction afterwards.
    """
    numbers = tuple(int(part) for part in version.split("."))
    mended = ((3, 44, 6), (3, 50, 7))
    if any(numbers[:2] == fixed[:2] and numbers >= fixed for fixed in mended):
        return False
    return (3, 7, 0) <= numbers < (3, 51, 3)
