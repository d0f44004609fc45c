"""Questions that devices took and whose answers never came, counted until one comes."""

from __future__ import annotations

from collections.abc import Sequence

from bridge.domain.devices.unreadable import Unheard
from bridge.store import rows
from bridge.store.database import Connection


def note(db: Connection, device_id: int, request_type: str, now: float) -> None:
    """One more of a kind was taken, and no answer came."""
    db.execute(
        "INSERT INTO unheard_answers (device_id, request_type, times, last_at) VALUES (?, ?, 1, ?) "
        "ON CONFLICT (device_id, request_type) DO UPDATE SET "
        "times = unheard_answers.times + 1, last_at = excluded.last_at",
        (device_id, request_type, now),
    )


def heard(db: Connection, device_id: int, request_type: str) -> bool:
    """An answer came; returns whether some never came before it."""
    changed = db.execute(
        "DELETE FROM unheard_answers WHERE device_id = ? AND request_type = ?",
        (device_id, request_type),
    )
    return changed.rowcount > 0


def forget(db: Connection, device_id: int) -> None:
    """The device enrolled anew: it is another beginning."""
    db.execute("DELETE FROM unheard_answers WHERE device_id = ?", (device_id,))


def of_devices(db: Connection, device_ids: Sequence[int]) -> dict[tuple[int, str], Unheard]:
    """By device and request type."""
    found = db.execute(
        "SELECT device_id, request_type, times, last_at FROM unheard_answers "
        f"WHERE device_id IN ({rows.marks(len(device_ids))})",
        tuple(device_ids),
    )
    return {(row[0], row[1]): Unheard(row[2], row[3]) for row in found}
