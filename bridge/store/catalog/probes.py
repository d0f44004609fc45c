"""On which device an app is tried first, to learn its bundle id."""

from __future__ import annotations

from collections.abc import Sequence

from bridge.domain.facts import Probe
from bridge.store import rows
from bridge.store.database import Connection


def load(db: Connection, adam_ids: Sequence[str]) -> dict[str, Probe]:
    """The probes of these apps, by adam id."""
    found = db.execute(
        f"SELECT {rows.columns(Probe)}, adam_id FROM probes "
        f"WHERE adam_id IN ({rows.marks(len(adam_ids))})",
        tuple(adam_ids),
    )
    return {row["adam_id"]: rows.read(Probe, row) for row in found}


def begin(db: Connection, adam_id: str, serial_number: str, *, overdue: float, now: float) -> None:
    """Let a device be the probe, unless another one is that began after `overdue`."""
    db.execute(
        "INSERT INTO probes (adam_id, serial_number, since, tried) VALUES (?, ?, ?, 1) "
        "ON CONFLICT (adam_id) DO UPDATE SET serial_number = excluded.serial_number, "
        "since = excluded.since, tried = probes.tried + 1 "
        "WHERE probes.serial_number IS NULL OR probes.since <= ?",
        (adam_id, serial_number, now, overdue),
    )


def end(db: Connection, adam_id: str) -> None:
    """The probe came back without the bundle id."""
    db.execute("UPDATE probes SET serial_number = NULL WHERE adam_id = ?", (adam_id,))
