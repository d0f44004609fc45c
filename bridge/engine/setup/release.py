"""Looking after a device in Setup Assistant: what it waits for, and when it is let out."""

from __future__ import annotations

import logging

from bridge.domain.backoff import doubling
from bridge.domain.devices.release import Standing
from bridge.domain.model import IN_DEVICE_QUEUE, Device
from bridge.domain.policy import HOUR
from bridge.engine.calls import registry
from bridge.engine.commands import uuids
from bridge.engine.commands.follow_up import SURELY_STORED
from bridge.engine.context import Context
from bridge.engine.decide.reconcile import ask
from bridge.engine.setup import phase
from bridge.engine.setup.standing import standing_of
from bridge.store import meta
from bridge.store.commands import commands, releases, timers
from bridge.store.commands.commands import New
from bridge.store.devices import devices, queue_times, setups
from bridge.store.outbox import kinds

log = logging.getLogger(__name__)

LOOK_EVERY = 30.0
"""Seconds between two looks at a device in Setup Assistant, if nothing of it changes meanwhile."""

POSTED_WITHIN = 0.05
"""Seconds between two looks while one is being posted, so that the next follows."""

LEAVES_WITHIN = 2.0
"""Seconds between two looks while commands for the device are yet to leave."""

REPEAT_AFTER = 60.0
"""Seconds after which a device that did not take its release is woken, or released once more; then
twice as long, and so on up to REPEAT_AT_MOST."""

REPEAT_AT_MOST = HOUR


def look(context: Context, device_id: int) -> None:
    """See how a device in Setup Assistant stands, and let it out when it is time."""
    device = devices.by_id(context.db, device_id)
    if device is None or not device.in_setup or device.moved_to is not None:
        meta.forget_job(context.db, phase.job(device_id))
        return
    stands = standing_of(context, device)
    _tell(context, device, stands)
    if not stands.groups_known and stands.held is None:
        ask(context, device, "DeviceInformation")
    next_at = _let_out(context, device, stands)
    if releases.is_posting(context.db, device.id):
        next_at = min(next_at, context.now + POSTED_WITHIN)
    elif stands.held is None and releases.is_leaving(context.db, device.id):
        queue_times.wake(context.db, device.id, context.now)
        next_at = min(next_at, context.now + LEAVES_WITHIN)
    elif context.abilities(device.server).queue_view:
        releases.look_soon(context.db, device.id, context.now + SURELY_STORED)
    meta.plan_job(context.db, phase.job(device.id), next_at)


def _tell(context: Context, device: Device, stands: Standing) -> None:
    """Say it once when all required apps are there."""
    at = context.now if stands.is_ready else None
    if setups.ready(context.db, device.id, at) and stands.is_ready:
        meta.count(context.db, "setup.ready", context.now)
        log.info(
            "the required apps of a device in Setup Assistant are there",
            extra={"device_serial": device.serial_number, "device_udid": device.udid},
        )


def _let_out(context: Context, device: Device, stands: Standing) -> float:
    """Release the device if it is time and ours to do; returns when to look again."""
    now = context.now
    soon = min(stands.until, now + LOOK_EVERY) if now < stands.until else now + LOOK_EVERY
    if not context.abilities(device.server).releases_setup or not stands.may_go(now):
        return soon
    last = releases.newest(context.db, device.id, stands.since)
    if last is None or last.state == "dropped":
        _send(context, device)
        return now + REPEAT_AFTER
    start = last.created_at if last.answered_at is None else last.answered_at
    wait = min(REPEAT_AFTER * 2.0 ** (last.count - 1), REPEAT_AT_MOST)
    if last.state in IN_DEVICE_QUEUE:
        timers.push_by(context.db, last.command_uuid, max(start + REPEAT_AFTER, now))
        return doubling(start, now, REPEAT_AFTER, REPEAT_AT_MOST)
    if now < start + wait:
        return start + wait
    _send(context, device)
    return now + REPEAT_AFTER


def _send(context: Context, device: Device) -> None:
    """Have DeviceConfigured sent: it does no harm to a device that is out by now."""
    command_uuid = uuids.new(context.now)
    command = New(
        command_uuid=command_uuid,
        server=device.server,
        device_id=device.id,
        install_id=None,
        request_type="DeviceConfigured",
        enrolment=device.enrolment,
        due_at=context.now,
    )
    if not commands.make(context.db, [command], context.now):
        return
    commands.posting(context.db, [(command_uuid, device.enrolment)])
    registry.classes()[kinds.RELEASE].intend(
        context.db, device.server, key=command_uuid, subject=command_uuid, now=context.now
    )
    meta.count(context.db, "setup.released", context.now)
    log.info(
        "the device is let out of Setup Assistant",
        extra={"device_serial": device.serial_number, "command_uuid": command_uuid},
    )
