"""Which commands go to an MDM server now, and which wait.

A device's queue holds `policy.install.max_open_per_device` commands that are not answered. A server
takes at most `policy.command.window` commands beyond what its queue, or an answer, showed as
stored: MicroMDM answers 201 before it stores a command, and what its memory holds dies with it.
"""

from __future__ import annotations

from bridge.domain.model import Device
from bridge.domain.pauses import Pauses
from bridge.domain.quiet_hours import next_allowed
from bridge.engine.calls import registry
from bridge.engine.commands.follow_up import LOOK_AFTER, STORE_GRACE
from bridge.engine.context import Context
from bridge.store import meta
from bridge.store.commands import commands, device_queue, timers
from bridge.store.commands.device_queue import Startable
from bridge.store.devices import devices, queue_times
from bridge.store.outbox import kinds

LIMIT = 200
"""Devices taken up in one transaction."""

LISTS_WAIT = 8.0
"""For so many times `policy.verify.first_after`, a list lets the installs of its device by that
wait as well: then it tells of all of them, and each list costs two webhooks."""

NEXT_INSTALL_AT = "next_install_at"


def start(context: Context, paused: Pauses) -> int:
    """Hand commands whose queue has room to the outbox, save what is paused; returns how many."""
    started, pace = 0, _Pace(context)
    for server in device_queue.servers_waiting(context.db, context.now):
        room = context.policy.command.window - timers.unseen(context.db, server)
        if room <= 0:
            after = LOOK_AFTER if context.abilities(server).queue_view else STORE_GRACE
            timers.look_at_newest(context.db, server, after, STORE_GRACE)
            continue
        for device_id in device_queue.waiting(context.db, server, context.now, min(room, LIMIT)):
            begun = _start_for(context, device_id, room, paused, pace)
            started, room = started + begun, room - begun
            if room <= 0:
                break
    return started


def _start_for(context: Context, device_id: int, window: int, paused: Pauses, pace: _Pace) -> int:
    """Start what a device's queue, and its server's `window`, have room for."""
    device = devices.by_id(context.db, device_id)
    gone = device is None or device.enrolment_id is None or not device.may_be_asked
    if device is None or gone or (paused.all and paused.over_device(device.serial_number)):
        queue_times.rest(context.db, device_id, context.now, full=True)
        return 0
    started = 0
    room = context.policy.install.max_open_per_device - device_queue.length(context.db, device_id)
    lists_since = context.now - LISTS_WAIT * context.policy.verify.first_after
    ready = (
        device_queue.startable(context.db, device_id, context.now, lists_since) if room > 0 else []
    )
    going = [
        each
        for each in ready
        if not _is_paused(paused, device, each) and not _is_quiet(context, each)
    ]
    admitted = True
    for command in going:
        if started >= min(room, window):
            break
        if command.is_install:
            admitted = admitted and pace.admits(device_id)
            if not admitted:
                continue
        started += 1
        commands.posting(context.db, command.command_uuid, device.enrolment)
        uuid = command.command_uuid
        registry.classes()[kinds.COMMAND].intend(
            context.db, device.server, key=uuid, subject=uuid, now=context.now
        )
    if admitted and (room <= window or started < window):
        queue_times.rest(context.db, device_id, context.now, full=started >= room)
    return started


def _is_paused(paused: Pauses, device: Device, command: Startable) -> bool:
    """Whether a command is for an install that is paused; questions are for the whole device."""
    if not paused.all or command.adam_id is None or command.location is None:
        return False
    over = paused.over(
        serial_number=device.serial_number or "",
        adam_id=command.adam_id,
        location=command.location,
    )
    return over is not None


def _is_quiet(context: Context, command: Startable) -> bool:
    """Whether a command that asks a person again has its turn in quiet hours: it waits for their
    end, and lets others by."""
    if not command.asks:
        return False
    due_at = next_allowed(context.now, context.policy)
    if due_at > context.now:
        device_queue.put_off(context.db, command.command_uuid, due_at)
    return due_at > context.now


class _Pace:
    """The pace of `policy.install.max_per_minute`, during one look at the queues.

    What a device downloads weighs on its network, so all servers share one pace.
    """

    def __init__(self, context: Context) -> None:
        self._context = context
        per_minute = context.policy.install.max_per_minute
        self._gap = 60.0 / per_minute if per_minute is not None else 0.0
        self._refused = 0

    def admits(self, device_id: int) -> bool:
        """Take the next place, if it has come.

        If not, the device's queue is looked at again later: each at another place, so that few are
        looked at in vain when one comes.
        """
        if not self._gap:
            return True
        now = self._context.now
        next_at = float(meta.recall(self._context.db, NEXT_INSTALL_AT) or 0.0)
        if next_at > now:
            queue_times.postpone(self._context.db, device_id, next_at + self._refused * self._gap)
            self._refused += 1
            return False
        meta.keep(self._context.db, NEXT_INSTALL_AT, str(max(next_at, now) + self._gap))
        return True
