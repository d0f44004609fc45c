"""Points in time as the text that we show: to programs, and to people. All of it is UTC."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import overload

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST = (datetime.min.replace(tzinfo=UTC) - _EPOCH).total_seconds()
_LAST = 253402300799.999
"""The end of the year 9999: others write it for "never", and calendars end there."""

_MONTHS = (
    "January February March April May June July August September October November December".split()
)


@overload
def rfc3339(moment: float) -> str: ...


@overload
def rfc3339(moment: float | None) -> str | None: ...


def rfc3339(moment: float | None) -> str | None:
    """`moment` (seconds since the epoch) as RFC 3339: `2026-11-22T05:26:16.766Z`.

    Always three digits of a second. A moment outside the years 1 to 9999 is shown as their end.
    """
    if moment is None:
        return None
    exact = _EPOCH + timedelta(milliseconds=round(_shown(moment) * 1000))
    return exact.replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"


def to_the_second(moment: float) -> str:
    """A time for people: `2026-11-23 06:49:08Z`."""
    return datetime.fromtimestamp(_shown(moment), UTC).strftime("%Y-%m-%d %H:%M:%SZ")


def to_the_minute(moment: float) -> str:
    """A time for people, where seconds do not matter: `2026-11-23 06:49Z`."""
    return datetime.fromtimestamp(_shown(moment), UTC).strftime("%Y-%m-%d %H:%MZ")


def day_of(moment: float) -> str:
    """A day for people: `12 May 2027`."""
    day = datetime.fromtimestamp(_shown(moment), UTC)
    return f"{day.day} {_MONTHS[day.month - 1]} {day.year}"


def _shown(moment: float) -> float:
    return min(max(moment, _FIRST), _LAST)
