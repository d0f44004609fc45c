"""The commands of a device in Setup Assistant: whether they have left, and its release."""

from __future__ import annotations

from dataclasses import dataclass

from bridge.store import rows
from bridge.store.commands.states import SQL_LEAVING, SQL_ON_SERVER
from bridge.store.database import Connection


def is_leaving(db: Connection, device_id: int) -> bool:
    """Whether a command for a device is yet to leave."""
    found = db.execute(
        f"SELECT 1 FROM commands WHERE device_id = ? AND state IN {SQL_LEAVING} LIMIT 1",
        (device_id,),
    )
    return found.fetchone() is not None


def is_posting(db: Connection, device_id: int) -> bool:
    """Whether a command is on its way to the device's server just now."""
    found = db.execute(
        "SELECT 1 FROM commands WHERE device_id = ? AND state = 'posting' LIMIT 1", (device_id,)
    )
    return found.fetchone() is not None


def look_soon(db: Connection, device_id: int, at: float) -> None:
    """Look at `at` what became of all that a device was sent: what the queue does not show then is
    in doubt at once."""
    db.execute(
        f"UPDATE commands SET suspect = 1, look_at = {rows.earlier('look_at')} "
        f"WHERE device_id = ? AND state IN {SQL_ON_SERVER} AND suspect = 0",
        (at, at, device_id),
    )


@dataclass(frozen=True, slots=True)
class Release:
    """A DeviceConfigured for a device, the newest; `count` is how many there were since then."""

    command_uuid: str
    state: str
    created_at: float
    answered_at: float | None
    count: int


def newest(db: Connection, device_id: int, since: float) -> Release | None:
    """The newest DeviceConfigured that was made for a device since then."""
    found = db.execute(
        "SELECT command_uuid, state, created_at, answered_at FROM commands WHERE device_id = ? "
        "AND request_type = 'DeviceConfigured' AND created_at >= ? ORDER BY created_at DESC",
        (device_id, since),
    ).fetchall()
    if not found:
        return None
    command_uuid, state, created_at, answered_at = found[0]
    return Release(command_uuid, state, created_at, answered_at, len(found))
