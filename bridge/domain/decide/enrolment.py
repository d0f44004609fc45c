"""Deciding for a device that is not enrolled: what is known of it."""

from __future__ import annotations

from bridge.domain.decision import Decision
from bridge.domain.facts import Facts


def not_enrolled(facts: Facts) -> Decision:
    """Nothing is asked for, and nothing sent, before a device is enrolled."""
    return Decision("waiting", "NOT_ENROLLED", _what_is_known(facts))


def _what_is_known(facts: Facts) -> str:
    device = facts.device
    if device is None:
        return "no MDM server has shown it with this serial number"
    if device.is_enrolling:
        return f"it began to enrol with {device.server}, and its TokenUpdate has not come yet"
    if device.checkout_stamp is not None:
        return f"it left {device.server} (CheckOut)"
    return f"{device.server} knows it, and does not show it as enrolled"
