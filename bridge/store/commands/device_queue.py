"""One queue a device: which commands may be started now.

A device's `queue_at` says when its queue is to be looked at: whatever may make room, or brings a
command, sets it; whoever finds nothing to start clears it.
"""

from __future__ import annotations

from dataclasses import dataclass

from bridge.store import rows
from bridge.store.commands.states import SQL_IN_QUEUE
from bridge.store.database import Connection


def waiting(db: Connection, server: str, now: float, limit: int) -> list[int]:
    """The devices of a server whose queue is to be looked at now."""
    found = db.execute(
        "SELECT id FROM devices WHERE server = ? AND queue_at <= ? ORDER BY queue_at, id LIMIT ?",
        (server, now, limit),
    )
    return [int(row[0]) for row in found]


def length(db: Connection, device_id: int) -> int:
    """How many commands of a device are on their way, and hold up others until it answers."""
    row = db.execute(
        f"SELECT count(*) FROM commands WHERE device_id = ? AND state IN {SQL_IN_QUEUE} "
        "AND stalled_at IS NULL AND missed_at IS NULL",
        (device_id,),
    ).fetchone()
    return int(row[0])


@dataclass(frozen=True, slots=True)
class Startable:
    """A command that may go next; `adam_id` and `location` are None for a question.

    `asks` is how often a person at the device was asked again until it.
    """

    command_uuid: str
    is_install: bool
    asks: int
    adam_id: str | None
    location: str | None


def startable(
    db: Connection, device_id: int, now: float, lists_since: float = float("inf")
) -> list[Startable]:
    """The ready commands of a device in the order in which they go.

    Questions go before installs, which may wait for them. But a list that was made after
    `lists_since` goes after them, so that one list tells of all that they bring.
    """
    found = db.execute(
        "SELECT c.command_uuid, c.request_type = 'InstallApplication' AS is_install, c.asks, "
        "i.adam_id, i.location FROM commands c LEFT JOIN installs i ON i.id = c.install_id "
        "WHERE c.device_id = ? AND c.state = 'ready' AND c.due_at <= ? "
        "ORDER BY CASE WHEN c.install_id IS NOT NULL THEN 1 "
        "WHEN c.request_type <> 'DeviceInformation' AND c.created_at > ? THEN 2 ELSE 0 END, "
        "coalesce(i.priority, 0) DESC, c.created_at, c.command_uuid",
        (device_id, now, lists_since),
    )
    return [rows.read(Startable, row) for row in found]


def put_off(db: Connection, command_uuid: str, due_at: float) -> None:
    """This command waits until then; the others of its queue do not."""
    db.execute("UPDATE commands SET due_at = ? WHERE command_uuid = ?", (due_at, command_uuid))


def delay(db: Connection, device_id: int, not_before: float) -> None:
    """Ready commands of a device wait until then; what waits longer already is left alone."""
    db.execute(
        "UPDATE commands SET due_at = ? WHERE device_id = ? AND state = 'ready' AND due_at < ?",
        (not_before, device_id, not_before),
    )


def servers_waiting(db: Connection, now: float) -> list[str]:
    """The servers that have a device whose queue is to be looked at now."""
    found, last = list[str](), ""
    while row := db.execute(  # from one to the next along the index, past all that waits there
        "SELECT server, queue_at FROM devices WHERE queue_at IS NOT NULL AND server > ? "
        "ORDER BY server, queue_at LIMIT 1",
        (last,),
    ).fetchone():
        last = row[0]
        found += [last] if row[1] <= now else []
    return found
