"""Reading JSON replies: every helper returns a plain value or raises ShapeError.

The errors name the field and never its value: replies echo secrets.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import cast

from bridge.errors import ShapeError

Fields = Mapping[str, object]


def json_object(content: bytes) -> Fields:
    """The JSON object in `content` (UTF-8). Raises ShapeError for anything else.

    That includes half a surrogate pair, which JSON can spell and nothing downstream can store.
    """
    try:
        value = json.loads(content)
        if b"\\u" in content:
            json.dumps(value, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise ShapeError("the reply is not a JSON object")
    return cast(Fields, value)


def text(fields: Fields, key: str) -> str:
    """A string that must be there; an integer is written out, for adamId comes as both."""
    value = fields.get(key)
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if not isinstance(value, str) or not value:
        raise ShapeError(f"{key} is missing or not text")
    return value


def text_or_none(fields: Fields, key: str) -> str | None:
    """A string that may be absent, null or empty: all three are None."""
    if fields.get(key) in (None, ""):
        return None
    return text(fields, key)


def integer_or_none(fields: Fields, key: str) -> int | None:
    """An integer, also one written as digits; None when absent or null."""
    value = fields.get(key)
    if value is None:
        return None
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 20:
        return int(value)
    raise ShapeError(f"{key} is not an integer")


def boolean(fields: Fields, key: str, default: bool) -> bool:
    """A boolean, or `default` when absent or null."""
    value = fields.get(key)
    if value is None:
        return default
    if not isinstance(value, bool):
        raise ShapeError(f"{key} is not true or false")
    return value


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
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
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
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    seconds = moment.timestamp()
    return seconds if seconds > 0 else None
