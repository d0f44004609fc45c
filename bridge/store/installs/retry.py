"""Another round for installs that stopped because a person must act."""

from __future__ import annotations

from bridge.store.commands import left_open
from bridge.store.database import Connection
from bridge.store.devices.devices import target_of
from bridge.store.installs.states import SQL_FOR_A_PERSON

_STOPPED = (
    f"desired = 1 AND (state IN {SQL_FOR_A_PERSON} "
    "OR reason IN ('SETTINGS_REFUSED', 'ANSWER_UNREADABLE', 'LIST_REFUSED', "
    "'LICENSE_TAKEN'))"
)


def retry(db: Connection, serial_number: str | None, adam_id: str | None, now: float) -> int:
    """Give stopped installs another round: what failed before does not count any more.

    Those of a device, of an app, of both, or all. What is not desired, and what is in any other
    state, stays as it is. Returns how many there were; they are dirty after this, and what their
    devices left open on the MDM server is looked for.
    """
    where, values = _of(db, serial_number, adam_id)
    changed = db.execute(
        "UPDATE installs SET round_at = ?, updated_at = ?, dirty_at = coalesce(dirty_at, ?) "
        f"WHERE {where} RETURNING target",
        (now, now, now, *values),
    ).fetchall()
    for target in {row[0] for row in changed}:
        left_open.hasten(db, target, now)
    return len(changed)


def stopped(
    db: Connection, serial_number: str | None, adam_id: str | None
) -> list[tuple[str, str, int]]:
    """What `retry` would take up: how many installs by (state, reason), the most first."""
    where, values = _of(db, serial_number, adam_id)
    found = db.execute(
        f"SELECT state, reason, count(*) FROM installs WHERE {where} "
        "GROUP BY state, reason ORDER BY count(*) DESC, state, reason",
        values,
    )
    return [(row[0], row[1], row[2]) for row in found]


def _of(db: Connection, serial_number: str | None, adam_id: str | None) -> tuple[str, list[str]]:
    where, values = _STOPPED, list[str]()
    if serial_number is not None:
        where += " AND target = ?"
        values.append(target_of(db, serial_number))
    if adam_id is not None:
        where += " AND adam_id = ?"
        values.append(adam_id)
    return where, values
