"""A reply as the clients see it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC

LONGEST_RETRY_AFTER = 86400.0
_NUMBER = re.compile(r"[0-9]+(\.[0-9]*)?")


@dataclass(frozen=True, slots=True)
class Reply:
    """An HTTP reply that arrived whole; `retry_after` is in seconds."""

    call: str
    status: int
    content: bytes = field(repr=False)
    retry_after: float | None = None


def retry_after_seconds(value: str | None, now: float) -> float | None:
    """A Retry-After header as seconds from `now`: a number or an HTTP date, at most a day. Some
    servers write parts of a second.

    None when there is none or it cannot be read. A date that has passed is 0.
    """
    value = (value or "").strip()
    if _NUMBER.fullmatch(value):
        return min(float(value), LONGEST_RETRY_AFTER)
    from email.utils import parsedate_to_datetime  # noqa: PLC0415 - sockets come with it

    try:
        moment = parsedate_to_datetime(value)
    except (ValueError, OverflowError):
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return min(max(0.0, moment.timestamp() - now), LONGEST_RETRY_AFTER)
