"""How far the engine has taken what came in: kept in the database, with what the messages said."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bridge.store.database import Connection

KEY = "inbox_taken"
"""The key under which the last message's id is remembered."""


def taken(db: Connection) -> int:
    """The id of the last message that was taken from the inbox; 0 when none ever was."""
    row = db.execute(f"SELECT value FROM meta WHERE key = '{KEY}'").fetchone()
    return int(row[0]) if row else 0


def last_event(db: Connection) -> int:
    """The greatest id that any message has had so far."""
    newest = db.execute("SELECT max(id) FROM events").fetchone()[0]
    return max(taken(db), newest or 0)
