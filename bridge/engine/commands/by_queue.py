"""Following commands up by a server's queue: what it shows waits, what it does not show is missed.

For servers with the ability `queue_view`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from bridge.domain.backoff import doubling
from bridge.domain.lag import BEHIND
from bridge.domain.model import Device
from bridge.domain.policy import DAY
from bridge.engine.calls import registry
from bridge.engine.commands import follow_up
from bridge.engine.commands.follow_up import LOOK_AFTER, STORE_GRACE
from bridge.engine.context import Context
from bridge.store.catalog import apps
from bridge.store.commands import commands, timers, unknown
from bridge.store.commands.commands import Command
from bridge.store.commands.unknown import UnknownCommand
from bridge.store.devices import devices
from bridge.store.outbox import kinds
from bridge.wire.queued_command import AppCommand

AHEAD = 60.0
"""Seconds by which a look is due before the commands that stand in line with it: what it shows
makes room for others."""

LOOK_AT_MOST = 6 * 3600.0
"""Longest wait between two looks for a command that waits in a queue."""


def take_up(context: Context, device: Device) -> None:
    """Take up what is due of one device. Of what was missed in the queue before only the webhooks
    tell, which may be behind; all else is looked for."""
    due = [
        command
        for command in commands.on_server(context.db, device.id)
        if command.look_at is not None and command.look_at <= context.now
    ]
    missed = [(command, command.missed_at) for command in due if command.missed_at is not None]
    for command, at in missed:
        _miss(context, command, at)
    if len(missed) < len(due):
        look(context, device)


def look(context: Context, device: Device) -> None:
    """Have the server's queue looked at for one device."""
    name = str(device.id)
    registry.classes()[kinds.QUEUE].intend(
        context.db, device.server, key=name, subject=name, now=context.now, after=-AHEAD
    )
    # What is seen plans the next look; this only keeps the clock from asking meanwhile.
    timers.looking(context.db, device.id, context.now + context.policy.command.in_doubt_after)


def seen(context: Context, device_id: int, listed: Collection[str], began_at: float) -> None:
    """The queue was read, from `began_at` on, and showed these CommandUUIDs."""
    for command in commands.on_server(context.db, device_id):
        if command.command_uuid in listed:
            _queued(context, command, began_at)
        else:
            _unlisted(context, command, began_at)


def strangers(
    context: Context, device_id: int, shown: Mapping[str, AppCommand], began_at: float
) -> None:
    """The queue showed these commands for apps that the bridge has not sent, by CommandUUID."""
    device = devices.by_id(context.db, device_id)
    target = device.target if device is not None else None
    named = apps.by_bundle_id(context.db, {c.bundle_id for c in shown.values() if c.bundle_id})
    found = [
        UnknownCommand(
            device_id,
            uuid,
            target or "",
            each.adam_id or named.get(each.bundle_id or "", ""),
            each.request_type,
            began_at,
        )
        for uuid, each in shown.items()
    ]
    unknown.keep(context.db, device_id, target, found)


def _unlisted(context: Context, command: Command, began_at: float) -> None:
    """Not stored yet, or taken by the device and about to be answered, or lost."""
    posted_at, doubt_at = command.posted_at or command.created_at, _doubt_at(context, command)
    early = posted_at + follow_up.look_within(context, command.server)
    if began_at >= min(doubt_at, early):
        _miss(context, command, command.missed_at or began_at)
    elif began_at >= posted_at + STORE_GRACE:
        timers.stored_up_to(context.db, command.server, posted_at, doubt_at)
    else:
        age = max(began_at - posted_at, LOOK_AFTER)
        next_look = min(doubt_at, posted_at + STORE_GRACE, began_at + age)
        timers.look_again(context.db, command.command_uuid, next_look)


def _doubt_at(context: Context, command: Command) -> float:
    """From when on a command that no queue shows is in doubt, if no webhook tells before."""
    posted_at = command.posted_at or command.created_at
    patience = context.policy.command.in_doubt_after
    return posted_at + (min(patience, STORE_GRACE) if command.suspect else patience)


def _miss(context: Context, command: Command, at: float) -> None:
    """It was missed then: its device had answered it, or the server lost it. An answer would be
    among the webhooks that the server had to send by then. It holds up no other command."""
    doubt_at = _doubt_at(context, command)
    if command.suspect:  # in doubt so soon that an answer may be on its way for as long
        doubt_at = max(doubt_at, at + BEHIND)
    again_at = follow_up.waits_for_webhooks(context, command.server, at, until=doubt_at)
    if again_at is None:
        follow_up.doubt(context, command)
    elif command.missed_at is not None:
        timers.look_again(context.db, command.command_uuid, again_at)
    else:
        posted_at = command.posted_at or command.created_at
        timers.stored_up_to(context.db, command.server, posted_at, doubt_at)
        timers.missed(context.db, command.command_uuid, at, again_at)


def _queued(context: Context, command: Command, began_at: float) -> None:
    """It waits for its device. One that came and left it open may do so for ever: MicroMDM
    keeps an answer that it cannot read from everybody (micromdm issue 1040). What the device
    answers shows by itself, so that such a command is looked for once a day only, lest somebody
    cleared the queue."""
    policy = context.policy.command
    left_open = (
        command.offered_at is not None and began_at >= command.offered_at + policy.in_doubt_after
    )
    if left_open and command.stalled_at is None:
        follow_up.stall(context, command)
    is_stalled = left_open or command.stalled_at is not None
    posted_at = command.posted_at or command.created_at
    timers.stored_up_to(context.db, command.server, posted_at, context.now + policy.in_doubt_after)
    commands.queued(
        context.db,
        command.command_uuid,
        look_at=context.now + DAY
        if is_stalled
        else doubling(
            posted_at, context.now, follow_up.look_within(context, command.server), LOOK_AT_MOST
        ),
        push_at=None if is_stalled else max(posted_at + policy.repush_after, context.now),
    )
