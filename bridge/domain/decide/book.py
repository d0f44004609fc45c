"""Deciding for a book: it goes to a user, and is seen in lists of its own, or in none."""

from __future__ import annotations

from bridge.domain.decide.attempt import as_the_attempt_stands
from bridge.domain.decision import Decision, PostAgain
from bridge.domain.devices.books import PLATFORMS
from bridge.domain.devices.platforms import platform_of
from bridge.domain.facts import DeviceFacts, Facts
from bridge.domain.policy import Policy


def in_library(facts: Facts) -> Decision | None:
    """Where no command brings a book, the user has it in the own library, which is the end."""
    device = facts.device
    platform = platform_of(device.product_name) if device is not None else None
    if not facts.is_book or platform is None or platform in PLATFORMS:
        return None
    return Decision("licensed", "USER_LIBRARY", f"no server can put a book on {platform}")


def on_a_mac(facts: DeviceFacts, policy: Policy, now: float) -> Decision | None:
    """A Mac takes a book on its user's channel, and lists none: what it was sent is all that is
    known. One in doubt is posted again, which does no harm: it would be updated."""
    attempt = facts.attempt
    if not facts.is_book or not facts.device.is_mac:
        return None
    if attempt is not None and attempt.state == "in_doubt":
        return Decision("sending", "COMMAND_READY", steps=(PostAgain(attempt.command_uuid),))
    if attempt is not None and attempt.state == "acknowledged" and facts.meaning is None:
        return Decision("unconfirmed", "BOOK_NOT_LISTED", attempt.app_state or "")
    return as_the_attempt_stands(facts, policy, now)


def seen(decision: Decision) -> Decision:
    """A book is Installed, where an app is Managed."""
    if decision.reason != "INSTALLED":
        return decision
    steps, recheck_at = decision.steps, decision.recheck_at
    return Decision("installed", "BOOK_INSTALLED", steps=steps, recheck_at=recheck_at)
