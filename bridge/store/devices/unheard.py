"""Questions that devices took and whose answers never came, counted until one comes."""

from __future__ import annotations

from collections.abc import Sequence

from bridge.domain.devices.unreadable import Unheard
from bridge.store import rows
from bridge.store.database import Connection


def note(
    db: Connection,
    device_id: int,
    request_type: str,
    now: float,
    *,
    heard_at: float,
    in_outage: bool,
) -> None:
    """One more of a kind was taken, and no answer came; with `in_outage` nothing else of the device
    did. Those of an outage count no more once it was heard of (`heard_at`)."""
    db.execute(
        "INSERT INTO unheard_answers (device_id, request_type, times, last_at, in_outage) "
        "VALUES (?, ?, 1, ?, ?) ON CONFLICT (device_id, request_type) DO UPDATE SET "
        "times = CASE WHEN unheard_answers.in_outage = 1 AND (excluded.in_outage = 0 "
        "OR unheard_answers.last_at < ?) THEN 1 ELSE unheard_answers.times + 1 END, "
        "last_at = excluded.last_at, in_outage = CASE WHEN unheard_answers.in_outage = 1 "
        "THEN excluded.in_outage ELSE 0 END",
        (device_id, request_type, now, int(in_outage), heard_at),
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
        "SELECT device_id, request_type, times, last_at, in_outage FROM unheard_answers "
        f"WHERE device_id IN ({rows.marks(len(device_ids))})",
        tuple(device_ids),
    )
    return {(row[0], row[1]): Unheard(row[2], row[3], bool(row[4])) for row in found}
