"""What becomes of a user's assignment of a subscription: nothing is asked for, only understood.

Source: Apple, "Managing Subscriptions" and "Subscribing to notifications". Apple's messages have
neither a number nor a time, so that a full read decides wherever there is one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from bridge.domain.vocabulary import SubscriptionState

HELD: tuple[SubscriptionState, ...] = ("assigned", "ending")
"""States in which the user has the subscription."""
OVER: tuple[SubscriptionState, ...] = ("ended", "failed")

CountKind = Literal["assigned", "available", "total"]
COUNT_KINDS: tuple[CountKind, ...] = ("assigned", "available", "total")


@dataclass(frozen=True, slots=True)
class Seats:
    """How many of a subscription's seats renew at the end of the period, and how many expire."""

    renewing: int | None
    expiring: int | None


@dataclass(frozen=True, slots=True)
class Subscription:
    """One subscription as Apple lists it. `period_ends_on` is a day, YYYY-MM-DD; what Apple left
    out is None."""

    adam_id: str
    parent_adam_id: str | None
    status: str | None
    period_ends_on: str | None
    assigned: Seats
    available: Seats
    total: Seats


@dataclass(frozen=True, slots=True)
class Holding:
    """One user's assignment of a subscription."""

    adam_id: str
    client_user_id: str
    renewing: bool

    @property
    def state(self) -> SubscriptionState:
        """An assignment that does not renew is one whose disassociation was deferred to the end
        of the period, or whose seat expires then: either way it ends on that day."""
        return "assigned" if self.renewing else "ending"


def state_after(
    kind: str | None, result: str | None, holding: Holding, before: SubscriptionState | None
) -> SubscriptionState | None:
    """The state that a SUBSCRIPTION_MANAGEMENT leaves an assignment in that was in `before` (None:
    not known); None where the message has a type or a result that nobody knows.

    What was refused has changed nothing: who had the subscription has it, and of whom it was not
    known it is known that the request failed.
    """
    if kind not in ("ASSOCIATE", "DISASSOCIATE"):
        return None
    if result == "FAILURE":
        return before or "failed"
    if result != "SUCCESS":
        return None
    return "ended" if kind == "DISASSOCIATE" else holding.state
