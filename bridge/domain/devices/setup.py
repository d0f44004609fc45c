"""Devices in Setup Assistant: until when they are served there, and what they can take there."""

from __future__ import annotations

from typing import Final

from bridge.domain.desired.versions import fulfils
from bridge.domain.devices.platforms import platform_of
from bridge.domain.model import Device
from bridge.domain.policy import MINUTE, Policy

AFTER_A_PAUSE: Final = MINUTE
"""Seconds in which what a pause held up is still sent before a release that is overdue."""

_INSTALLS_SINCE: Final = "16"
"""Source: Apple, "Install Application": iOS and tvOS answer NotNow in Setup Assistant before."""


def served_until(since: float, free_at: float | None, policy: Policy) -> float:
    """Until when a device that is in Setup Assistant `since` then is served there ahead of others;
    `free_at` is when the last pause ended that held its release up."""
    until = since + policy.setup.deadline
    return until if free_at is None else max(until, free_at + AFTER_A_PAUSE)


def deadline(device: Device, policy: Policy) -> float | None:
    """When it is released whatever it lacks; None for a device that is not in Setup Assistant."""
    if device.setup_since is None or device.setup_ended_at is not None:
        return None
    return served_until(device.setup_since, device.setup_free_at, policy)


def is_served(device: Device, policy: Policy, now: float) -> bool:
    """Whether it is to get its apps in Setup Assistant now."""
    until = deadline(device, policy) if device.in_setup else None
    return until is not None and now < until


def takes_installs(device: Device) -> bool:
    """Whether it installs apps in Setup Assistant: the supervised, of iOS and tvOS from 16 on. What
    it did not say is taken to be so. Source: Apple, "Install Application"."""
    if device.supervised is False:
        return False
    if platform_of(device.product_name) not in ("iOS", "tvOS") or device.os_version is None:
        return True
    return not fulfils(device.os_version, f"<{_INSTALLS_SINCE}")
