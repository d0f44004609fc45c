"""A device that moves from one MDM server to another.

A device has one MDM at a time. So who enrols at a second server has left the first, said goodbye or
not: the record there is past, what was open there is left behind, and nothing that comes from there
later (a CheckOut, a list, an answer) counts, unless it shows that the device has come back. It is
the same device by its UDID, which no server gives it. Licences, wishes and history are the serial
number's, and go on.
"""

from __future__ import annotations

import logging

from bridge.domain.model import Device
from bridge.engine.context import Context
from bridge.store import meta
from bridge.store.commands import ends
from bridge.store.devices import devices, setups
from bridge.store.installs import installs

log = logging.getLogger(__name__)

CLOCKS_APART = 60.0
"""Seconds by which the clocks of two servers may differ and still tell which message is later."""

SAME_MOMENT = 0.001


def is_back(device: Device, topic: str | None, stamp: float) -> bool:
    """Whether a message at `stamp` shows that a device talks to the server again that it had left.

    Only an enrolment is sure; anything else must be later by more than clocks differ.
    """
    if device.moved_at is None or topic == "mdm.CheckOut":
        return False
    apart = SAME_MOMENT if topic == "mdm.Authenticate" else CLOCKS_APART
    return stamp > device.moved_at + apart


def come_back(context: Context, device: Device) -> None:
    """What the record says of the enrolment is old; the message that follows enrols it."""
    devices.update(context.db, device.id, moved_to=None, moved_at=None, enrolled=None)


def note(context: Context, device_id: int, stamp: float) -> None:
    """A device is enrolled since `stamp`, by its server's clock: it has left all others."""
    device = devices.by_id(context.db, device_id)
    if device is None or device.udid is None:
        return
    for other in devices.elsewhere(context.db, device):
        leave(context, other, device, stamp)


def leave(context: Context, past: Device, device: Device, stamp: float) -> None:
    """`past` and `device` are one device, which is enrolled as the latter since `stamp`."""
    db = context.db
    devices.inherit(db, device, past)
    devices.update(db, past.id, enrolled=0, moved_to=device.server, moved_at=stamp)
    ends.leave_behind(db, past.id)
    setups.forget(db, past, was_enrolled=True)
    meta.count(db, "device.moved", context.now)
    numbers = {each for each in (past.serial_number, device.serial_number) if each is not None}
    installs.touch_serials(db, sorted(numbers), context.now)
    log.info(
        "the device has moved here from %s",
        past.server,
        extra={"device_udid": device.udid, "server": device.server},
    )
