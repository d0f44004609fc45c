"""Which commands go to an MDM server now, and which wait.

A device's queue holds `policy.install.max_open_per_device` commands that are not answered. A server
takes at most `policy.command.window` commands beyond what its queue, or an answer, showed as
stored: MicroMDM answers 201 before it stores a command, and what its memory holds dies with it.

All queues of a server that are looked at together are read by one statement each, and written so:
a fleet that gets its licences brings hundreds at once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bridge.domain.devices.setup import served_until
from bridge.domain.model import may_be_asked
from bridge.domain.pauses import Pauses
from bridge.domain.quiet_hours import next_allowed
from bridge.engine.calls import registry
from bridge.engine.commands.follow_up import LOOK_AFTER, STORE_GRACE
from bridge.engine.commands.turn import AHEAD
from bridge.engine.context import Context
from bridge.store import meta
from bridge.store.commands import commands, device_queue, releases, timers
from bridge.store.commands.device_queue import Line, Startable
from bridge.store.devices import queue_times
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
        lines = device_queue.waiting(context.db, server, context.now, min(room, LIMIT))
        started += _start(context, server, lines, room, paused, pace)
    return started


def _start(
    context: Context, server: str, lines: Sequence[Line], window: int, paused: Pauses, pace: _Pace
) -> int:
    """Start what these queues of a server, and its `window`, have room for; returns how many."""
    db = context.db
    may_go = {line.device_id: line for line in lines if _may_go(line, paused)}
    ready = _ready(context, may_go, paused)
    full = {line.device_id: True for line in lines if line.device_id not in may_go}
    going, ahead = list[tuple[str, int]](), set[str]()
    for line in may_go.values():
        left, room = window - len(going), _room(context, line)
        if left <= 0:
            break
        bursts = _bursts(context, line)
        paced = None if bursts else pace
        chosen, admitted = _choose(line, ready.get(line.device_id, ()), min(room, left), paced)
        if bursts:
            ahead.update(chosen)
        going += [(uuid, line.enrolment) for uuid in chosen]
        if admitted and (room <= left or len(chosen) < left):
            full[line.device_id] = len(chosen) >= room
    commands.posting(db, going)
    call = registry.classes()[kinds.COMMAND]
    if ahead:
        first = [uuid for uuid, _ in going if uuid in ahead]
        call.intend_all(db, server, first, now=context.now, after=-AHEAD)
    uuids = [uuid for uuid, _ in going if uuid not in ahead]
    call.intend_all(db, server, uuids, now=context.now)
    queue_times.rest(db, full, context.now)
    return len(going)


def _bursts(context: Context, line: Line) -> bool:
    """Whether a device is in Setup Assistant, where all that it is to get goes at once."""
    if line.setup_since is None:
        return False
    return context.now < served_until(line.setup_since, line.setup_free_at, context.policy)


def _room(context: Context, line: Line) -> int:
    """How many commands more a device may have open. In a burst as many as there are; but one at a
    time where it is stored before the reply: NanoMDM's file storage loses some of those that come
    for one device together."""
    if _bursts(context, line):
        if not context.abilities(line.server).stores_before_reply:
            return LIMIT
        return 0 if releases.is_posting(context.db, line.device_id) else 1
    return context.policy.install.max_open_per_device - line.length


def _may_go(line: Line, paused: Pauses) -> bool:
    """Whether anything may be sent to the device of a queue."""
    if line.enrolment_id is None or not may_be_asked(line.enrolled, line.filed_serial):
        return False
    return not (paused.all and paused.over_device(line.target))


def _ready(
    context: Context, lines: Mapping[int, Line], paused: Pauses
) -> dict[int, list[Startable]]:
    """By device, the commands that have their turn, of the queues that have room."""
    some = [device_id for device_id, line in lines.items() if _room(context, line) > 0]
    lists_since = context.now - LISTS_WAIT * context.policy.verify.first_after
    ready = device_queue.startable(context.db, some, context.now, lists_since) if some else {}
    return {
        device_id: [
            each
            for each in found
            if not _is_paused(paused, lines[device_id], each)
            and not _is_quiet(context, each)
            and (each.not_after is None or each.not_after > context.now)
        ]
        for device_id, found in ready.items()
    }


def _choose(
    line: Line, ready: Sequence[Startable], most: int, pace: _Pace | None
) -> tuple[list[str], bool]:
    """The CommandUUIDs that a queue hands out, `most` of them; and whether no install had to wait
    for its `pace`, if it has one."""
    chosen, admitted = list[str](), True
    for command in ready:
        if len(chosen) >= most:
            break
        if command.is_install:
            admitted = admitted and (pace is None or pace.admits(line.device_id))
            if not admitted:
                continue
        chosen.append(command.command_uuid)
    return chosen, admitted


def _is_paused(paused: Pauses, line: Line, command: Startable) -> bool:
    """Whether a command is for an install that is paused; questions are for the whole device."""
    if not paused.all or command.adam_id is None or command.location is None:
        return False
    over = paused.over(
        serial_number=line.target or "",
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
