"""The newest failure of each app on each device, which trip the circuit breaker."""

from __future__ import annotations

from collections.abc import Iterable

from bridge.store.database import Connection


def note(db: Connection, adam_id: str, serial_number: str, signature: str, at: float) -> bool:
    """Keep a failure; False where it, or a newer one, is kept already."""
    changed = db.execute(
        "INSERT INTO failures (adam_id, serial_number, signature, at, counts) "
        "VALUES (?, ?, ?, ?, 1) ON CONFLICT (adam_id, serial_number) DO UPDATE SET "
        "signature = excluded.signature, at = excluded.at, counts = 1 "
        "WHERE excluded.at > failures.at",
        (adam_id, serial_number, signature, at),
    )
    return changed.rowcount == 1


def healed(db: Connection, installed: Iterable[tuple[str, str]]) -> None:
    """These (adam id, serial number) failed no longer: the app is there."""
    db.executemany("DELETE FROM failures WHERE adam_id = ? AND serial_number = ?", installed)


def alike(db: Connection, adam_id: str, signature: str, since: float) -> int:
    """On how many devices an app failed in this way since then."""
    row = db.execute(
        "SELECT count(*) FROM failures WHERE adam_id = ? AND signature = ? AND at >= ? "
        "AND counts = 1",
        (adam_id, signature, since),
    )
    return int(row.fetchone()[0])


def forgive(db: Connection, adam_id: str) -> None:
    """The app is tried again: what failed before trips it no more."""
    db.execute("UPDATE failures SET counts = 0 WHERE adam_id = ?", (adam_id,))
