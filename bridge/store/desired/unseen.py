"""Devices that showed up since the last apply, at a server that could not list them for it."""

from __future__ import annotations

from dataclasses import dataclass

from bridge.store.database import Connection


def serve(db: Connection, device_id: int, limit: int) -> bool:
    """Whether this one is served: it is already, or fewer than `limit` are."""
    known = db.execute("SELECT 1 FROM served_unseen WHERE device_id = ?", (device_id,)).fetchone()
    if known is not None:
        return True
    if db.execute("SELECT count(*) FROM served_unseen").fetchone()[0] >= limit:
        return False
    db.execute("INSERT INTO served_unseen (device_id) VALUES (?)", (device_id,))
    return True


def forget(db: Connection) -> None:
    """An apply shows what is known by now: from here on it is counted anew."""
    db.execute("DELETE FROM served_unseen")


@dataclass(frozen=True, slots=True)
class Known:
    """How many devices of a server are known to be enrolled, by their serial numbers; how many of
    these did not tell it, and how many its `devices_file` names that were not heard of."""

    enrolled: int
    nameless: int
    filed: int


def known(db: Connection, server: str) -> Known:
    """What is known of a server's devices."""
    row = db.execute(
        "SELECT count(CASE WHEN enrolled = 1 AND serial_number IS NOT NULL THEN 1 END), "
        "count(CASE WHEN enrolled = 1 AND serial_number IS NULL AND udid IS NOT NULL THEN 1 END), "
        "count(CASE WHEN enrolled IS NULL AND filed_serial IS NOT NULL THEN 1 END) "
        "FROM devices WHERE server = ?",
        (server,),
    ).fetchone()
    return Known(row[0], row[1], row[2])
