"""What devices' declarative status said of apps that declarations manage."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain

from bridge.domain.devices.declared_apps import DeclaredReport
from bridge.store import rows
from bridge.store.database import Connection


@dataclass(frozen=True, slots=True)
class Told:
    """One app of a report."""

    bundle_id: str
    removed: bool
    state: str | None
    update_state: str | None
    reason: str | None
    declaration: str | None
    external_version: str | None


def reported(
    db: Connection, apps: Sequence[tuple[int, str]]
) -> dict[tuple[int, str], DeclaredReport]:
    """What these devices said of these apps, by (device, bundle id)."""
    found = db.execute(
        f"{rows.asked(len(apps))}SELECT {rows.columns(DeclaredReport)}, device_id FROM asked "
        "CROSS JOIN declared_apps WHERE device_id = asked.one AND bundle_id = asked.other",
        tuple(chain.from_iterable(apps)),
    )
    return {(row["device_id"], row["bundle_id"]): rows.read(DeclaredReport, row) for row in found}


def store(
    db: Connection, device_id: int, told: Sequence[Told], *, stamp: float, now: float
) -> set[str]:
    """Keep a report that the server got at `stamp`: what is newer already stays as it is.

    Of a removed app it is kept that it was removed, so that an older report does not bring it back.
    Returns the bundle ids of which it told anything new.
    """
    found = db.execute(
        "SELECT bundle_id, removed, state, update_state, reason, declaration, stamp "
        "FROM declared_apps WHERE device_id = ?",
        (device_id,),
    )
    before = {row["bundle_id"]: tuple(row)[1:] for row in found}
    newest = {each.bundle_id: each for each in told}
    kept = [each for b, each in newest.items() if b not in before or before[b][-1] <= stamp]
    db.executemany(
        "INSERT INTO declared_apps (device_id, bundle_id, removed, state, update_state, reason, "
        "declaration, external_version, stamp, since, reported_at) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (device_id, bundle_id) DO UPDATE SET "
        "since = CASE WHEN declared_apps.removed = excluded.removed "
        "AND coalesce(declared_apps.state, '') = coalesce(excluded.state, '') "
        "THEN declared_apps.since ELSE excluded.since END, "
        "removed = excluded.removed, state = excluded.state, "
        "update_state = excluded.update_state, reason = excluded.reason, "
        "declaration = excluded.declaration, external_version = excluded.external_version, "
        "stamp = excluded.stamp, reported_at = excluded.reported_at",
        [
            (
                *(device_id, each.bundle_id, int(each.removed), each.state, each.update_state),
                *(each.reason, each.declaration, each.external_version, stamp, now, now),
            )
            for each in kept
        ],
    )
    db.execute("UPDATE devices SET declared_at = ? WHERE id = ?", (now, device_id))
    return {each.bundle_id for each in kept if before.get(each.bundle_id, ())[:-1] != _said(each)}


def _said(told: Told) -> tuple[object, ...]:
    return (int(told.removed), told.state, told.update_state, told.reason, told.declaration)


def forget(db: Connection, device_id: int) -> None:
    """What the device said counts no more."""
    db.execute("DELETE FROM declared_apps WHERE device_id = ?", (device_id,))
    db.execute("UPDATE devices SET declared_at = NULL WHERE id = ?", (device_id,))


def of_installs(db: Connection, limit: int) -> list[int]:
    """The ids of installs whose app a declaration manages on their device, `limit` at most."""
    found = db.execute(
        "SELECT i.id FROM declared_apps d CROSS JOIN devices CROSS JOIN installs i "
        "LEFT JOIN apps ON apps.adam_id = i.adam_id WHERE devices.id = d.device_id "
        "AND devices.enrolled = 1 "
        "AND i.target = devices.serial_number AND d.removed = 0 "
        "AND coalesce(i.bundle_id, apps.bundle_id) = d.bundle_id "
        "ORDER BY d.device_id, d.bundle_id LIMIT ?",
        (limit,),
    )
    return [int(row[0]) for row in found]
