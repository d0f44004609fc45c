"""The stored form of what an install has of its own: a fleet has it for each app of each device.

So it holds only what is not as it is without a word, and is made without a copy.
"""

from __future__ import annotations

import json
from dataclasses import fields
from functools import cache
from typing import Any

_write = json.JSONEncoder(sort_keys=True, separators=(",", ":")).encode


def as_text(value: Any) -> str:
    """What of a frozen dataclass is not as without a word; equal values give equal text."""
    parts = _usual(type(value))  # type: ignore[arg-type]  # a class can be hashed
    other = {name: each for name, usual in parts if (each := getattr(value, name)) != usual}
    return _write(other) if other else "{}"


@cache
def _usual(kind: type[Any]) -> tuple[tuple[str, Any], ...]:
    """What each field of a dataclass is without a word."""
    usual = kind()
    return tuple((field.name, getattr(usual, field.name)) for field in fields(kind))
