"""Whether a database on a server is sound, as far as its server knows."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager

from bridge.errors import StoreError
from bridge.store.database import Soundness
from bridge.store.postgresql.connection import Connection

_MEND = (
    "a disk of the server is failing, or a file of it was changed: stop the bridge, and restore "
    "the database from a backup on a sound server"
)


class ServerLook:
    """Asks the server what it has noticed by itself: to read all of its tables is the server's.

    Source: PostgreSQL, "pg_stat_database": checksum_failures, null where pages have no checksums.
    """

    def __init__(self, read: Callable[[], AbstractContextManager[Connection]]) -> None:
        self._read = read

    def run(self, within: float) -> Soundness:
        """One statement; nothing is raised. What cannot be asked is told by who uses it next."""
        try:
            with self._read() as db:
                row = db.execute(
                    "SELECT checksum_failures FROM pg_stat_database "
                    "WHERE datname = current_database()"
                ).fetchone()
        except StoreError:
            return Soundness(finished=False)
        if row and row[0]:
            return Soundness(f"has {row[0]} damaged pages, as its server counts", mend=_MEND)
        return Soundness()

    def end(self) -> None:
        """It is done at once."""
