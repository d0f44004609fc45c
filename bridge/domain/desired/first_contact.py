"""What the last apply could not show: devices that were enrolled, and of which too little was
known to tell whether a rule means them.

Such a device gets nothing by a rule until another apply has shown it. One that enrolled since, or
changed since, is served at once: that is what rules are for.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from bridge.domain.desired.desired import Desired
from bridge.domain.desired.match import MATCH_KEYS
from bridge.domain.desired.roster import Roster
from bridge.domain.devices.first import First
from bridge.domain.model import Device


def unplanned(
    desired: Desired, device: Device, firsts: Mapping[str, First], applied_at: float
) -> frozenset[str]:
    """The adam ids of the apps that `device` gets now only because its first facts, learnt after
    the apply at `applied_at`, say so. `firsts` are by the name of the fact.
    """
    if device.enrolled_after is not None and device.enrolled_after > applied_at:
        return frozenset()
    late = {fact: first.value for fact, first in firsts.items() if first.at > applied_at}
    if not late:
        return frozenset()
    # Without a serial number a device was in nobody's plan, whatever else was known of it.
    hidden = MATCH_KEYS if "serial_number" in late else late.keys() & set(MATCH_KEYS)
    then = _with(device, dict.fromkeys(hidden))
    return _unknown(desired, then) & _meant(desired, _with(device, late))


def not_shown(device: Device, firsts: Mapping[str, First], applied_at: float) -> bool:
    """Whether an apply that could not read the list of the device's server did not know that the
    device was enrolled, though it may have been. `firsts` are by the name of the fact.
    """
    if device.enrolled_after is not None and device.enrolled_after > applied_at:
        return False
    serial_number = firsts.get("serial_number")
    named_since = serial_number is not None and serial_number.at >= applied_at
    return named_since or device.enrolled_at is None or device.enrolled_at >= applied_at


def _with(device: Device, facts: Mapping[str, str | None]) -> Device:
    changes: dict[str, Any] = dict(facts)
    return replace(device, **changes)


def _unknown(desired: Desired, device: Device) -> frozenset[str]:
    roster = _alone(desired, device)
    return frozenset(app.adam_id for app in desired.apps if roster.getting(app).unknown)


def _meant(desired: Desired, device: Device) -> frozenset[str]:
    roster = _alone(desired, device)
    getting = ((app.adam_id, roster.getting(app)) for app in desired.apps)
    return frozenset(adam_id for adam_id, its in getting if its.sure or its.undecided)


def _alone(desired: Desired, device: Device) -> Roster:
    return Roster(desired.meant, {device.target or "": device})
