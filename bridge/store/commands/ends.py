"""How commands end without an answer: dropped, left behind, or forgotten with their enrolment."""

from __future__ import annotations

from bridge.store.commands import device_queue
from bridge.store.database import Connection


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
        "WHERE device_id = ? AND state IN ('ready', 'not_now')",
        (now, device_id),
    )
    device_queue.wake(db, device_id, now)


def drop(db: Connection, command_uuid: str) -> None:
    """The command will not be posted (again): what it was for is settled otherwise."""
    db.execute(
        "UPDATE commands SET state = 'dropped', look_at = NULL, push_at = NULL "
        "WHERE command_uuid = ? AND state IN ('ready', 'in_doubt')",
        (command_uuid,),
    )


def abandon(db: Connection, command_uuid: str, now: float) -> None:
    """Nobody waits for the command any more: its server is not configured now, or another device
    carries the serial number. It is not posted, though it may have been."""
    changed = db.execute(
        "UPDATE commands SET state = 'dropped', look_at = NULL, push_at = NULL "
        f"WHERE command_uuid = ? AND state IN {device_queue.OPEN} RETURNING device_id",
        (command_uuid,),
    ).fetchall()
    for row in changed:
        device_queue.wake(db, row[0], now)
