"""What apps and devices are called, for who names them so."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bridge.domain.pauses import Scope
from bridge.store.database import Connection
from bridge.store.devices.devices import current, target_of


@dataclass(frozen=True, slots=True)
class Named:
    """Something with an id and a name."""

    id: str
    name: str


def apps(db: Connection) -> list[Named]:
    """Every app that has a name or a bundle id, once for each, by its adam id."""
    found = db.execute(
        "SELECT adam_id, name FROM apps WHERE name IS NOT NULL "
        "UNION SELECT adam_id, bundle_id FROM apps WHERE bundle_id IS NOT NULL ORDER BY 1"
    )
    return [Named(*row) for row in found]


def called(db: Connection, scope: Scope, name: str) -> str | None:
    """What people call the app or device that a pause, or a command, names by its id; None where
    that is not known, and for all else."""
    if scope == "app":
        return _of_app(db, name)
    return _of_device(db, name) if scope == "serial" else None


def _of_app(db: Connection, adam_id: str) -> str | None:
    row = db.execute(
        "SELECT coalesce(name, bundle_id) FROM apps WHERE adam_id = ?", (adam_id,)
    ).fetchone()
    return None if row is None else row[0]


def _of_device(db: Connection, device_id: str) -> str | None:
    target = target_of(db, device_id)
    device = current(db, [target]).get(target)
    return None if device is None else device.name


_DEVICE_ID = "coalesce(serial_number, enrollment_id)"


def devices(db: Connection, name: str) -> list[Named]:
    """The devices of this name, each once, in any case of (English) letters."""
    found = db.execute(
        f"SELECT DISTINCT {_DEVICE_ID}, name FROM devices "
        f"WHERE (name = ? OR lower(name) = ?) AND {_DEVICE_ID} IS NOT NULL ORDER BY 1",
        (name, name.lower()),
    )
    return [Named(*row) for row in found]


def knows_device(db: Connection, device_id: str) -> bool:
    """Whether this is a serial number or an enrolment id of a device, or of a wish."""
    upper = device_id.upper()
    row = db.execute(
        "SELECT EXISTS (SELECT 1 FROM devices WHERE serial_number = ?) "
        "OR EXISTS (SELECT 1 FROM installs WHERE target = ?) "
        "OR EXISTS (SELECT 1 FROM devices WHERE enrollment_id = ?)",
        (upper, upper, device_id),
    ).fetchone()
    return bool(row[0])


def device_names(db: Connection, limit: int) -> Sequence[str]:
    """The names of devices, `limit` at most."""
    found = db.execute(
        "SELECT DISTINCT name FROM devices WHERE name IS NOT NULL ORDER BY name LIMIT ?", (limit,)
    )
    return [row[0] for row in found]


def devices_beginning(db: Connection, begin: str, limit: int) -> list[Named]:
    """Devices whose serial number or name begins so, in any case of (English) letters."""
    found = db.execute(
        f"SELECT {_DEVICE_ID}, coalesce(name, '') FROM devices WHERE {_DEVICE_ID} IS NOT NULL "
        f"AND (substr({_DEVICE_ID}, 1, CAST(? AS INTEGER)) IN (?, ?) "
        "OR lower(substr(name, 1, CAST(? AS INTEGER))) = ?) "
        "ORDER BY 1 LIMIT ?",
        (len(begin), begin, begin.upper(), len(begin), begin.lower(), limit),
    )
    return [Named(*row) for row in found]


def holds_licence(db: Connection, serial_number: str) -> bool:
    """Whether Apple lists a licence of this device, whoever assigned it."""
    row = db.execute(
        "SELECT EXISTS (SELECT 1 FROM assignments WHERE target = ?)", (serial_number,)
    ).fetchone()
    return bool(row[0])


_STORED = {
    "location": ("SELECT name FROM locations",),
    "server": ("SELECT DISTINCT server FROM devices",),
    "scope": ("SELECT name FROM locations", "SELECT DISTINCT scope FROM outbox"),
}


def stored(db: Connection, what: str) -> set[str]:
    """The names of each `location`, MDM `server` or `scope` of calls of which something is kept,
    though it may be configured no more."""
    return {row[0] for statement in _STORED[what] for row in db.execute(statement)}
