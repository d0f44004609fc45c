"""Channels of users: rows of `devices` of their own, since each has its queue and its lists.

A row with `channel_of` is a user's channel on that device; `channel_id` is by what its server
addresses it. What the device said of itself is the device's, and read together with it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from bridge.domain.model import Device
from bridge.store import rows
from bridge.store.database import Connection


def ensure(db: Connection, device: Device, channel_id: str, now: float) -> Device:
    """The channel of a user on a device, made if it was never seen."""
    row = _row(db, device.server, channel_id)
    if row is None:
        db.execute(
            "INSERT INTO devices (server, channel_id, channel_of, created_at) VALUES (?, ?, ?, ?)",
            (device.server, channel_id, device.id, now),
        )
    elif row.channel_of != device.id:  # MicroMDM knows a network user by one id on all Macs
        db.execute("UPDATE devices SET channel_of = ? WHERE id = ?", (device.id, row.id))
    found = _row(db, device.server, channel_id)
    assert found is not None, "it was made"
    return on(found, device)


def on(channel: Device, device: Device) -> Device:
    """A channel together with what its device said of itself."""
    return replace(
        channel,
        serial_number=device.serial_number,
        name=device.name,
        product_name=device.product_name,
        model=device.model,
        os_version=device.os_version,
        build_version=device.build_version,
        facts_at=device.facts_at,
        enrolled=bool(channel.enrolled) and bool(device.enrolled),
    )


def of_devices(db: Connection, some: Sequence[Device]) -> Mapping[int, Device]:
    """By the device's id, the channel of a user that connected last, where there is one that is
    enrolled."""
    found = db.execute(
        f"SELECT {rows.columns(Device)} FROM devices "
        f"WHERE channel_of IN ({rows.marks(len(some))}) AND enrolled = 1 "
        "ORDER BY coalesce(last_seen_at, 0), id",
        tuple(device.id for device in some),
    )
    channels = [rows.read(Device, row) for row in found]
    by_id = {device.id: device for device in some}
    return {c.channel_of: on(c, by_id[c.channel_of]) for c in channels if c.channel_of is not None}


def ids_of(db: Connection, device_id: int) -> list[int]:
    """The ids of the channels of a device."""
    found = db.execute("SELECT id FROM devices WHERE channel_of = ? ORDER BY id", (device_id,))
    return [int(row[0]) for row in found]


def _row(db: Connection, server: str, channel_id: str) -> Device | None:
    row = db.execute(
        f"SELECT {rows.columns(Device)} FROM devices WHERE server = ? AND channel_id = ?",
        (server, channel_id),
    ).fetchone()
    return rows.read(Device, row) if row else None
