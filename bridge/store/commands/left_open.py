"""Commands that a device leaves open, or answers with what its server does not take.

MicroMDM goes on offering them whenever the device comes (platform/queue/queue.go), so they stay as
they are, hold up no other, and are looked for and pushed for rarely.
"""

from __future__ import annotations

from dataclasses import dataclass

from bridge.store import rows
from bridge.store.commands import states
from bridge.store.database import Connection
from bridge.store.devices import queue_times


def stalled(db: Connection, command_uuid: str, now: float) -> None:
    """The device came and left the command open, which the server still has: no other command
    waits for it any longer."""
    changed = db.execute(
        "UPDATE commands SET stalled_at = ? WHERE command_uuid = ? "
        f"AND state IN {states.SQL_TAKEN} AND stalled_at IS NULL "
        "RETURNING device_id",
        (now, command_uuid),
    ).fetchall()
    for row in changed:
        queue_times.wake(db, row[0], now)


def not_taken(
    db: Connection, command_uuid: str, status: str, unread: str, now: float, *, look_at: float
) -> int | None:
    """The device answered with a status that its server does not know, and so keeps the command;
    returns how many such answers there were, None for a command that is settled otherwise.

    It is looked for at `look_at` after the first of them.
    """
    row = db.execute(
        "UPDATE commands SET state = 'queued', status = ?, unread = ?, "
        "odd_answers = odd_answers + 1, odd_at = ?, in_doubt_at = NULL, missed_at = NULL, "
        "look_at = CASE WHEN odd_answers = 0 THEN ? ELSE coalesce(look_at, ?) END, "
        "stalled_at = coalesce(stalled_at, ?) WHERE command_uuid = ? "
        f"AND state IN {states.SQL_OPEN} AND posts > 0 RETURNING device_id, odd_answers",
        (status, unread, now, look_at, look_at, now, command_uuid),
    ).fetchone()
    if row is None:
        return None
    queue_times.wake(db, row[0], now)
    return int(row[1])


def push_at(db: Connection, command_uuid: str, at: float | None) -> None:
    """When the device is next pushed to for such a command."""
    db.execute("UPDATE commands SET push_at = ? WHERE command_uuid = ?", (at, command_uuid))


def push_for_others(db: Connection, device_id: int, since: float | None, push_at: float) -> None:
    """The server broke off: what was posted since the last time that it did is offered when the
    device comes again."""
    db.execute(
        f"UPDATE commands SET push_at = {rows.earlier('push_at')} WHERE device_id = ? "
        f"AND state IN {states.SQL_ON_SERVER} AND stalled_at IS NULL AND posted_at >= ?",
        (push_at, push_at, device_id, since or 0.0),
    )


@dataclass(frozen=True, slots=True)
class Waiting:
    """What a device is pushed to for. `newest_at` is when the newest of the commands that it left
    open stalled, `count` how many of those there are, and `is_pushed` whether there is one
    for which it is pushed to again and again; `others` are due that it did not leave open yet."""

    newest_at: float | None
    count: int
    is_pushed: bool
    others: bool


def waiting(db: Connection, device_id: int, now: float) -> Waiting:
    """What a device that is due for a push has open on its server."""
    row = db.execute(
        "SELECT max(stalled_at) AS newest_at, count(stalled_at) AS count, "
        "count(CASE WHEN stalled_at IS NOT NULL AND push_at <= ? "
        "AND request_type NOT IN ('InstallApplication', 'InstallMedia') THEN 1 END) AS is_pushed, "
        "count(CASE WHEN stalled_at IS NULL AND push_at <= ? THEN 1 END) AS others "
        f"FROM commands WHERE device_id = ? AND state IN {states.SQL_ON_SERVER}",
        (now, now, device_id),
    ).fetchone()
    return Waiting(row["newest_at"], row["count"], bool(row["is_pushed"]), bool(row["others"]))


def hasten(db: Connection, serial_number: str, now: float) -> None:
    """Look for what a device left open, and push to it, at once: somebody asked for it."""
    db.execute(
        "UPDATE commands SET look_at = ?, push_at = ? WHERE stalled_at IS NOT NULL "
        f"AND state IN {states.SQL_ON_SERVER} "
        "AND device_id IN (SELECT id FROM devices WHERE serial_number = ?)",
        (now, now, serial_number),
    )
