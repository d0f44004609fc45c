"""When a device is asked for its apps: at once, at doubled gaps, or now and then.

A list of managed apps tells of nearly everything; an app that is not to be managed, which only a
Mac can have, shows in the list of installed apps alone.
"""

from __future__ import annotations

from dataclasses import replace

from bridge.domain.backoff import doubling, next_step
from bridge.domain.decision import AskApps, AskInstalled, Decision
from bridge.domain.devices.setup import is_served
from bridge.domain.devices.unreadable import Unheard, Unreadable
from bridge.domain.facts import DeviceFacts
from bridge.domain.model import Device
from bridge.domain.policy import DAY, Policy

IN_SETUP_EVERY = 30.0
"""Seconds between two lists, at most, while a device waits for its apps in Setup Assistant."""


def asking(facts: DeviceFacts, policy: Policy, now: float, decision: Decision) -> Decision:
    """`decision`, and the device is asked for the list that could show the app.

    A device that lately would not list its apps, or whose lists cannot be read, is asked again at
    growing intervals.
    """
    decision = or_unreadable(unread_lists(facts), decision)
    if facts.is_unmanaged:
        return asking_installed(facts, policy, now, decision)
    device = facts.device
    if facts.list_open:
        return decision
    due = _later(
        _after_refusal(device, policy, device.apps_refused_at, device.apps_listed_at),
        after_unreadable(facts, policy, facts.list_unread, facts.list_unheard),
    )
    if due is not None and now < due:
        return decision.looked_at_by(due)
    return replace(decision, steps=(*decision.steps, AskApps()))


def asking_installed(
    facts: DeviceFacts, policy: Policy, now: float, decision: Decision
) -> Decision:
    """As `asking`, for the list of installed apps; without a bundle id there is nothing to ask."""
    if facts.installed_open or facts.bundle_id is None:
        return decision
    device = facts.device
    last = facts.installed.reported_at if facts.installed else None
    due = _later(
        _after_refusal(device, policy, device.installed_refused_at, last),
        after_unreadable(facts, policy, facts.installed_unread, facts.installed_unheard),
    )
    if due is not None and now < due:
        return decision.looked_at_by(due)
    return replace(decision, steps=(*decision.steps, AskInstalled()))


_WAITS_FOR_THE_ANSWER = frozenset(
    {
        *("PLATFORM_UNKNOWN", "FACTS_FIRST", "LIST_FIRST", "COMMAND_IN_DOUBT", "NOT_ANSWERED"),
        *("ACKNOWLEDGED", "INSTALLING", "NOT_SEEN", "APP_MISSING", "REMOVING"),
        "WAS_INSTALLED",
    }
)
"""Reasons of installs that go on when the device has told; of others it tells by the way."""


def unread_lists(facts: DeviceFacts) -> Unreadable | None:
    """The lists of late that could have shown the app and could not be read."""
    return facts.installed_unread if facts.is_unmanaged else facts.list_unread


def refuses_lists(facts: DeviceFacts) -> bool:
    """Whether the device last said that it would not give the list that could show the app."""
    device = facts.device
    refused = device.installed_refused_at if facts.is_unmanaged else device.apps_refused_at
    return refused is not None and refused > (facts.listed_at or 0.0)


def or_unreadable(unread: Unreadable | None, decision: Decision) -> Decision:
    """`decision`, or the same with the reason that what it waits for comes and cannot be read."""
    if unread is None or not unread.is_lasting or decision.reason not in _WAITS_FOR_THE_ANSWER:
        return decision
    kept = decision.state in ("waiting", "licensed", "removing")
    state = decision.state if kept else "unconfirmed"
    return replace(decision, state=state, reason="ANSWER_UNREADABLE", detail=unread.why)


def after_unreadable(
    facts: DeviceFacts, policy: Policy, *failed: Unreadable | Unheard | None
) -> float | None:
    """When a device whose newest answers could not be read, or never came, is asked again; another
    round of the install, after a `retry`, does not wait for that."""
    round_at = facts.install.round_at
    return _later(
        *(each.ask_again_at(policy.verify) for each in failed if each and each.last_at >= round_at)
    )


def _later(*moments: float | None) -> float | None:
    return max((moment for moment in moments if moment is not None), default=None)


def _after_refusal(
    device: Device, policy: Policy, refused_at: float | None, listed: float | None
) -> float | None:
    """When a device that refused a list since the last one is asked again."""
    if refused_at is None or refused_at <= (listed or 0.0):
        return None
    start = listed or device.enrolled_at or refused_at
    return doubling(start, refused_at, policy.verify.first_after, policy.verify.at_most)


def look_again(facts: DeviceFacts, policy: Policy, now: float, decision: Decision) -> Decision:
    """`decision`, with a list asked for when the last one is as old as policy says."""
    due = (facts.listed_at or now) + policy.verify.installed_every
    if now >= due:
        return asking(facts, policy, now, decision)
    return decision.looked_at_by(due)


def ask_in_steps(
    facts: DeviceFacts, policy: Policy, now: float, decision: Decision, start: float
) -> Decision:
    """`decision`, with lists asked for at the steps of `policy.verify.unreadable_retry` since
    `start`, then daily: of a device that does not tell in the usual way."""
    last = max(start, facts.listed_at or start)
    due = next_step(start, last, policy.verify.unreadable_retry, each=1, last=DAY)
    if now >= due:
        return asking(facts, policy, now, decision)
    return decision.looked_at_by(due)


def ask_in_time(
    facts: DeviceFacts, policy: Policy, now: float, decision: Decision, start: float
) -> Decision:
    """`decision`, with lists asked for at doubled gaps since `start`.

    Whatever list came last counts, so that all apps of a device share one.
    """
    last = max(start, facts.listed_at or start)
    at_most = policy.verify.at_most
    if facts.device.in_setup and is_served(facts.device, policy, now):
        at_most = min(at_most, IN_SETUP_EVERY)
    due = doubling(start, last, policy.verify.first_after, at_most)
    soonest = decision.recheck_at
    if now >= due:
        asked = asking(facts, policy, now, replace(decision, recheck_at=None))
        decision, due = asked, asked.recheck_at or float("inf")
    if decision.state in ("acknowledged", "installing"):
        due = min(due, start + policy.verify.unconfirmed_after)
    due = min(due, soonest or due)
    return replace(decision, recheck_at=None if due == float("inf") else due)
