"""Deciding when a device may leave Setup Assistant: a pure function of its installs and the time.

It waits for its required apps, and that what is to be sent there was sent. A pause of an app or a
location holds no device up: what it keeps back is not waited for.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bridge.domain.devices.setup import served_until, takes_installs
from bridge.domain.installs.options import Options
from bridge.domain.model import Device, Install
from bridge.domain.pauses import Pause, Pauses
from bridge.domain.policy import Policy

_NOT_COMING = frozenset({"NO_SEAT", "NOT_PURCHASED", "PAUSED", "DEVICE_SILENT", "ASSET_UNREADABLE"})
"""Reasons of apps whose licence nobody is getting now."""


@dataclass(frozen=True, slots=True)
class Standing:
    """How a device in Setup Assistant stands, which is there `since` then and released at `until`
    at the latest (seconds since the epoch).

    `missing` are the required apps that are not there, `unsent` the others that are yet to be sent
    to it there. `groups_known` says whether it told all that its groups depend on, `held` the pause
    that keeps everything from it.
    """

    since: float
    until: float
    missing: tuple[Install, ...]
    unsent: tuple[Install, ...]
    groups_known: bool
    held: Pause | None

    @property
    def is_ready(self) -> bool:
        """Whether all its required apps are there."""
        return self.groups_known and not self.missing

    def may_go(self, now: float) -> bool:
        """Whether it is to be let out now."""
        if self.held is not None:
            return False
        return now >= self.until or (self.is_ready and not self.unsent)


def standing(
    device: Device,
    installs: Sequence[Install],
    policy: Policy,
    paused: Pauses,
    *,
    groups_known: bool,
) -> Standing:
    """How a device that is in Setup Assistant stands, by its installs as they were decided."""
    assert device.setup_since is not None, "only of a device in Setup Assistant"
    waited_for = [each for each in installs if _concerns(device, each, paused)]
    missing = tuple(each for each in waited_for if _is_missing(each))
    unsent = tuple(
        each for each in waited_for if each not in missing and _is_unsent(each, device.setup_all)
    )
    return Standing(
        since=device.setup_since,
        until=served_until(device.setup_since, device.setup_free_at, policy),
        missing=missing,
        unsent=unsent,
        groups_known=groups_known,
        held=paused.over_device(device.target),
    )


def _concerns(device: Device, install: Install, paused: Pauses) -> bool:
    """Whether an install may be waited for at all."""
    if not install.desired or not takes_installs(device):
        return False
    options = Options.from_text(install.options)
    if options.mode != "install" or not (device.setup_all or options.setup != "none"):
        return False
    over = paused.over(
        serial_number=install.target, adam_id=install.adam_id, location=install.location
    )
    return over is None or over.scope not in ("app", "location")


def _is_missing(install: Install) -> bool:
    options = Options.from_text(install.options)
    needs_user = install.client_user_id is not None
    return options.setup == "required" and not needs_user and install.state != "installed"


def _is_unsent(install: Install, is_known: bool) -> bool:
    """Whether it is to be sent yet; what a device that `is_known` lacks its licence for is waited
    for, as long as somebody is getting it."""
    if install.state == "sending":
        return True
    if not is_known or install.reason in _NOT_COMING:
        return False
    return install.state in ("associating", "licensed") or (
        install.state == "waiting" and install.on_hold is None
    )
