"""Whether the database file itself is sound."""

from __future__ import annotations

import sqlite3

from bridge.errors import StoreError
from bridge.store.database import Database


def problem(database: Database) -> str | None:
    """Why the file cannot be relied on, or None; reads all of it."""
    try:
        with database.read() as db:
            mode = db.execute("PRAGMA journal_mode").fetchone()[0]
            said = db.execute("PRAGMA quick_check(1)").fetchone()[0]
    except (sqlite3.DatabaseError, StoreError) as error:
        return f"is damaged: {error}"
    if said != "ok":
        return f"is damaged: {said}"
    if mode != "wal":
        return f"is in journal mode {mode}, not in WAL"
    return None
