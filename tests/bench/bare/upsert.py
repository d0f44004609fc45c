"""Assignments stored with nothing else: `executemany` of upserts, one transaction each.

The table and its settings are those of the bridge's own assignments, and as large.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

Row = tuple[str, str, str]
"""adam_id, pricing_param, serial_number"""

_TABLE = """
CREATE TABLE assignments (
    location TEXT NOT NULL,
    adam_id TEXT NOT NULL,
    pricing_param TEXT NOT NULL,
    target TEXT NOT NULL,
    confirmed_at DOUBLE PRECISION NOT NULL,
    confirmed_by TEXT NOT NULL,
    read_at DOUBLE PRECISION NOT NULL,
    PRIMARY KEY (location, adam_id, pricing_param, target)
)
"""
_INDEX = "CREATE INDEX assignments_target ON assignments (target, adam_id)"
_UPSERT = (
    "INSERT INTO assignments (location, adam_id, pricing_param, target, "
    "confirmed_at, confirmed_by, read_at) VALUES ('hq', ?, ?, ?, ?, 'notification', ?) "
    "ON CONFLICT (location, adam_id, pricing_param, target) "
    "DO UPDATE SET read_at = excluded.read_at"
)


class Table:
    """A database file with a table of assignments, `rows` of them there already."""

    def __init__(self, path: Path, rows: Iterator[Row]) -> None:
        self._db = sqlite3.connect(path, isolation_level=None)
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = FULL")
        self._db.execute(_TABLE)
        self._db.execute(_INDEX)
        self._db.execute("BEGIN")
        self._db.executemany(_UPSERT, ((*row, 0.0, 0.0) for row in rows))
        self._db.execute("COMMIT")

    def store(self, batches: Sequence[Sequence[Row]]) -> float:
        """Store each batch in a transaction; the processor seconds for one."""
        used = time.process_time()
        for batch in batches:
            now = time.time()
            self._db.execute("BEGIN IMMEDIATE")
            self._db.executemany(_UPSERT, [(*row, now, now) for row in batch])
            self._db.execute("COMMIT")
        return (time.process_time() - used) / len(batches)

    def close(self) -> None:
        """Close the file."""
        self._db.close()
