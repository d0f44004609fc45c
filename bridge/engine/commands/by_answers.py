"""Following commands up by time and by what devices answer, where no queue can be looked at.

Such a server hands a device's commands out in order, and keeps each until it is answered. So one
that its device left open when it came is in doubt; then the device is asked for its apps. That list
stands behind the command in the queue: once it is answered, the command is no longer there, and an
app that the list does not show will not come.
"""

from __future__ import annotations

from bridge.domain.model import Device
from bridge.domain.policy import DAY
from bridge.engine.commands import follow_up
from bridge.engine.commands.follow_up import STORE_GRACE
from bridge.engine.context import Context
from bridge.store.commands import commands, timers
from bridge.store.commands.commands import Command


def look(context: Context, device: Device) -> None:
    """Take up what the server holds for one device, as far as it is time."""
    for command in commands.on_server(context.db, device.id):
        if command.look_at is not None and command.look_at <= context.now:
            _look(context, device, command)


def _look(context: Context, device: Device, command: Command) -> None:
    """What waits for a device that does not come, waits; pushes call it, the first one now: it may
    have answered unheard, and then comes for nothing else."""
    policy, now = context.policy.command, context.now
    came_at = command.offered_at
    patience = STORE_GRACE if command.suspect else policy.in_doubt_after
    left_open_at = None if came_at is None else came_at + patience
    was_cleared = command.enrolment != device.enrolment  # an Authenticate empties the queue
    if not was_cleared and _is_kept(command, device, policy.in_doubt_after):
        timers.look_again(context.db, command.command_uuid, now + DAY)
        return
    if was_cleared or (left_open_at is not None and now >= left_open_at):
        again_at = follow_up.waits_for_webhooks(context, command.server, left_open_at or now)
        if was_cleared or again_at is None:
            follow_up.doubt(context, command)
        else:
            timers.look_again(context.db, command.command_uuid, again_at)
        return
    posted_at = command.posted_at or command.created_at
    if command.state == "posted" and now < posted_at + STORE_GRACE:
        timers.look_again(context.db, command.command_uuid, posted_at + STORE_GRACE)
        return
    timers.stored_up_to(context.db, command.server, posted_at, now + policy.in_doubt_after)
    commands.queued(context.db, command.command_uuid, look_at=left_open_at, push_at=now)
    if came_at is None:
        timers.push_by(context.db, command.command_uuid, now)


def _is_kept(command: Command, device: Device, patience: float) -> bool:
    """Whether the server keeps it for an odd status (engine/intake/odd_status.py), as far as known:
    whoever comes for commands answers it alike once more."""
    if command.odd_at is None:
        return False
    return (device.last_connect_at or 0.0) < command.odd_at + patience
