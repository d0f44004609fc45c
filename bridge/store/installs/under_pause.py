"""The installs that a pause is about."""

from __future__ import annotations

from bridge.domain.model import Install
from bridge.domain.pauses import Scope
from bridge.store import pauses, rows
from bridge.store.database import Connection


def touch(db: Connection, scope: Scope, name: str, now: float) -> int:
    """Mark what a pause is about dirty, save what is settled and waits for nothing; returns how
    many there were. Nobody of them is in line for a seat after this, until decided anew.
    """
    where, values = pauses.covered(scope, name)
    changed = db.execute(
        "UPDATE installs SET needs_seat = 0, dirty_at = coalesce(dirty_at, ?) "
        f"WHERE {where} AND state <> 'removed' "
        "AND (state <> 'installed' OR next_check_at IS NULL OR desired = 0)",
        (now, *values),
    )
    return changed.rowcount


def candidates(db: Connection, adam_id: str, before: str | None) -> list[Install]:
    """A few installs that an app's pause holds up, on enrolled devices: first those whose device
    was seen last, and `before`, which was tried before, at the end.
    """
    found = db.execute(
        f"SELECT {rows.columns(Install, 'i.')} FROM installs i JOIN devices d "
        f"ON d.serial_number = i.target AND d.enrolled = 1 AND d.udid IS NOT NULL "
        "WHERE i.adam_id = ? AND i.desired = 1 AND i.reason = 'PAUSED' "
        "ORDER BY i.target = coalesce(?, ''), d.last_seen_at DESC, i.id LIMIT 50",
        (adam_id, before),
    )
    return [rows.read(Install, row) for row in found]


def count(db: Connection, scope: Scope, name: str) -> int:
    """How many desired installs a pause is about."""
    where, values = pauses.covered(scope, name)
    row = db.execute(f"SELECT count(*) FROM installs WHERE desired = 1 AND {where}", values)
    return int(row.fetchone()[0])
