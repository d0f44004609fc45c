"""Following commands up: when it is looked what became of one, and when a device is pushed to.

A command is `suspect` when its answer may have come while nobody listened: if the server's queue
does not show it, it is in doubt at once, however young it is; without such a view its device is
pushed to, to see what it leaves open.
"""

from __future__ import annotations

from bridge.store import rows
from bridge.store.commands import states
from bridge.store.database import Connection
from bridge.store.devices import queue_times
from bridge.store.outbox import kinds
from bridge.store.outbox.states import SQL_OPEN


def stored_up_to(db: Connection, server: str, posted_at: float, look_at: float) -> None:
    """A command posted then is known to be stored, so those posted before it nearly always are:
    MicroMDM swaps commands by a few places at most (platform/pubsub/inmem). Each is still looked
    for at `look_at`, so that one marked too early is found missing then; what is suspect, when that
    was planned.
    """
    db.execute(
        "UPDATE commands SET state = 'queued', "
        "look_at = CASE WHEN suspect = 1 AND look_at < ? THEN look_at ELSE ? END "
        "WHERE server = ? AND state = 'posted' AND posted_at <= ?",
        (look_at, look_at, server, posted_at),
    )


def unseen(db: Connection, server: str) -> int:
    """How many commands a server took of which nothing shows that it stored them."""
    row = db.execute(
        f"SELECT count(*) FROM commands WHERE server = ? AND state IN {states.SQL_NOT_STORED_YET}",
        (server,),
    ).fetchone()
    return int(row[0])


def look_at_newest(db: Connection, server: str, after: float, again: float) -> None:
    """Look for the newest command that nothing shows as stored, `after` seconds from its posting:
    one look settles all that were posted before it. While a look for any of them is planned, within
    `again` seconds from its posting, or under way, no other is: what that one shows comes first.
    """
    db.execute(
        "UPDATE commands SET look_at = CASE WHEN look_at < posted_at + :after THEN look_at "
        "ELSE posted_at + :after END "
        "WHERE command_uuid = (SELECT command_uuid FROM commands WHERE server = :server "
        "AND state = 'posted' ORDER BY posted_at DESC LIMIT 1) "
        "AND NOT EXISTS (SELECT 1 FROM commands c WHERE c.server = :server AND c.state = 'posted' "
        "AND (c.look_at <= c.posted_at + :again OR EXISTS (SELECT 1 FROM outbox o "
        "WHERE o.service = 'mdm' AND o.scope = c.server AND o.kind = :kind "
        f"AND o.key = CAST(c.device_id AS TEXT) AND o.state IN {SQL_OPEN})))",
        {"server": server, "after": after, "again": again, "kind": kinds.QUEUE},
    )


def suspect_all(
    db: Connection, at: float, *, server: str | None = None, device_id: int | None = None
) -> int:
    """Suspect every command that a server may hold, and look at its queue; returns how many.

    NotNow-parked commands are left out: the queue view hides them, so a look tells nothing.
    """
    condition, values = f"state IN {states.SQL_ON_SERVER}", list[object]()
    for column, value in (("server", server), ("device_id", device_id)):
        if value is not None:
            condition += f" AND {column} = ?"
            values.append(value)
    changed = db.execute(
        f"UPDATE commands SET suspect = 1, look_at = {rows.earlier('look_at')} WHERE {condition}",
        (at, at, *values),
    )
    return changed.rowcount


def suspect(db: Connection, command_uuid: str) -> None:
    """The command's answer may have come while nobody listened."""
    db.execute("UPDATE commands SET suspect = 1 WHERE command_uuid = ?", (command_uuid,))


def to_look_at(db: Connection, now: float, limit: int) -> list[int]:
    """The devices whose queue is to be looked at now."""
    found = db.execute(
        "SELECT device_id FROM commands WHERE look_at <= ? GROUP BY device_id "
        "ORDER BY min(look_at) LIMIT ?",
        (now, limit),
    )
    return [int(row[0]) for row in found]


def expect_parked(db: Connection, device_id: int, idle_at: float, look_at: float) -> None:
    """The device came, so its server offers it what a NotNow parked: an answer is due by then."""
    db.execute(
        "UPDATE commands SET look_at = ? WHERE device_id = ? AND state = 'not_now' "
        "AND not_now_at < ? AND look_at IS NULL",
        (look_at, device_id, idle_at),
    )


