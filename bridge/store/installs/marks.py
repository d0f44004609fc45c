"""The marks of installs whose licence goes back though they are wanted."""

from __future__ import annotations

from collections.abc import Collection

from bridge.domain.reclaim.mark import Mark
from bridge.store.database import Connection


def mark(db: Connection, install_ids: Collection[int], mark: Mark | None, now: float) -> None:
    """Mark these installs, or (None) take their marks away; they are decided anew."""
    db.executemany(
        "UPDATE installs SET reclaim = ?, dirty_at = coalesce(dirty_at, ?) WHERE id = ?",
        [(None if mark is None else mark.as_text(), now, each) for each in install_ids],
    )


def marked(db: Connection, location: str, state: str) -> list[int]:
    """The ids of the installs of a location with a mark in this state."""
    found = db.execute(
        "SELECT id, reclaim FROM installs WHERE reclaim IS NOT NULL AND location = ? ORDER BY id",
        (location,),
    )
    return [row[0] for row in found if Mark.from_text(row[1]).state == state]
