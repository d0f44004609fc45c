"""JSON and property lists whose numbers and times are extremes of what can be written."""

from __future__ import annotations

import datetime
import json
import plistlib
import re
from collections.abc import Callable
from typing import Any

TIMES: tuple[str, ...] = (
    "0001-01-01T00:00:00Z",
    "1601-01-01T00:00:00Z",
    "1969-12-31T23:59:59Z",
    "9999-12-31T23:59:59Z",
    "9999-12-31T23:59:59.999999999-23:59",
    "0001-01-01T00:00:00+23:59",
    "2027-01-15T08:00:00+99:99",
    "2027-13-45T25:61:61Z",
    "10000-01-01T00:00:00Z",
    "-0001-01-01T00:00:00Z",
    "253402300800",
    "",
)
NUMBERS: tuple[str, ...] = (
    *("0", "-1", "9223372036854775807", "9223372036854775808", "18446744073709551616"),
    *("-9223372036854775809", "9" * 400, "-" + "9" * 400, "9" * 5000, "1.5", "-0.0", "1e308"),
    *("1e999", "-1e999", "NaN", "Infinity", "-Infinity"),
)
"""As JSON may spell them, or some programs do."""

PLIST: tuple[str, ...] = (
    *(f"<integer>{n}</integer>" for n in ("0", "-1", "9223372036854775808", "9" * 400)),
    *("<integer>-9223372036854775809</integer>", "<integer>-9223372036854775808</integer>"),
    *("<integer>18446744073709551615</integer>", "<integer>0xFFFFFFFFFFFFFFFFFF</integer>"),
    *(f"<real>{n}</real>" for n in ("nan", "inf", "-inf", "+infinity", "1e999", "1e308", "")),
    *(f"<date>{time}</date>" for time in TIMES),
)

_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T")
_MARK = "odd-number-{}"


def is_time(value: object) -> bool:
    """Whether it is a time, as JSON or a property list writes it."""
    return isinstance(value, datetime.datetime) or bool(
        isinstance(value, str) and _TIME.match(value)
    )


Choose = Callable[[tuple[str, ...]], str]


def odd_json(document: Any, choose: Choose) -> bytes:
    """The document with every number and time replaced by what `choose` says."""
    texts: dict[str, str] = {}

    def change(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: change(each) for key, each in value.items()}
        if isinstance(value, list):
            return [change(each) for each in value]
        if is_time(value):
            return choose(TIMES)
        if isinstance(value, int | float) and not isinstance(value, bool):
            mark = _MARK.format(len(texts))
            texts[f'"{mark}"'] = choose(NUMBERS)
            return mark
        return value

    text = json.dumps(change(document))
    return re.sub(r'"odd-number-[0-9]+"', lambda found: texts[found[0]], text).encode()


def odd_plist(data: bytes, choose: Choose) -> bytes:
    """The property list with every number and time replaced by what `choose` says."""
    texts: dict[str, str] = {}

    def change(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: change(each) for key, each in value.items()}
        if isinstance(value, list):
            return [change(each) for each in value]
        if isinstance(value, int | float | datetime.datetime) and not isinstance(value, bool):
            mark = _MARK.format(len(texts))
            texts[f"<string>{mark}</string>"] = choose(PLIST)
            return mark
        return value

    text = plistlib.dumps(change(plistlib.loads(data))).decode()
    return re.sub(
        r"<string>odd-number-[0-9]+</string>", lambda found: texts[found[0]], text
    ).encode()
