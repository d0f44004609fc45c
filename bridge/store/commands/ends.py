"""How commands end without an answer: cancelled, or forgotten with their enrolment."""

from __future__ import annotations

from bridge.store.commands.states import CANCELLED_FROM, SQL_NOT_IN_VIEW, Cause
from bridge.store.database import Connection
from bridge.store.devices import devices, queue_times
from bridge.store.rows import among


def forget_queue(db: Connection, device_id: int, now: float) -> None:
    """The device enrolled anew: its server's queue was cleared, and what we had ready for it was
    decided for the enrolment before. What was never posted is dropped, parked installs are in
    doubt; commands that the server took are looked for by whoever calls this.
    """
    db.execute(
        "UPDATE commands SET state = 'dropped', look_at = NULL, push_at = NULL "
        "WHERE device_id = ? AND ((state = 'ready' AND posts = 0) "
        "OR (state = 'not_now' AND install_id IS NULL))",
        (device_id,),
    )
    db.execute(
        "UPDATE commands SET state = 'in_doubt', in_doubt_at = ?, look_at = NULL, push_at = NULL "
        f"WHERE device_id = ? AND state IN {SQL_NOT_IN_VIEW}",
        (now, device_id),
    )
    queue_times.wake(db, device_id, now)


def leave_behind(db: Connection, device_id: int) -> None:
    """The device has enrolled with another server: nobody waits for what this one has of it."""
    db.execute(
        "UPDATE commands SET state = 'dropped', look_at = NULL, push_at = NULL "
        f"WHERE device_id = ? AND state IN {among(CANCELLED_FROM['nobody_waits'])}",
        (device_id,),
    )
    devices.update(db, device_id, queue_at=None)


def cancel(db: Connection, command_uuid: str, now: float, cause: Cause) -> None:
    """Nobody waits for the command any more, for this cause: it is not posted (again), though it
    may have been."""
    changed = db.execute(
        "UPDATE commands SET state = 'dropped', look_at = NULL, push_at = NULL WHERE "
        f"command_uuid = ? AND state IN {among(CANCELLED_FROM[cause])} RETURNING device_id",
        (command_uuid,),
    ).fetchall()
    for row in changed:
        queue_times.wake(db, row[0], now)
