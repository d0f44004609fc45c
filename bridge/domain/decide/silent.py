"""Devices of which nothing was heard for long: nothing is sent to them, but for a push a week."""

from __future__ import annotations

from typing import Final

from bridge.domain.decision import CancelAttempt, Decision, LeaveLine, Step, Wake
from bridge.domain.facts import Facts
from bridge.domain.policy import DAY, Policy

_NEEDS_THE_DEVICE: Final = (
    "licensed",
    "sending",
    "sent",
    "acknowledged",
    "installing",
    "removing",
)
_NO_DEVICE: Final = ("LICENSED", "RELEASING", "RELEASE_WAITS", "RELEASE_RETRY")


def silent_at(facts: Facts, policy: Policy) -> float | None:
    """When its device counts as silent if nothing is heard of it; None for one that never was seen.

    A decision is looked at then, but nothing that anybody waits for happens.
    """
    seen_at = facts.device.last_seen_at if facts.device is not None else None
    return None if seen_at is None else seen_at + policy.device.silent_after


def unless_silent(facts: Facts, policy: Policy, now: float, decision: Decision) -> Decision:
    """Nothing is sent to a device that has been silent for long, and no seat is taken for it.

    It is pushed to all the same, rarely: a device comes only if it is called, so that one to which
    nothing was sent for long is silent although nothing is wrong with it.
    """
    silent_from = silent_at(facts, policy)
    reachable = facts.device is not None and facts.device.is_reachable
    for_the_device = decision.state in _NEEDS_THE_DEVICE and decision.reason not in _NO_DEVICE
    waits = decision.reason in ("SEAT_PENDING", "NO_SEAT") or (
        decision.reason == "PLATFORM_UNKNOWN" and reachable
    )
    if silent_from is None or not (for_the_device or waits):
        return decision
    if now < silent_from:
        return decision.looked_at_by(silent_from)
    steps: tuple[Step, ...] = tuple(
        step for step in decision.steps if isinstance(step, CancelAttempt | LeaveLine)
    )
    days = int((now - silent_from + policy.device.silent_after) // DAY)
    recheck_at = None
    if reachable:
        push_at = _push_at(facts, policy, silent_from)
        recheck_at = push_at
        if push_at <= now:
            # Where the push cannot be sent, the next try is sooner than in a week.
            steps, recheck_at = (*steps, Wake()), now + policy.command.push_expiration
    return Decision("waiting", "DEVICE_SILENT", f"for {days} days", steps, recheck_at)


def _push_at(facts: Facts, policy: Policy, silent_from: float) -> float:
    """When it is to be pushed to next."""
    pushed_at = facts.device.pushed_at if facts.device is not None else None
    return silent_from if pushed_at is None else pushed_at + policy.device.silent_push_every
