"""Deciding for a device that has not said what it is, where that must be known first."""

from __future__ import annotations

from dataclasses import replace

from bridge.domain.decide.answer import until_it_tells
from bridge.domain.decision import AskFacts, Decision
from bridge.domain.devices.asking import after_unreadable, or_unreadable
from bridge.domain.devices.platforms import platform_of
from bridge.domain.facts import DeviceFacts, Facts
from bridge.domain.policy import Policy


def ask_what_it_is(facts: DeviceFacts, policy: Policy, now: float, decision: Decision) -> Decision:
    """`decision`, which waits until the device has said what it is."""
    decision = or_unreadable(facts.facts_unread, decision)
    due = after_unreadable(facts, policy, facts.facts_unread, facts.facts_unheard)
    if due is not None and now < due:
        decision = replace(decision, recheck_at=due)
    else:
        decision = replace(decision, steps=(AskFacts(),))
    return until_it_tells(facts, policy, now, decision, facts.facts_unread)


def platform_unknown(facts: Facts, policy: Policy, now: float) -> Decision:
    """How the app is desired depends on a platform that nobody knows: the device is asked what it
    is. One that did not tell, or is new to the bridge, is asked again now and then."""
    waits = Decision("waiting", "PLATFORM_UNKNOWN")
    if not isinstance(facts, DeviceFacts) or not facts.device.is_reachable:
        return replace(waits, detail="it is not enrolled, and tells what it is when it enrols")
    device = facts.device
    if platform_of(device.product_name) is not None:
        return Decision("waiting", "NOT_PLANNED")  # what began before stays until an apply shows it
    if not device.is_described:
        return ask_what_it_is(facts, policy, now, replace(waits, detail="it is asked what it is"))
    detail = "it was asked what it is and did not tell"
    if device.product_name is not None:
        detail = f"its product, {device.product_name}, is of no platform that the bridge knows"
    every = policy.device.ask_facts_every
    if every is None:
        return replace(waits, detail=detail)
    due = (device.facts_at or device.enrolled_at or now) + every
    if now < due:
        return replace(waits, detail=detail, recheck_at=due)
    return replace(waits, detail=detail, steps=(AskFacts(),))
