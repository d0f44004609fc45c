"""Devices whose place another one takes, app by app, until that one has its own licence."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from bridge.store import rows
from bridge.store.database import Connection


@dataclass(frozen=True, slots=True)
class Pending:
    """The licence of `old` for an app goes back once `new` has its own."""

    old: str
    adam_id: str
    new: str
    at: float


def put(db: Connection, old: str, new: str, adam_ids: Iterable[str], now: float) -> None:
    """`new` takes the place of `old` for these apps."""
    db.executemany(
        "INSERT INTO replaced (old, adam_id, new, at) VALUES (?, ?, ?, ?) "
        "ON CONFLICT (old, adam_id) DO UPDATE SET new = excluded.new, at = excluded.at",
        [(old, adam_id, new, now) for adam_id in adam_ids],
    )


def load(db: Connection) -> list[Pending]:
    """All that is not settled."""
    found = db.execute(f"SELECT {rows.columns(Pending)} FROM replaced ORDER BY old, adam_id")
    return [rows.read(Pending, row) for row in found]


def is_licensed(db: Connection, pending: Pending) -> bool:
    """Whether the new device has a licence of the app, its own or its user's."""
    row = db.execute(
        "SELECT 1 FROM assignments WHERE adam_id = ? AND (target = ? OR target = "
        "(SELECT 'user:' || client_user_id FROM installs WHERE target = ? AND adam_id = ?))",
        (pending.adam_id, pending.new, pending.new, pending.adam_id),
    ).fetchone()
    return row is not None


def done(db: Connection, pending: Pending) -> None:
    """Nothing waits for it any more."""
    db.execute("DELETE FROM replaced WHERE old = ? AND adam_id = ?", (pending.old, pending.adam_id))
