"""When new versions may be sent: never so late that a device would take one after the window."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from bridge.domain.hours import Hours, zone

LAST: Final = 600.0
"""Seconds before a window's end in which nothing is begun any more."""


@dataclass(frozen=True, slots=True)
class Window:
    """`hours` by the wall clock of `time_zone`; without hours it is always open."""

    hours: Hours | None
    time_zone: str

    def closes_at(self, at: float) -> float | None:
        """When the window ends that is open at `at`, `inf` for one without an end; None while none
        is open.

        Where summer time makes a time come twice, the end is the first of both that lies ahead;
        where the clock leaves the end out, it counts as over an hour early.
        """
        if self.hours is None:
            return float("inf")
        where = zone(self.time_zone)
        local = datetime.fromtimestamp(at, where)
        day = self.hours.day_of(local)
        if day is None:
            return None
        end = self.hours.end_of(day, where, fold=local.fold)
        back = end.astimezone(UTC).astimezone(where)
        if back.replace(tzinfo=None) != end.replace(tzinfo=None):  # a time that is left out
            end = end.replace(fold=1)
        return end.timestamp()

    def begins_by(self, at: float) -> float | None:
        """Until when something may be begun, `inf` for ever; None where it may not be begun now."""
        end = self.closes_at(at)
        return None if end is None or at >= end - LAST else end - LAST

    def opens_at(self, at: float) -> float:
        """When something may be begun next: now, or when the next window opens."""
        if self.begins_by(at) is not None:
            return at
        return self.next_after(at)

    def next_after(self, at: float) -> float:
        """When the next window opens, after `at`; a day later where it is always open."""
        if self.hours is None:
            return at + 86400.0
        return self.hours.begins_after(at, zone(self.time_zone))

    def __str__(self) -> str:
        """For people: `22:00-05:00 on mon, tue (Europe/Berlin)`."""
        if self.hours is None:
            return "at any time"
        whole = self.hours.begin == self.hours.end
        words = "" if whole else f"{self.hours.begin:%H:%M}-{self.hours.end:%H:%M} "
        days = f"on {', '.join(self.hours.days)} " if self.hours.days else ""
        return f"{words}{days}({self.time_zone})"
