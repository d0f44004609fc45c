"""What is paused, kept over restarts."""

from __future__ import annotations

from bridge.domain.pauses import Pause, Pauses, Scope
from bridge.store import rows
from bridge.store.database import Connection

_COLUMNS = {"app": "adam_id", "location": "location", "serial": "target"}


def load(db: Connection) -> Pauses:
    """All that is paused now, the widest first, then the oldest."""
    found = db.execute(
        f"SELECT {rows.columns(Pause)} FROM pauses ORDER BY CASE scope WHEN 'all' THEN 0 "
        "WHEN 'location' THEN 1 WHEN 'serial' THEN 2 ELSE 3 END, since, name"
    )
    return Pauses(tuple(rows.read(Pause, row) for row in found))


def get(db: Connection, scope: Scope, name: str) -> Pause | None:
    """One pause, if it is one."""
    row = db.execute(
        f"SELECT {rows.columns(Pause)} FROM pauses WHERE scope = ? AND name = ?", (scope, name)
    ).fetchone()
    return rows.read(Pause, row) if row else None


def begin(db: Connection, pause: Pause) -> bool:
    """Pause; False, and nothing is changed, where it is paused already.

    A person's pause takes the place of the bridge's own, so that it does not end by itself.
    """
    changed = db.execute(
        f"INSERT INTO pauses ({rows.columns(Pause)}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) "
        "ON CONFLICT (scope, name) DO UPDATE SET since = excluded.since, paused_by = 'person', "
        "why = '', next_probe_at = NULL, probe = NULL, probe_at = NULL, probes = 0 "
        "WHERE excluded.paused_by = 'person' AND pauses.paused_by <> 'person'",
        (
            pause.scope,
            pause.name,
            pause.since,
            pause.paused_by,
            pause.why,
            pause.next_probe_at,
            pause.probe,
            pause.probe_at,
            pause.probes,
        ),
    )
    return changed.rowcount == 1


def end(db: Connection, scope: Scope, name: str) -> bool:
    """Resume; False where it was not paused."""
    changed = db.execute("DELETE FROM pauses WHERE scope = ? AND name = ?", (scope, name))
    return changed.rowcount == 1


def probes_due(db: Connection, now: float) -> list[Pause]:
    """The breakers for which something is to be tried now."""
    found = db.execute(
        f"SELECT {rows.columns(Pause)} FROM pauses WHERE next_probe_at <= ? ORDER BY name", (now,)
    )
    return [rows.read(Pause, row) for row in found]


def probe(
    db: Connection, adam_id: str, serial_number: str | None, *, now: float, until: float
) -> None:
    """The app is tried on this device, or on none, until then."""
    db.execute(
        "UPDATE pauses SET probe = ?, probe_at = ?, next_probe_at = ? "
        "WHERE scope = 'app' AND name = ?",
        (serial_number, now, until, adam_id),
    )


def probe_failed(db: Connection, adam_id: str, next_probe_at: float) -> None:
    """The app failed on the device where it was tried."""
    db.execute(
        "UPDATE pauses SET probe = NULL, probe_at = NULL, probes = probes + 1, "
        "next_probe_at = ? WHERE scope = 'app' AND name = ?",
        (next_probe_at, adam_id),
    )


def covered(scope: Scope, name: str) -> tuple[str, tuple[str, ...]]:
    """What a pause is about, as a condition on the columns that installs and pairs share."""
    if scope == "all":
        return "true", ()
    return f"{_COLUMNS[scope]} = ?", (name,)
