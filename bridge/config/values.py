"""The kinds of values: one function each, from the text in the file to the value.

Every function raises `ConfigError` with the end of a sentence whose subject is the text; none
repeats the text, because it may have come from a secret variable.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from difflib import get_close_matches
from ipaddress import ip_address
from typing import NoReturn
from urllib.parse import urlsplit

from bridge.domain.desired.versions import conditions
from bridge.domain.devices.platforms import PLATFORMS
from bridge.domain.devices.serials import is_word_for_none, is_written_like_one
from bridge.domain.devices.targets import user_of
from bridge.domain.hours import WEEK_DAYS
from bridge.errors import ConfigError

_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_BYTES = {"": 1, "KiB": 1024, "MiB": 1024**2, "GiB": 1024**3}
_LONGEST = 36500 * 86400.0
_LONGEST_TIMEOUT = 3600.0
_LARGEST_SIZE = 1024**4
_DURATION = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,6})?) ?(ms|s|m|h|d)")
_NUMBER = re.compile(r"[0-9]{1,9}(?:\.[0-9]{1,6})?")
_SIZE = re.compile(r"([0-9]{1,12}) ?(KiB|MiB|GiB|)")
_LISTEN = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+):([0-9]{1,5})")
_QUIET_HOURS = re.compile(r"((?:[01][0-9]|2[0-3]):[0-5][0-9])-((?:[01][0-9]|2[0-3]):[0-5][0-9])")
_HOST = re.compile(r"[A-Za-z0-9._-]+|[0-9a-f:.]+")
_ADDRESS = re.compile(r"[!\"$-\[\]-~]+")
"""Visible ASCII without # and backslash."""
_HIGHEST_PORT = 65535
_LONGEST_NOTIFICATION_URL = 512
"""`maxNotificationLength` in Apple's service configuration."""


def duration(text: str) -> float:
    """Seconds from `100ms`, `30s`, `10m`, `6h` or `14d`."""
    found = _DURATION.fullmatch(text)
    if found is None:
        if _NUMBER.fullmatch(text):
            _no(f"has no unit; write {text}s for seconds, or ms, m, h, d")
        _no("is not a duration; write a number and ms, s, m, h or d, like 30s, 10m or 14d")
    seconds = float(found[1]) * _SECONDS[found[2]]
    if seconds > _LONGEST:
        _no("is too long; write at most 36500d")
    return seconds


def since(text: str, now: float) -> float:
    """The moment, in seconds since the epoch, that is so long ago (`7d`), or that is written as a
    day or a time of RFC 3339 (`2026-11-28`, `2026-11-28T18:00:00Z`); without an offset it is UTC.
    """
    if _DURATION.fullmatch(text):
        return now - duration(text)
    try:
        found = datetime.fromisoformat(text)
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        _no("is neither how long ago, like 12h or 7d, nor a day or time, like 2026-11-28")


def period(text: str) -> float:
    """A duration after which something is done again: not 0, or it would be done all the time."""
    seconds = duration(text)
    if not seconds:
        _no("must be more than 0s; write how often, like 1h")
    return seconds


def patience(text: str) -> float:
    """How long something is waited for that is then taken to be gone: in a few minutes a device is
    erased and enrolled anew."""
    seconds = duration(text)
    if seconds < 3600:
        _no("must be at least 1h; write how long to wait, like 30d")
    return seconds


def timeout(text: str) -> float:
    """A duration that a call may wait. Longer ones overflow what the system waits in one go."""
    seconds = duration(text)
    if not 0 < seconds <= _LONGEST_TIMEOUT:
        _no("must be more than 0s and at most 1h; write how long a call may wait, like 30s")
    return seconds


def size(text: str) -> int:
    """Bytes from `32 MiB`, `512 KiB` or a bare number."""
    found = _SIZE.fullmatch(text)
    if found is None or not int(found[1]):
        _no("is not a size; write it like 32 MiB, 512 KiB or a number of bytes")
    size = int(found[1]) * _BYTES[found[2]]
    if size > _LARGEST_SIZE:
        _no("is too much; write at most 1024 GiB")
    return size


def integer(text: str) -> int:
    """A whole number, negative ones too."""
    if not re.fullmatch(r"-?[0-9]{1,9}", text):
        _no("is not a whole number; write digits only, like 10")
    return int(text)


