"""What the `devices_file` of a server that cannot list its devices says of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from bridge.domain.model import Device
from bridge.store import rows
from bridge.store.database import Connection


@dataclass(frozen=True, slots=True)
class Differing:
    """A device that says of itself what its line does not."""

    udid: str
    filed: str
    told: str


def keep(db: Connection, server: str, said: Mapping[str, str], now: float) -> None:
    """Keep the serial numbers that the file has, by UDID, in place of those that it had."""
    found = db.execute(
        "SELECT udid, filed_serial FROM devices WHERE server = ? AND udid IS NOT NULL", (server,)
    )
    known = {row[0]: row[1] for row in found}
    new = [(server, udid, serial, now) for udid, serial in said.items() if udid not in known]
    other = [
        (said.get(udid), server, udid) for udid, before in known.items() if said.get(udid) != before
    ]
    db.executemany(
        "INSERT INTO devices (server, udid, filed_serial, created_at) VALUES (?, ?, ?, ?)", new
    )
    db.executemany("UPDATE devices SET filed_serial = ? WHERE server = ? AND udid = ?", other)


def unheard(db: Connection, server: str, asked_before: float) -> list[Device]:
    """Devices that the file names, that never told their serial number and of which it is not known
    whether they are enrolled; but for those that were asked since."""
    found = db.execute(
        f"SELECT {rows.columns(Device)} FROM devices WHERE server = ? AND serial_number IS NULL "
        "AND enrolled IS NULL AND filed_serial IS NOT NULL AND udid IS NOT NULL "
        "AND coalesce(serial_asked_at, 0) < ? ORDER BY id",
        (server, asked_before),
    )
    return [rows.read(Device, row) for row in found]


def of_serial(db: Connection, serial_number: str) -> tuple[str, str] | None:
    """The server and UDID of a device that did not tell its serial number yet, by what the file
    says of it."""
    row = db.execute(
        "SELECT server, udid FROM devices WHERE serial_number IS NULL AND filed_serial = ? "
        "ORDER BY id LIMIT 1",
        (serial_number,),
    ).fetchone()
    return None if row is None else (row[0], row[1])


def differing(db: Connection, server: str) -> list[Differing]:
    """The devices whose own word is another one than their line's."""
    found = db.execute(
        "SELECT udid, filed_serial, coalesce(serial_number, claimed_serial) told FROM devices "
        "WHERE server = ? AND filed_serial IS NOT NULL "
        "AND coalesce(serial_number, claimed_serial) <> filed_serial ORDER BY id",
        (server,),
    )
    return [Differing(row[0], row[1], row[2]) for row in found]
