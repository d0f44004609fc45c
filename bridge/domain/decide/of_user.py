"""Deciding for an install that takes the licence of a user: who that is, and whether Apple knows.

Apple gives such a licence to a registered user; it reaches devices once the user is associated
with an Apple Account, and whoever is signed in with that one (Apple, "Managing Users").
"""

from __future__ import annotations

from bridge.domain.decision import Decision, GiveDeviceLicenceBack, Step
from bridge.domain.devices.targets import is_enrolment, user_of
from bridge.domain.facts import DeviceFacts, Facts, UserFacts
from bridge.domain.installs.settings import InstallSettings
from bridge.domain.policy import Policy
from bridge.domain.users.facts import REGISTERED


def nobody(facts: Facts, policy: Policy, now: float) -> Decision | None:
    """A licence of its device is of no use there, or nobody knows whose device it is."""
    if not facts.needs_user:
        by_user = is_enrolment(facts.install.target) or facts.is_book
        return Decision("failed", "USER_LICENSE_NEEDED", _why(facts)) if by_user else None
    if facts.install.client_user_id is None:
        return Decision("waiting", "NO_USER")
    return None


def _why(facts: Facts) -> str:
    if facts.is_book:
        return "a book is licensed to users only"
    return "a user enrolment tells no serial number, and a licence of a device goes to one"


def not_ready(facts: Facts, policy: Policy, now: float) -> Decision | None:
    """Nothing is asked for a user before Apple has associated the user; what is asked for, or
    there, goes on."""
    if not facts.needs_user or facts.licence.state not in ("none", "refused", "taken"):
        return None
    user = facts.user
    if user is None:
        return Decision("waiting", "USER_NOT_REGISTERED", "the bridge is about to ask Apple for it")
    if user.is_associated:
        return None
    if user.status in REGISTERED:
        return _registered(user)
    return Decision("waiting", "USER_NOT_REGISTERED", user.detail or f"{user.state} {user.reason}")


def _registered(user: UserFacts) -> Decision:
    if user.managed_apple_id is not None:
        return Decision("waiting", "USER_ASSOCIATING", user.managed_apple_id)
    return Decision("needs_user", "USER_NOT_ASSOCIATED", user.client_user_id)


def in_library(facts: Facts, policy: Policy, now: float) -> Decision | None:
    """What no device of the bridge's shows: the user has the licence, and that is the end."""
    if user_of(facts.install.target) is None:
        return None
    return Decision("licensed", "USER_LIBRARY", "no device is named for it")


def without_channel(facts: DeviceFacts) -> Decision | None:
    """On a Mac, what is a user's is installed on the channel of the user."""
    device = facts.device
    if not facts.needs_user or not device.is_mac or device.enrollment_id is not None:
        return None
    return None if device.channel_of is not None else Decision("waiting", "NO_USER_CHANNEL")


def gives_back(facts: Facts, decision: Decision) -> tuple[Step, ...]:
    """What follows for the licence that the device had before its user got one: it goes back once
    the app was verified under the user's, and only where that is wished."""
    own, release = facts.own, facts.own_release
    if decision.state != "installed" or facts.options.on_unwanted != "release":
        return ()
    if own.state != "owned" or not own.ours or release.state != "none":
        return ()
    answered_at = facts.attempt.answered_at if facts.attempt is not None else None
    if answered_at is None or (facts.asked_at or 0.0) < answered_at:
        return ()
    is_told = facts.taken is not None and InstallSettings.from_text(facts.taken).for_user
    return (GiveDeviceLicenceBack(),) if is_told else ()
