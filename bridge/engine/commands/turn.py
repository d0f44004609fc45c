"""When a command for a device has its turn, at the earliest."""

from __future__ import annotations

from typing import Final

from bridge.domain.devices.setup import is_served
from bridge.domain.model import Device
from bridge.engine.context import Context

AHEAD: Final = 60.0
"""Seconds by which commands for a device in Setup Assistant are due before those of others."""


def may_go_at(context: Context, device: Device) -> float:
    """A command is not posted while the server rewrites the queue of a device that connects."""
    at = context.now
    if device.last_connect_at is not None:
        at = max(at, device.last_connect_at + context.policy.command.after_connect_delay)
    return at - AHEAD if at <= context.now and _is_ahead(context, device) else at


def _is_ahead(context: Context, device: Device) -> bool:
    """Whether what a device gets goes ahead of others'."""
    return device.in_setup and is_served(device, context.policy, context.now)
