"""Hours of the day by the wall clock of a time zone, over midnight and changes of summer time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from functools import lru_cache
from typing import Final

WEEK_DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


@lru_cache(maxsize=256)
def zone(name: str) -> tzinfo:
    """A time zone by its name; UTC needs no database of zones."""
    if name == "UTC":
        return UTC
    from zoneinfo import ZoneInfo  # noqa: PLC0415 - as long to load as a command takes to read

    return ZoneInfo(name)


@dataclass(frozen=True, slots=True)
class Hours:
    """A span like 22:00-07:00, which crosses midnight, on some days of the week or (with none) on
    every day. A span belongs to the day on which it begins; its end is not in it any more. One
    that begins when it ends is a whole day.
    """

    begin: time
    end: time
    days: tuple[str, ...] = ()

    @classmethod
    def of(cls, text: str, days: tuple[str, ...] = ()) -> Hours:
        """Read `22:00-07:00`, which was looked at before."""
        begin, end = map(time.fromisoformat, text.split("-"))
        return cls(begin, end, days)

    @property
    def crosses(self) -> bool:
        """Whether it goes over midnight."""
        return self.begin >= self.end

    def day_of(self, local: datetime) -> date | None:
        """The day to which the span belongs that holds this local time; None for one outside."""
        clock, day = local.time(), local.date()
        if self.crosses:
            holds = clock >= self.begin or clock < self.end
            day -= timedelta(days=1) if clock < self.end else timedelta()
        else:
            holds = self.begin <= clock < self.end
        fits = not self.days or WEEK_DAYS[day.weekday()] in self.days
        return day if holds and fits else None

    def end_of(self, day: date, where: tzinfo, *, fold: int) -> datetime:
        """When the span of a day is over; in an hour that comes twice (summer time ends) at its
        first turn, or with `fold` at its second."""
        last = day + timedelta(days=1 if self.crosses else 0)
        return datetime.combine(last, self.end, where).replace(fold=fold)

    def begins_after(self, at: float, where: tzinfo) -> float:
        """When the next span begins after `at`; an hour that is left out is passed over."""
        today = datetime.fromtimestamp(at, where).date()
        for later in range(9):
            day = today + timedelta(days=later)
            if self.days and WEEK_DAYS[day.weekday()] not in self.days:
                continue
            begin = datetime.combine(day, self.begin, where).timestamp()
            if begin > at:
                return begin
        raise AssertionError("a week has every day")