def offered(db: Connection, device_id: int, idle_at: float, look_at: float) -> bool:
    """The device came, so its server offers it what is queued: whatever it leaves open is looked
    for by then. Returns whether a question is among it that was not offered before."""
    changed = db.execute(
        f"UPDATE commands SET offered_at = ?, look_at = {rows.earlier('look_at')} "
        f"WHERE device_id = ? AND state IN {states.SQL_ON_SERVER} AND posted_at < ? "
        "AND offered_at IS NULL RETURNING install_id",
        (idle_at, look_at, look_at, device_id, idle_at),
    ).fetchall()
    return any(row[0] is None for row in changed)


def push_behind_left_open(db: Connection, device_id: int, idle_at: float, push_at: float) -> None:
    """The device came, and is used to leave a command open: it may take it first once more, and
    what it was asked since only when it comes again."""
    db.execute(
        f"UPDATE commands SET push_at = {rows.earlier('push_at')} WHERE device_id = ? "
        f"AND state IN {states.SQL_ON_SERVER} AND install_id IS NULL AND stalled_at IS NULL "
        "AND offered_at = ? AND EXISTS (SELECT 1 FROM commands AS other WHERE "
        f"other.device_id = ? AND other.state IN {states.SQL_ON_SERVER} "
        "AND other.stalled_at IS NOT NULL)",
        (push_at, push_at, device_id, idle_at, device_id),
    )


def looking(db: Connection, device_id: int, look_at: float) -> None:
    """The device's queue is being looked at: do not intend it again before `look_at`."""
    db.execute(
        "UPDATE commands SET look_at = ? WHERE device_id = ? AND look_at IS NOT NULL",
        (look_at, device_id),
    )


def look_again(db: Connection, command_uuid: str, at: float) -> None:
    """It is too early to tell: look at the queue again at `at`."""
    db.execute("UPDATE commands SET look_at = ? WHERE command_uuid = ?", (at, command_uuid))


def missed(db: Connection, command_uuid: str, at: float, look_at: float) -> None:
    """It was neither queued nor answered at `at`; its answer may still come by `look_at`. It holds
    up no other command any more."""
    changed = db.execute(
        "UPDATE commands SET missed_at = coalesce(missed_at, ?), look_at = ? "
        f"WHERE command_uuid = ? AND state IN {states.SQL_TAKEN} RETURNING device_id",
        (at, look_at, command_uuid),
    ).fetchall()
    for row in changed:
        queue_times.wake(db, row[0], at)


def to_push(db: Connection, now: float, limit: int) -> list[int]:
    """The devices that are to be pushed to now."""
    found = db.execute(
        "SELECT device_id FROM commands WHERE push_at <= ? GROUP BY device_id "
        "ORDER BY min(push_at) LIMIT ?",
        (now, limit),
    )
    return [int(row[0]) for row in found]


def called_at(db: Connection, device_id: int, now: float) -> float:
    """When the newest thing happened for which a device that is due for a push was to come: a
    command was posted, put off or left open, or it was pushed to."""
    row = db.execute(
        "SELECT max(c.posted_at), max(c.not_now_at), max(c.stalled_at), max(c.odd_at), "
        "max(d.pushed_at) "
        "FROM commands c JOIN devices d ON d.id = c.device_id "
        "WHERE c.device_id = ? AND c.push_at <= ?",
        (device_id, now),
    ).fetchone()
    return float(max(at or 0.0 for at in row))


def push_by(db: Connection, command_uuid: str, at: float) -> None:
    """Push to the command's device by then, if it is still to be pushed to."""
    db.execute(
        f"UPDATE commands SET push_at = {rows.earlier('push_at')} "
        f"WHERE command_uuid = ? AND state IN {states.SQL_ON_SERVER}",
        (at, at, command_uuid),
    )


def push_again(db: Connection, device_id: int, push_at: float | None, now: float) -> None:
    """The device was pushed to: not again before `push_at`, or not for this (None)."""
    db.execute(
        "UPDATE commands SET push_at = ? WHERE device_id = ? AND push_at <= ?",
        (push_at, device_id, now),
    )
