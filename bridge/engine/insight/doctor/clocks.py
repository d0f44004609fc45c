"""Whether this machine's clock is right, told by what others say of the time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime

from bridge.clients.http import HttpClient
from bridge.domain.wording import counted
from bridge.engine.insight.doctor.finding import Case, Finding, fail, ok, warn

WARN_AT = 30.0
FAIL_AT = 240.0
"""Seconds: certificates, tokens and quiet hours bear a little; the 5 minutes of what Apple signs
are never to be reached."""

_ROUND = 120.0
_QUARTER = 900.0
_ZONE = 14 * 3600.0


@dataclass(frozen=True, slots=True)
class Off:
    """By how many seconds this machine's clock is ahead of another, `whose` that is; negative:
    behind."""

    whose: str
    seconds: float


def clocks(case: Case) -> Iterator[Finding]:
    """Compared with the `Date` of the newest answers: Apple's, and each MDM server's own."""
    apple = [_off("Apple's", case.clients.way("apple", name)) for name in case.config.locations]
    apples = [each for each in apple if each is not None]
    servers = {name: _off(name, case.clients.way("mdm", name)) for name in case.config.servers}
    if apples:
        yield judged(min(apples, key=lambda each: abs(each.seconds)))
    for name, off in servers.items():
        if off is None or abs(off.seconds) < WARN_AT:
            continue
        if not apples:
            yield judged(Off(f"that of the MDM server {name}", off.seconds))
        elif abs(apples[0].seconds) < WARN_AT:
            behind = Off(name, -off.seconds)
            text = f"the clock of the MDM server {name} is {_shown(behind)} ours"
            yield warn("clock", text, f"set that machine's clock{_how(behind)}")


def _off(whose: str, way: HttpClient | None) -> Off | None:
    if way is None or way.last_date is None:
        return None
    text, came_at = way.last_date
    try:
        said = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    said = said.replace(tzinfo=UTC) if said.tzinfo is None else said
    return Off(whose, came_at - said.timestamp())


def judged(off: Off) -> Finding:
    """What is said of it."""
    if abs(off.seconds) < WARN_AT:
        return ok("clock", f"it agrees with {off.whose}")
    found = fail if abs(off.seconds) >= FAIL_AT else warn
    text = f"this machine's clock is {_shown(off)} {off.whose}"
    return found("clock", text, f"set it{_how(off)}")


def _shown(off: Off) -> str:
    return f"{_span(abs(off.seconds))} {'ahead of' if off.seconds > 0 else 'behind'}"


def _span(seconds: float) -> str:
    if seconds < 120:
        return counted(round(seconds), "second")
    minutes = round(seconds / 60)
    if minutes < 120 and minutes != 60:
        return counted(minutes, "minute")
    if minutes >= 2 * 1440:
        return counted(round(minutes / 1440), "day")
    hours, rest = divmod(minutes, 60)
    return counted(hours, "hour") + (f" and {counted(rest, 'minute')}" if rest else "")


def _how(off: Off) -> str:
    """A difference of whole quarters of an hour is nearly always a matter of time zones."""
    quarters = round(abs(off.seconds) / _QUARTER)
    left = abs(abs(off.seconds) - quarters * _QUARTER)
    if quarters >= 2 and left < _ROUND and abs(off.seconds) <= _ZONE:
        return (
            " by NTP (timedatectl set-ntp true); a difference like a time zone's comes of a "
            "hardware clock that keeps local time: timedatectl set-local-rtc 0, and a virtual "
            "machine's clock set to UTC"
        )
    return " by NTP (timedatectl set-ntp true)"
