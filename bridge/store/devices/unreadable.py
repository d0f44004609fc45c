"""Answers of devices that came and could not be read, counted until a readable one comes."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from bridge.domain.devices.unreadable import Unreadable
from bridge.domain.model import Device
from bridge.store import rows
from bridge.store.database import Connection

WHOLE = ""
"""In place of a bundle id: the answer as a whole."""


@dataclass(frozen=True, slots=True)
class Row:
    """What is kept: the `listed_*` columns are of the newest list in which the app was readable."""

    device_id: int
    request_type: str
    bundle_id: str
    times: int
    since: float
    last_at: float
    why: str
    listed_asked_at: float | None
    listed_at: float | None
    listed_enrolment: int | None

    @property
    def value(self) -> Unreadable:
        """What decisions look at."""
        return Unreadable(self.times, self.since, self.last_at, self.why)


def note(
    db: Connection, device: Device, request_type: str, why: str, now: float, bundle_id: str = WHOLE
) -> int:
    """One more answer of which nothing, or nothing about one app, could be read; returns how many
    there were in a row. Of an app it is kept which list was the newest before them.
    """
    row = db.execute(
        "INSERT INTO unreadable_answers (device_id, request_type, bundle_id, times, since, "
        "last_at, why, listed_asked_at, listed_at, listed_enrolment) "
        "VALUES (?, ?, ?, 1, ?, ?, ?, ?, ?, ?) "
        "ON CONFLICT (device_id, request_type, bundle_id) DO UPDATE SET "
        "times = unreadable_answers.times + 1, last_at = excluded.last_at, why = excluded.why "
        "RETURNING times",
        (
            device.id,
            request_type,
            bundle_id,
            now,
            now,
            why,
            device.apps_asked_at,
            device.apps_listed_at,
            device.apps_enrolment,
        ),
    ).fetchone()
    return int(row[0])


def readable(db: Connection, device_id: int, request_type: str) -> bool:
    """An answer as a whole could be read; returns whether some could not before it."""
    changed = db.execute(
        "DELETE FROM unreadable_answers WHERE device_id = ? AND request_type = ? AND bundle_id = ?",
        (device_id, request_type, WHOLE),
    )
    return changed.rowcount > 0


def readable_but(
    db: Connection, device_id: int, request_type: str, bundle_ids: Collection[str]
) -> bool:
    """A list could be read, save for what it says of these apps; returns whether there was more
    that could not be read before it."""
    changed = db.execute(
        "DELETE FROM unreadable_answers WHERE device_id = ? AND request_type = ? "
        f"AND bundle_id NOT IN ({rows.marks(1 + len(bundle_ids))})",
        (device_id, request_type, WHOLE, *bundle_ids),
    )
    return changed.rowcount > 0


def forget(db: Connection, device_id: int) -> None:
    """The device enrolled anew: it is another beginning."""
    db.execute("DELETE FROM unreadable_answers WHERE device_id = ?", (device_id,))


def of_devices(db: Connection, device_ids: Sequence[int]) -> dict[tuple[int, str, str], Row]:
    """By device, request type and bundle id (`WHOLE` for the whole answer)."""
    found = db.execute(
        f"SELECT {rows.columns(Row)} FROM unreadable_answers "
        f"WHERE device_id IN ({rows.marks(len(device_ids))})",
        tuple(device_ids),
    )
    read = (rows.read(Row, row) for row in found)
    return {(row.device_id, row.request_type, row.bundle_id): row for row in read}
