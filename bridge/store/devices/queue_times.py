"""When the command queue of each device is to be looked at: `devices.queue_at`.

Whatever may make room, or brings a command, sets it; whoever finds nothing to start clears it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from bridge.store import rows
from bridge.store.database import Connection


def wake(db: Connection, device_id: int, at: float) -> None:
    """Have a device's queue looked at, at the latest at `at`."""
    wake_all(db, [(device_id, at)])


def wake_all(db: Connection, times: Iterable[tuple[int, float]]) -> None:
    """The same of many: each device, and by when."""
    by_time: dict[float, list[int]] = {}
    for device_id, at in times:
        by_time.setdefault(at, []).append(device_id)
    for at, device_ids in by_time.items():
        for part in rows.parts(len(device_ids)):
            some = device_ids[part]
            db.execute(
                f"UPDATE devices SET queue_at = {rows.earlier('queue_at')} "
                f"WHERE id IN ({rows.marks(len(some))})",
                (at, at, *some),
            )


def wake_ready(db: Connection, now: float) -> None:
    """Have every queue looked at in which a command waits."""
    db.execute(
        "UPDATE devices SET queue_at = ? "
        "WHERE id IN (SELECT device_id FROM commands WHERE state = 'ready')",
        (now,),
    )


def postpone(db: Connection, device_id: int, at: float) -> None:
    """Look at the device's queue again at `at`, not before."""
    db.execute("UPDATE devices SET queue_at = ? WHERE id = ?", (at, device_id))


def rest(db: Connection, full: Mapping[int, bool], now: float) -> None:
    """The queues of these devices were looked at, and are `full` or not: again when the next
    command is due, or when something wakes them."""
    still = [device_id for device_id, is_full in full.items() if is_full]
    for part in rows.parts(len(still)):
        some = still[part]
        db.execute(
            f"UPDATE devices SET queue_at = NULL WHERE id IN ({rows.marks(len(some))})", some
        )
    others = [device_id for device_id, is_full in full.items() if not is_full]
    for part in rows.parts(len(others)):
        some = others[part]
        db.execute(
            "UPDATE devices SET queue_at = (SELECT min(due_at) FROM commands WHERE device_id = "
            "devices.id AND state = 'ready' AND due_at > ?) "
            f"WHERE id IN ({rows.marks(len(some))})",
            (now, *some),
        )
