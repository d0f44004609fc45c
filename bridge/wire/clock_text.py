"""Points in time as the text that others send."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_TIME = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})[Tt]([0-9]{2}):([0-9]{2}):([0-9]{2})(\.[0-9]+)?"
    r"(?:([Zz])|([+-])([0-9]{2})(:?)([0-9]{2}))?",
    re.ASCII,
)


def parse_rfc3339(text: str) -> float | None:
    """Seconds since the epoch, or None where `text` is not RFC 3339.

    Takes any number of fraction digits (MicroMDM cuts trailing zeros off its nanoseconds) and
    any offset (NanoMDM sends local time).
    """
    match = _TIME.fullmatch(text)
    if match is None or not _has_offset(match) or (match.group(9) and not match.group(11)):
        return None
    return _seconds(match)


def parse_apple_time(text: str) -> float | None:
    """Seconds since the epoch of a time in an Apps and Books message, None if it is none.

    Apple writes `2030-11-08T22:33:22+0000`, and other offsets such as `-0700` in content tokens;
    without an offset UTC is meant.
    """
    match = _TIME.fullmatch(text.strip())
    return None if match is None else _seconds(match)


def _has_offset(match: re.Match[str]) -> bool:
    return bool(match.group(8) or match.group(9))


def _seconds(match: re.Match[str]) -> float | None:
    year, month, day, hour, minute, second = (int(part) for part in match.groups()[:6])
    offset = timedelta(hours=int(match.group(10) or 0), minutes=int(match.group(12) or 0))
    if second > 60 or offset > timedelta(days=1):  # 60 is a leap second
        return None
    try:
        to_the_minute = datetime(year, month, day, hour, minute, tzinfo=UTC)
    except ValueError:
        return None
    since = (to_the_minute - _EPOCH).total_seconds() + second
    east = offset.total_seconds() * (-1 if match.group(9) == "-" else 1)
    return since - east + float(match.group(7) or 0)
