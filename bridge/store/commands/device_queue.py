"""One queue a device: which commands may be started now.

A device's `queue_at` says when its queue is to be looked at: whatever may make room, or brings a
command, sets it; whoever finds nothing to start clears it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bridge.domain.devices.targets import ENROLMENT
from bridge.store import rows
from bridge.store.commands.states import SQL_IN_QUEUE
from bridge.store.database import Connection
from bridge.store.devices.devices import ENROLMENT_ID


@dataclass(frozen=True, slots=True)
class Line:
    """The queue of one device, or of a user's channel on one, that is to be looked at.

    `target` is by what installs name the device. `length` is how many commands are on their way,
    and hold up others until it answers them. `setup_since` is since when the device has been in
    Setup Assistant, None where it is not, and `setup_free_at` when a pause ended that held it up.
    """

    enrolled: bool | None
    device_id: int
    target: str | None
    enrolment_id: str | None
    enrolment: int
    filed_serial: str | None
    length: int
    server: str
    setup_since: float | None = None
    setup_free_at: float | None = None


_TARGET = (
    "coalesce(d.serial_number, o.serial_number, CASE WHEN d.udid IS NULL "
    f"THEN '{ENROLMENT}' || d.enrollment_id END)"
)
_ON_THEIR_WAY = f"state IN {SQL_IN_QUEUE} AND stalled_at IS NULL AND missed_at IS NULL"


def waiting(db: Connection, server: str, now: float, limit: int) -> list[Line]:
    """The queues of a server that are to be looked at now."""
    found = db.execute(
        f"SELECT d.enrolled, d.id, {_TARGET}, {ENROLMENT_ID}, d.enrolment, d.filed_serial, "
        f"(SELECT count(*) FROM commands WHERE device_id = d.id AND {_ON_THEIR_WAY}), "
        "d.server, CASE WHEN d.setup_ended_at IS NULL THEN d.setup_since END, d.setup_free_at "
        "FROM devices d LEFT JOIN devices o ON o.id = d.channel_of "
        "WHERE d.server = ? AND d.queue_at <= ? ORDER BY d.queue_at, d.id LIMIT ?",
        (server, now, limit),
    )
    return [Line(None if row[0] is None else bool(row[0]), *row[1:]) for row in found]


def length(db: Connection, device_id: int) -> int:
    """How many commands of a device are on their way, and hold up others until it answers."""
    row = db.execute(
        f"SELECT count(*) FROM commands WHERE device_id = ? AND {_ON_THEIR_WAY}", (device_id,)
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
    not_after: float | None = None
    """When it must have left, if it must."""


def startable(
    db: Connection, device_ids: Sequence[int], now: float, lists_since: float = float("inf")
) -> dict[int, list[Startable]]:
    """By device, the ready commands in the order in which they go; who has none is left out.

    Questions go before installs, which may wait for them. But a list that was made after
    `lists_since` goes after them, so that one list tells of all that they bring.
    """
    some = rows.padded(device_ids)
    found = db.execute(
        "SELECT c.device_id, c.command_uuid, "
        "c.request_type IN ('InstallApplication', 'InstallMedia'), c.asks, "
        "i.adam_id, i.location, c.not_after "
        "FROM commands c LEFT JOIN installs i ON i.id = c.install_id "
        f"WHERE c.device_id IN ({rows.marks(len(some))}) AND c.state = 'ready' AND c.due_at <= ? "
        "ORDER BY c.device_id, CASE WHEN c.install_id IS NOT NULL THEN 1 "
        "WHEN c.request_type <> 'DeviceInformation' AND c.created_at > ? THEN 2 ELSE 0 END, "
        "coalesce(i.priority, 0) DESC, c.created_at, c.command_uuid",
        (*some, now, lists_since),
    )
    ready: dict[int, list[Startable]] = {}
    for device_id, uuid, is_install, asks, adam_id, location, not_after in found:
        each = Startable(uuid, bool(is_install), asks, adam_id, location, not_after)
        ready.setdefault(device_id, []).append(each)
    return ready


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
