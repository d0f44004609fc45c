"""When it is next looked at whether a device is gone, so that its licences may go back."""

from __future__ import annotations

from collections.abc import Iterable

from bridge.store.database import Connection


def due(db: Connection, now: float, limit: int) -> list[tuple[int, str | None]]:
    """The devices (id, serial number) of which it is to be looked at whether they are gone."""
    found = db.execute(
        "SELECT id, serial_number FROM devices WHERE reclaim_at <= ? ORDER BY reclaim_at LIMIT ?",
        (now, limit),
    )
    return [(row[0], row[1]) for row in found]


def look_at(db: Connection, moments: Iterable[tuple[float | None, int]]) -> None:
    """When these devices, (moment, id), are looked at next; None for not before they leave."""
    db.executemany("UPDATE devices SET reclaim_at = ? WHERE id = ?", moments)


def look_at_all(db: Connection) -> None:
    """The rules are others now: every device is looked at by them."""
    db.execute("UPDATE devices SET reclaim_at = 0 WHERE reclaim_at IS NULL OR reclaim_at > 0")
