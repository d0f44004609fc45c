"""What is paused, kept over restarts."""

from __future__ import annotations

from bridge.domain.model import Install
from bridge.domain.pauses import Pause, Pauses, Scope
from bridge.store import rows
from bridge.store.database import Connection
from bridge.store.devices.devices import ENROLMENT_ID

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
        "WHERE excluded.paused_by = 'person' AND paused_by <> 'person'",
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


def withdraw_collected(
    db: Connection, scope: Scope, name: str, now: float
) -> list[tuple[str, str]]:
    """Pairs that are being collected for Apple and must not go: they are asked for anew later.

    Returns their (serial number, adam id).
    """
    where, values = _covered(scope, name)
    found = db.execute(
        "UPDATE request_pairs SET state = 'withdrawn', settled_at = ? "
        f"WHERE state = 'collected' AND {where} RETURNING target, adam_id",
        (now, *values),
    ).fetchall()
    return [(row[0], row[1]) for row in found]


def touch(db: Connection, scope: Scope, name: str, now: float) -> int:
    """Mark what a pause is about dirty, save what is settled and waits for nothing; returns how
    many there were. Nobody of them is in line for a seat after this, until decided anew.
    """
    where, values = _covered(scope, name)
    changed = db.execute(
        "UPDATE installs SET needs_seat = 0, dirty_at = coalesce(dirty_at, ?) "
        f"WHERE {where} AND state <> 'removed' "
        "AND (state <> 'installed' OR next_check_at IS NULL OR desired = 0)",
        (now, *values),
    )
    return changed.rowcount


def probes_due(db: Connection, now: float) -> list[Pause]:
    """The breakers for which something is to be tried now."""
    found = db.execute(
        f"SELECT {rows.columns(Pause)} FROM pauses WHERE next_probe_at <= ? ORDER BY name", (now,)
    )
    return [rows.read(Pause, row) for row in found]


def candidates(db: Connection, adam_id: str, before: str | None) -> list[Install]:
    """A few installs that an app's pause holds up, on enrolled devices: first those whose device
    was seen last, and `before`, which was tried before, at the end.
    """
    found = db.execute(
        f"SELECT {rows.columns(Install, 'i.')} FROM installs i JOIN devices d "
        f"ON d.serial_number = i.target AND d.enrolled = 1 AND d.{ENROLMENT_ID} IS NOT NULL "
        "WHERE i.adam_id = ? AND i.desired = 1 AND i.reason = 'PAUSED' "
        "ORDER BY i.target = coalesce(?, ''), d.last_seen_at DESC, i.id LIMIT 50",
        (adam_id, before),
    )
    return [rows.read(Install, row) for row in found]


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


def desired(db: Connection, scope: Scope, name: str) -> int:
    """How many wanted installs a pause is about."""
    where, values = _covered(scope, name)
    row = db.execute(f"SELECT count(*) FROM installs WHERE desired = 1 AND {where}", values)
    return int(row.fetchone()[0])


def _covered(scope: Scope, name: str) -> tuple[str, tuple[str, ...]]:
    """What a pause is about, as a condition on the columns that installs and pairs share."""
    if scope == "all":
        return "true", ()
    return f"target_kind = 'serial' AND {_COLUMNS[scope]} = ?", (name,)
