"""When the last seat goes if licences are taken as they were lately: pure, from daily counts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from bridge.domain.policy import DAY

LEAST_DAYS: Final = 7
"""Days that the history must span, and counts that it must have; a shorter one tells nothing."""

HORIZON: Final = 365 * DAY
"""Seconds beyond which nothing is foretold."""


@dataclass(frozen=True, slots=True)
class DayCount:
    """How many licences of an asset were in use, as last counted on a day since the epoch (UTC).

    What is used, not what is free: it has no leaps where somebody bought more.
    """

    day: int
    used: int


def used_per_day(history: Sequence[DayCount]) -> float | None:
    """How many more licences are in use each day, by the line that fits best; None if the history
    is too short.
    """
    days = [count.day for count in history]
    if len(set(days)) < LEAST_DAYS or max(days) - min(days) < LEAST_DAYS:
        return None
    mean_day = sum(days) / len(days)
    mean_used = sum(count.used for count in history) / len(history)
    spread = sum((count.day - mean_day) ** 2 for count in history)
    return sum((c.day - mean_day) * (c.used - mean_used) for c in history) / spread


def last_seat_at(history: Sequence[DayCount], free: int | None, now: float) -> float | None:
    """When the last of the `free` seats goes (seconds since the epoch).

    None if the history is too short, if no more are used than before, if none is free or there is
    no limit, and beyond a year.
    """
    rate = used_per_day(history)
    if rate is None or rate <= 0.0 or not free or free < 0:
        return None
    away = free / rate * DAY
    return now + away if away <= HORIZON else None
