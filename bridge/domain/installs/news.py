"""Whom a list of a device's apps concerns: what it does not change is not decided anew."""

from __future__ import annotations

from typing import Final

_BEFORE_ANY_LIST: Final = frozenset(
    {
        *("NO_SEAT", "NOT_PURCHASED", "SEAT_PENDING", "ASSOCIATE_COLLECTING"),
        *("ASSOCIATE_REQUESTED", "LICENSED", "COMMAND_READY", "COMMAND_SENT"),
    }
)
"""Reasons of what waits for Apple, for a seat, or for the answer to a command."""

_BY_THE_CLOCK: Final = frozenset(
    {
        *("INSTALLED", "INSTALLED_UNMANAGED", "MANAGED_BY_DECLARATION", "DECLARATION_PENDING"),
        *("DECLARATION_ASKS", "DECLARATION_OFFERS", "DECLARATION_FAILED"),
    }
)
"""Reasons of what is looked at again by the clock, or told by a declarative status."""


def concerns(reason: str, next_check_at: float | None, now: float) -> bool:
    """Whether a list that has nothing new of its app may change what was decided for an install:
    whatever waits for a list, and what is there when its next look is due.
    """
    if reason in _BY_THE_CLOCK:
        return next_check_at is None or next_check_at <= now
    return reason not in _BEFORE_ANY_LIST
