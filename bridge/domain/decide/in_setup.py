"""Deciding for a device in Setup Assistant: all that it is to get there goes at once.

Neither a list nor facts are waited for, and no other device goes first. What is not for Setup
Assistant waits until it is over. A device that was known before loses what is not sent to it there
(Apple, Return to Service and migration with app preservation), so that it gets all its apps, also
those that it lists.
"""

from __future__ import annotations

from dataclasses import replace

from bridge.domain.decide import settings
from bridge.domain.decide.attempt import as_the_attempt_stands
from bridge.domain.decide.listed import as_the_device_says
from bridge.domain.decision import AskFacts, Decision, PostAgain, SendInstall
from bridge.domain.devices.asking import asking
from bridge.domain.devices.setup import deadline, is_served, takes_installs
from bridge.domain.facts import DeviceFacts
from bridge.domain.model import ANSWERED_STATES
from bridge.domain.policy import Policy


def in_setup(facts: DeviceFacts, policy: Policy, now: float) -> Decision | None:
    """What is so while its device waits in Setup Assistant; None elsewhere."""
    if not facts.device.in_setup or not is_served(facts.device, policy, now):
        return None
    if facts.is_book or not _goes(facts):
        return _afterwards(facts, policy, now)
    if settings.forbidden(facts, policy, now) is not None:
        return None
    if _is_to_go(facts):
        return _with_questions(facts, policy, now)
    attempt = facts.attempt
    if attempt is not None and attempt.state == "in_doubt" and not settings.is_managed(facts):
        return Decision("sending", "SETUP_BURST", steps=(PostAgain(attempt.command_uuid),))
    decision = as_the_device_says(facts, policy, now) or as_the_attempt_stands(facts, policy, now)
    if decision is not None and decision.reason == "COMMAND_READY":
        return Decision("sending", "SETUP_BURST", steps=decision.steps)
    if decision is not None and decision.reason == "COMMAND_SENT":
        return Decision("sent", "SETUP_BURST")
    return decision


def _goes(facts: DeviceFacts) -> bool:
    """Whether the app is for Setup Assistant, where nobody is signed in."""
    if not takes_installs(facts.device):
        return False
    return facts.device.setup_all or (facts.options.setup != "none" and not facts.needs_user)


def _afterwards(facts: DeviceFacts, policy: Policy, now: float) -> Decision:
    """It follows in the ordinary way; what is there already is."""
    if not facts.is_book and settings.is_managed(facts):
        found = as_the_device_says(facts, policy, now)
        if found is not None:
            return found
    detail = "setup for it is none in the file"
    if facts.options.setup != "none" and not takes_installs(facts.device):
        detail = "it installs no apps there: that takes a supervised device, and iOS or tvOS 16"
    until = deadline(facts.device, policy)
    return Decision("licensed", "SETUP_WAITS", detail, recheck_at=until)


def _is_to_go(facts: DeviceFacts) -> bool:
    """Whether nothing of this enrolment carries the app yet."""
    attempt, device = facts.attempt, facts.device
    if not device.setup_all and settings.is_managed(facts):
        return False
    if attempt is None or attempt.state == "dropped":
        return True
    return attempt.state in ANSWERED_STATES and attempt.enrolment != device.enrolment


def _with_questions(facts: DeviceFacts, policy: Policy, now: float) -> Decision:
    """The install, and beside it the list that is asked for first elsewhere."""
    device, decision = facts.device, Decision("sending", "SETUP_BURST", steps=(SendInstall(),))
    if not device.apps_known:
        decision = asking(facts, policy, now, decision)
    if device.supervised is None or not device.is_described:
        decision = replace(decision, steps=(*decision.steps, AskFacts()))
    return decision
