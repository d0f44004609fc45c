"""Devices in Setup Assistant: since when, with what, and when that was over."""

from __future__ import annotations

from dataclasses import dataclass

from bridge.domain.model import Device, Install
from bridge.domain.pauses import Scope
from bridge.store import rows
from bridge.store.database import Connection
from bridge.store.devices.devices import update

IN_SETUP = "setup_since IS NOT NULL AND setup_ended_at IS NULL"
"""Of a device: whether it is in Setup Assistant, as SQL."""


def begin(db: Connection, device: Device, since: float, *, was_enrolled: bool) -> None:
    """A device is in Setup Assistant since then. One that `was_enrolled` before, here or at another
    server, gets all its apps there."""
    update(
        db,
        device.id,
        setup_since=since,
        setup_ended_at=None,
        setup_free_at=None,
        setup_ready_at=None,
        setup_all=int(was_enrolled or device.setup_all or _was_elsewhere(db, device)),
    )


def _was_elsewhere(db: Connection, device: Device) -> bool:
    """Whether another record is of the same device: at another server, or with another UDID."""
    found = db.execute(
        "SELECT 1 FROM devices WHERE id <> ? AND channel_of IS NULL AND enrolment > 0 "
        "AND (serial_number = ? OR udid = ?) LIMIT 1",
        (device.id, device.serial_number, device.udid),
    )
    return found.fetchone() is not None


def forget(db: Connection, device: Device, *, was_enrolled: bool) -> None:
    """What a device told of itself and Setup Assistant is over; whether it `was_enrolled` before
    is kept for when it enrols anew."""
    update(
        db,
        device.id,
        setup_since=None,
        setup_ended_at=None,
        setup_all=int(was_enrolled or device.setup_all),
        supervised=None,
    )


def awaiting_at(db: Connection, device_id: int) -> float | None:
    """When the device's newest TokenUpdate came, if it says that it awaits its configuration."""
    row = db.execute("SELECT awaiting_at FROM devices WHERE id = ?", (device_id,)).fetchone()
    return None if row is None else row[0]


def end(db: Connection, device_id: int, at: float) -> bool:
    """A device has left Setup Assistant; False where it was not there."""
    changed = db.execute(
        f"UPDATE devices SET setup_ended_at = ? WHERE id = ? AND {IN_SETUP}", (at, device_id)
    )
    return changed.rowcount > 0


def ready(db: Connection, device_id: int, at: float | None) -> bool:
    """All required apps are there, or (None) not any more; whether that is news."""
    changed = db.execute(
        "UPDATE devices SET setup_ready_at = ? WHERE id = ? AND (setup_ready_at IS NULL) <> "
        "(CAST(? AS DOUBLE PRECISION) IS NULL)",
        (at, device_id, at),
    )
    return changed.rowcount > 0


def set_free(db: Connection, scope: Scope, name: str, now: float) -> list[int]:
    """A pause has ended that held releases up; the devices that it held."""
    if scope not in ("all", "serial"):
        return []
    where, values = ("", ()) if scope == "all" else (" AND serial_number = ?", (name,))
    found = db.execute(
        f"UPDATE devices SET setup_free_at = ? WHERE {IN_SETUP}{where} RETURNING id",
        (now, *values),
    ).fetchall()
    return [int(row[0]) for row in found]


def of_device(db: Connection, target: str) -> list[Install]:
    """All that is, or was, desired on a device."""
    found = db.execute(
        f"SELECT {rows.columns(Install)} FROM installs WHERE target = ? ORDER BY adam_id",
        (target,),
    )
    return [rows.read(Install, row) for row in found]


@dataclass(frozen=True, slots=True)
class Present:
    """A device that is in Setup Assistant, by what installs name it (`target`)."""

    device_id: int
    server: str
    target: str | None
    udid: str | None
    since: float
    free_at: float | None
    ready_at: float | None


def present(db: Connection) -> list[Present]:
    """Everybody who is in Setup Assistant, the longest first."""
    found = db.execute(
        "SELECT id, server, serial_number, udid, setup_since, setup_free_at, setup_ready_at "
        f"FROM devices WHERE {IN_SETUP} ORDER BY setup_since, id"
    )
    return [Present(*row) for row in found]


def ready_at(db: Connection, device_id: int) -> float | None:
    """When all required apps of a device were there, if they are."""
    row = db.execute("SELECT setup_ready_at FROM devices WHERE id = ?", (device_id,)).fetchone()
    return None if row is None else row[0]
