"""Reading JSON replies: every helper returns a plain value or raises ShapeError.

The errors name the field and never its value: replies echo secrets. Whatever one value is, it is
the reader of that value that fails, and not the reply.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TypeVar, cast

from bridge.errors import ShapeError

Fields = Mapping[str, object]

_T = TypeVar("_T")

_MOST_DIGITS = 19
_LARGEST = 2**63 - 1
"""What a database keeps as an integer."""
_NO_TEXT = re.compile("[\0\ud800-\udfff]")
_BOOLEANS = {"true": True, "1": True, "false": False, "0": False}


@dataclass(frozen=True, slots=True)
class Unread:
    """An entry of a list that cannot be read: its place (from 0), what is odd, and the entry."""

    place: int
    what: str
    row: Fields = field(repr=False)


def json_object(content: bytes) -> Fields:
    """The JSON object in `content` (UTF-8). Raises ShapeError for anything else."""
    try:
        value = json.loads(content, parse_int=_integer)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise ShapeError("the reply is not a JSON object")
    return cast(Fields, value)


def _integer(digits: str) -> int | float:
    # Python refuses thousands of digits, and with them the whole reply.
    return int(digits) if len(digits) <= _MOST_DIGITS + 1 else float("inf")


def text(fields: Fields, key: str) -> str:
    """A string that must be there; an integer is written out, for adamId comes as both.

    Half a surrogate pair, or a NUL, is no text: JSON can spell it, and nothing can store it.
    """
    value = fields.get(key)
    number = _whole(value)
    if number is not None:
        return str(number)
    if not isinstance(value, str) or not value or not _is_plain(value):
        raise ShapeError(f"{key} is missing or not text")
    return value


def _is_plain(value: str) -> bool:
    return _NO_TEXT.search(value) is None


def _whole(value: object) -> int | None:
    """A whole number that a database can keep; 25.0 is one, for some programs write it so."""
    if isinstance(value, float) and value.is_integer() and abs(value) <= 2**53:
        return int(value)
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) <= _LARGEST:
        return value
    return None


def text_or_none(fields: Fields, key: str) -> str | None:
    """A string that may be absent, null or empty: all three are None."""
    if fields.get(key) in (None, ""):
        return None
    return text(fields, key)


def integer_or_none(fields: Fields, key: str) -> int | None:
    """An integer, also one written as 25.0 or as digits; None when absent or null."""
    value = fields.get(key)
    if value is None:
        return None
    if isinstance(value, str) and value.isascii():
        digits = value.removeprefix("-").removesuffix(".0")
        if digits.isdigit() and len(digits) <= _MOST_DIGITS:
            value = -int(digits) if value.startswith("-") else int(digits)
    number = _whole(value)
    if number is None:
        raise ShapeError(f"{key} is not an integer")
    return number


def boolean(fields: Fields, key: str, default: bool) -> bool:
    """A boolean, also one written as 1, 0 or text; `default` when absent or null."""
    value = fields.get(key)
    if value is None:
        return default
    if isinstance(value, bool):
        return value
    number = _whole(value)
    written = value.lower() if isinstance(value, str) else str(number)
    if written not in _BOOLEANS:
        raise ShapeError(f"{key} is not true or false")
    return _BOOLEANS[written]


def lenient(read: Callable[[Fields, str], _T | None], fields: Fields, key: str) -> _T | None:
    """What `read` makes of a member that only informs: None where it cannot be read."""
    try:
        return read(fields, key)
    except ShapeError:
        return None


def entries(
    fields: Fields, key: str, read: Callable[[Fields], _T]
) -> tuple[tuple[_T, ...], tuple[Unread, ...]]:
    """The rows of a list that `read` can read, and those that it cannot; absent and null are the
    empty list. Raises ShapeError for what is no list.
    """
    value = fields.get(key)
    if value is None:
        return (), ()
    if not isinstance(value, list):
        raise ShapeError(f"{key} is not a list")
    good, odd = list[_T](), list[Unread]()
    for place, row in enumerate(value):
        known = row if isinstance(row, dict) else {}
        try:
            if row is not known:
                raise ShapeError("it is not an object")
            good.append(read(known))
        except ShapeError as error:
            odd.append(Unread(place, str(error), known))
    return tuple(good), tuple(odd)


def rows(fields: Fields, key: str) -> tuple[Fields, ...]:
    """A list of objects; absent and null are the empty list (Go writes null for one)."""
    value = fields.get(key)
    if value is None:
        return ()
    if not isinstance(value, list) or not all(isinstance(row, dict) for row in value):
        raise ShapeError(f"{key} is not a list of objects")
    return tuple(value)


def texts(fields: Fields, key: str) -> tuple[str, ...]:
    """A list of strings; absent and null are the empty list."""
    value = fields.get(key)
    if value is None:
        return ()
    if not isinstance(value, list) or not all(
        isinstance(item, str) and _is_plain(item) for item in value
    ):
        raise ShapeError(f"{key} is not a list of texts")
    return tuple(value)


def object_or_empty(fields: Fields, key: str) -> Fields:
    """An object; empty when absent or null."""
    value = fields.get(key)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise ShapeError(f"{key} is not an object")
    return value


def time_or_none(fields: Fields, key: str) -> float | None:
    """An ISO 8601 time as seconds since the epoch, UTC; None when absent, unreadable or before it.

    Go writes year 1 for "never". Times only inform, so an unreadable one never spoils a reply.
    A time without an offset is UTC.
    """
    value = fields.get(key)
    if not isinstance(value, str):
        return None
    try:
        moment = datetime.fromisoformat(value)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        seconds = moment.timestamp()
    except (ValueError, OverflowError):
        return None
    return seconds if seconds > 0 else None
