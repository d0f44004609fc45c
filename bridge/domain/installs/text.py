"""The stored form of what an install has of its own: a fleet has it for each app of each device.

So it holds only what is not as it is without a word, and is made without a copy.
"""

from __future__ import annotations

import json
from dataclasses import fields
from typing import Any

_write = json.JSONEncoder(sort_keys=True, separators=(",", ":")).encode


def as_text(value: Any, usual: Any) -> str:
    """What of a frozen dataclass differs from its `usual` values; equal values give equal text."""
    other = {}
    for field in fields(usual):
        each = getattr(value, field.name)
        if each != getattr(usual, field.name):
            other[field.name] = each
    return _write(other) if other else "{}"
