"""An answer whose status nobody knows, or that has none.

MicroMDM reports it, answers 500 to the device, keeps the command and offers it again whenever the
device comes (platform/queue/queue.go; tried with a real one). So the command stays open: posted
again under another CommandUUID it would only stand in the queue twice, and an install would be made
twice. The answer that its device gives next time settles it; that it is looked for shows when
somebody has cleared the queue, or when the server did take the answer.
"""

from __future__ import annotations

import logging

from bridge.domain.backoff import nth_delay
from bridge.domain.model import Device
from bridge.domain.policy import DAY
from bridge.engine.commands import follow_up
from bridge.engine.context import Context
from bridge.store import meta
from bridge.store.commands import device_queue, left_open
from bridge.store.commands.commands import Command
from bridge.store.devices import unreadable
from bridge.store.events import Event

log = logging.getLogger(__name__)


def handle(context: Context, event: Event, status: str, device: Device, command: Command) -> str:
    """Leave the command open; returns in a few words what came of it."""
    db, policy, at = context.db, context.policy, event.received_at
    meta.count(db, "mdm.unknown_status", context.now)
    why = f"its status is unknown: {status}; its MDM server keeps the command and offers it again"
    full = device_queue.length(db, device.id) >= policy.install.max_open_per_device
    look_at = at + (policy.command.in_doubt_after if not command.odd_answers else DAY)
    times = left_open.not_taken(db, command.command_uuid, status, why, at, look_at=look_at)
    if times is None:
        return f"{command.request_type}: answered again, the first answer stands"
    if full:
        device_queue.delay(db, device.id, at + policy.command.after_connect_delay)
    waits = policy.verify.unreadable_retry
    again = command.request_type not in ("InstallApplication", "InstallMedia") or times == 1
    push_at = at + (nth_delay(waits, times) or DAY) if again else None
    left_open.push_at(db, command.command_uuid, push_at)
    left_open.push_for_others(db, device.id, command.odd_at, at + (nth_delay(waits, 1) or DAY))
    if command.install_id is None:
        unreadable.note(db, device, command.request_type, why, at)
    if times == 2:
        warn(device, command, why)
    follow_up.touch(context, command)
    return f"{command.request_type}: {why}"


def warn(device: Device, command: Command, why: str) -> None:
    """Tell in the log that a device's answers cannot be read."""
    log.warning(
        "a device answers again and again what cannot be read: %s",
        why,
        extra={
            "device_serial": device.serial_number,
            "device_udid": device.udid,
            "command_uuid": command.command_uuid,
            "request_type": command.request_type,
            "server": device.server,
        },
    )
