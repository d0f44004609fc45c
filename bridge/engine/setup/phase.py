"""When a device is in Setup Assistant: what its check-ins and answers tell of it.

Source: Apple, mdm/checkin/tokenupdate.yaml (AwaitingConfiguration), which speaks of the device
alone; a user's channel has a phase of its own, which is not ours.
"""

from __future__ import annotations

import logging

from bridge.domain.model import Device
from bridge.engine.context import Context
from bridge.store import meta
from bridge.store.commands import ends, releases
from bridge.store.devices import devices, setups
from bridge.store.installs import installs

log = logging.getLogger(__name__)

JOB = "setup"

SETTLES = 60.0
"""Seconds after its release in which a device may still say that it awaits its configuration."""


def job(device_id: int) -> str:
    """The name of the job that looks at a device in Setup Assistant."""
    return f"{JOB}:{device_id}"


def hasten(context: Context, device_id: int) -> None:
    """Something of a device in Setup Assistant has changed: see how it stands."""
    meta.hasten_job(context.db, job(device_id), context.now)


def shows_an_enrolment(device: Device, stamp: float, *, awaits: bool) -> bool:
    """Whether a TokenUpdate at `stamp` shows an enrolment of which nothing else told: who has been
    enrolled, and is in Setup Assistant nevertheless, has enrolled anew."""
    if not awaits or not device.enrolled or device.in_setup:
        return False
    if device.setup_ended_at is not None and stamp <= device.setup_ended_at + SETTLES:
        return False
    return was_enrolled(device, stamp)


def was_enrolled(device: Device, now: float) -> bool:
    """Whether a device that enrols had been enrolled before: a list of devices may just have shown
    the enrolment that is under way."""
    if device.token_stamp is not None or device.last_connect_at is not None:
        return True
    return bool(device.enrolled) and now > (device.enrolled_at or now) + SETTLES


def told(context: Context, device_id: int, at: float, *, awaits: bool, was_enrolled: bool) -> None:
    """A device's newest TokenUpdate came `at` then: it awaits its configuration or does not. Once
    it is released, it may say so for a while. `was_enrolled` as of `was_enrolled`, before it."""
    db = context.db
    device = devices.by_id(db, device_id)
    assert device is not None, "a TokenUpdate makes its device known"
    if not awaits:
        if device.in_setup:
            ended(context, device, at)
        devices.update(db, device.id, awaiting_at=None)
        return
    devices.update(db, device.id, awaiting_at=at)
    if device.setup_since is None:
        _begun(context, device, at, was_enrolled=was_enrolled)


def _begun(context: Context, device: Device, since: float, *, was_enrolled: bool) -> None:
    setups.begin(context.db, device, since, was_enrolled=was_enrolled)
    meta.count(context.db, "setup.begun", context.now)
    meta.plan_job(context.db, job(device.id), context.now)
    if device.target is not None:
        installs.touch_serials(context.db, [device.target], context.now)
    log.info(
        "the device is in Setup Assistant",
        extra={"device_serial": device.serial_number, "device_udid": device.udid},
    )


def ended(context: Context, device: Device, at: float) -> None:
    """A device has left Setup Assistant: what it is to get beside follows."""
    if not setups.end(context.db, device.id, at):
        return
    meta.count(context.db, "setup.ended", context.now)
    meta.forget_job(context.db, job(device.id))
    last = releases.newest(context.db, device.id, device.setup_since or at)
    if last is not None:
        ends.cancel(context.db, last.command_uuid, context.now, "nobody_waits")
    if device.target is not None:
        installs.touch_serials(context.db, [device.target], context.now)
    log.info(
        "the device has left Setup Assistant",
        extra={"device_serial": device.serial_number, "device_udid": device.udid},
    )