def count(text: str) -> int:
    """A whole number of at least 1."""
    if not re.fullmatch(r"[0-9]{1,9}", text) or not int(text):
        _no("must be a whole number of at least 1")
    return int(text)


def number(text: str) -> int:
    """A whole number, 0 for none."""
    if not re.fullmatch(r"[0-9]{1,9}", text):
        _no("must be a whole number; write digits only, 0 for none")
    return int(text)


def hops(text: str) -> int:
    """How many proxies a request comes through, 0 to 9."""
    if not re.fullmatch(r"[0-9]", text):
        _no("must be how many proxies stand in front, 0 to 9; write a number, no address")
    return int(text)


def boolean(text: str) -> bool:
    """`true` or `false`."""
    if text.lower() not in ("true", "false"):
        _no("must be true or false")
    return text.lower() == "true"


def one_of(*choices: str) -> Callable[[str], str]:
    """A reader of one of these words."""

    def read(text: str) -> str:
        if text not in choices:
            _no(f"must be {' or '.join(choices)}")
        return text

    return read


def platform(text: str) -> str:
    """A platform, as Apple names it ("Get Assets"): there is no iPadOS."""
    if text == "iPadOS":
        _no("is not told apart by Apple; write iOS")
    return one_of(*PLATFORMS)(text)


KINDS = ("micromdm", "nanomdm", "nanohub")
"""The kinds of MDM servers."""


def kind(text: str) -> str:
    """What sort of MDM server it is."""
    return one_of(*KINDS)(text)


def name(text: str) -> str:
    """A name that the admin chose for a server, location or group."""
    if not re.fullmatch(r"[a-z0-9-]+", text):
        _no("is not a name; use only a-z, 0-9 and -")
    return text


def serial_number(text: str) -> str:
    """A serial number, upper-cased as Apple has it."""
    if not is_written_like_one(text):
        _no("is not a serial number; write 1 to 64 of A-Z, 0-9 and -")
    return text.upper()


def device(text: str) -> str:
    """A serial number or an enrolment id, as it is: only the latter knows small letters. For what a
    user has without a device, `user:` and the clientUserId."""
    user = user_of(text)
    if user is None:
        serial_number(text)
    else:
        client_user_id(user)
    return text


def enrollment_id(text: str) -> str:
    """What a user enrolment calls itself; capital letters count."""
    if not is_written_like_one(text):
        _no("is not an enrolment id; write 1 to 64 of A-Z, a-z, 0-9 and -")
    return text


def client_user_id(text: str) -> str:
    """The admin's own name for a person: it stands in addresses, and so holds nothing that means
    something there."""
    if not re.fullmatch(r"[A-Za-z0-9._~@+:=!$*()-]{1,100}", text) or text == "all":
        _no("is not a clientUserId; write 1 to 100 of A-Z, a-z, 0-9 and . _ - ~ @ + : = ! $ * ( )")
    return text


def email(text: str) -> str:
    """An e-mail address, by what Apple's service may take (error 9717)."""
    if not re.fullmatch(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9.-]{1,255}", text) or (
        "." not in text.rpartition("@")[2].strip(".")
    ):
        _no("is not an e-mail address; write it like a@example.org")
    return text


def listed_serial_number(text: str) -> str:
    """A serial number that a file wants something for: none of the words that firmware has in place
    of one, which devices tell and the bridge takes for no number."""
    number = serial_number(text)
    if is_word_for_none(number):
        _no("is what devices tell that have no serial number; take it out")
    return number


def adam_id(text: str) -> str:
    """An app's number in Apple's store, kept as text."""
    if not re.fullmatch(r"[0-9]{1,19}", text):
        _no('is not an adam id; write 1 to 19 digits, like "361309726"')
    return text


def bundle_id(text: str) -> str:
    """An app's bundle identifier."""
    if not re.fullmatch(r"[A-Za-z0-9._-]{1,255}", text):
        _no("is not a bundle id; write it like com.example.app")
    return text


def pattern(text: str) -> str:
    """A pattern with * and ? for something that a device reports."""
    return text.strip()


def os_version(text: str) -> str:
    """Conditions on a version, like `>=17.2, <18`, or a bare `17` for every 17."""
    try:
        conditions(text)
    except ValueError:
        _no('is no condition on a version; write it like 17, ">=17.2" or ">=17.2, <18"')
    return text.strip()


