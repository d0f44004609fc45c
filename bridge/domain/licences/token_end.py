"""When a content token ends, in words and in time."""

from __future__ import annotations

from bridge.domain.policy import DAY
from bridge.domain.times import to_the_minute
from bridge.domain.wording import counted

WARN_DAYS = (30, 14, 3)
"""So many days before a token ends it is said, once each."""


def warning_due(expires_at: float | None, now: float) -> int | None:
    """The least of the days in WARN_DAYS within which the token ends, if it does."""
    if expires_at is None:
        return None
    return min((days for days in WARN_DAYS if expires_at - now <= days * DAY), default=None)


def text_of_end(expires_at: float, now: float) -> str:
    """When a token ends, for people."""
    moment = to_the_minute(expires_at)
    left = expires_at - now
    if left <= 0:
        return f"the content token has expired on {moment}"
    days = int(left // DAY)
    when = f"in {counted(days, 'day')}" if days else "within a day"
    return f"the content token expires {when}, on {moment}"