def listen(text: str) -> tuple[str, int]:
    """Host and port; the host of `[::1]:9008` is `::1`."""
    found = _LISTEN.fullmatch(text)
    if found is None or not 0 < int(found[2]) <= _HIGHEST_PORT:
        _no("is not an address to listen on; write host:port, like 127.0.0.1:9008")
    return found[1].strip("[]"), int(found[2])


def time_zone(text: str) -> str:
    """A time zone that this machine knows; UTC needs no database of zones."""
    if text != "UTC":
        from zoneinfo import (  # noqa: PLC0415 - as long to load as the file takes to read
            ZoneInfo,
            ZoneInfoNotFoundError,
            available_timezones,
        )

        try:
            ZoneInfo(text)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            close = get_close_matches(text, available_timezones(), n=1, cutoff=0.8)
            meant = f"did you mean {close[0]}?" if close else "write it like Europe/Berlin"
            _no(f"is not a time zone; {meant}")
    return text


def quiet_hours(text: str) -> str:
    """Two different times of day, like `22:00-07:00`."""
    found = _QUIET_HOURS.fullmatch(text)
    if found is None or found[1] == found[2]:
        _no("is not a span of hours; write two times, like 22:00-07:00")
    return text


_SHORTEST_WINDOW = 30
"""Minutes: nothing is begun in the last ten, and somebody has to come in the others."""


def window(text: str) -> str:
    """The hours in which new versions are sent, like `22:00-05:00`."""
    found = _QUIET_HOURS.fullmatch(text)
    if found is None or found[1] == found[2]:
        _no("is not a window; write two times, like 22:00-05:00")
    begin, end = (int(each[:2]) * 60 + int(each[3:]) for each in found.groups())
    if (end - begin) % (24 * 60) < _SHORTEST_WINDOW:
        _no(
            f"is shorter than {_SHORTEST_WINDOW} minutes, in which hardly a device comes; write a "
            "longer one, like 22:00-05:00"
        )
    return text


def week_day(text: str) -> str:
    """A day of the week, by its first three letters."""
    word = text.lower()
    if word not in WEEK_DAYS:
        _no(f"is not a day of the week; write {', '.join(WEEK_DAYS)}")
    return word


def stop_at(text: str) -> str:
    """How many devices may fail: a part of them, like `5%`, or a number."""
    found = re.fullmatch(r"([0-9]{1,3}(?:\.[0-9]{1,3})?)%|([1-9][0-9]{0,8})", text)
    if found is None or (found[1] and not 0 < float(found[1]) <= 100):
        _no("is no number of failures; write a part of the devices, like 5%, or a number, like 3")
    return text


def url(text: str) -> str:
    """A whole address: http or https, a host, no fragment."""
    try:
        parts = urlsplit(text)
        whole = parts.scheme in ("http", "https") and parts.port != 0
        host = parts.hostname or ""
    except ValueError:
        whole, host = False, ""
    if not (whole and _HOST.fullmatch(host) and _ADDRESS.fullmatch(text)):
        _no("is not a web address; write it like https://mdm.example.org")
    return text


def base_url(text: str) -> str:
    """An address that paths are appended to: no credentials, no query, no trailing slash."""
    if "@" in urlsplit(url(text)).netloc:
        _no("must not hold a user or password; write the address without them")
    if "?" in text:
        _no("must not have a query; write host and path only")
    return text.rstrip("/")


def notification_url(text: str) -> str:
    """What Apple is told: host and path only, at most 512 characters.

    Source: Apple, "Client Config" and error 9711.
    """
    base_url(text)
    if len(text) > _LONGEST_NOTIFICATION_URL:
        _no(f"is longer than Apple's {_LONGEST_NOTIFICATION_URL} characters; write a shorter one")
    return text


def is_exposed(address: str) -> bool:
    """Whether the address is plain http to another machine than this one."""
    parts = urlsplit(address)
    host = parts.hostname or ""
    if parts.scheme != "http" or host == "localhost":
        return False
    try:
        return not ip_address(host).is_loopback
    except ValueError:
        return True


def _no(sentence: str) -> NoReturn:
    raise ConfigError([sentence])
