"""Managed app configuration: its values are secrets, so everything but one table holds a digest.

Only the store's table of configurations has the values; a wish, a command and whatever is shown
of them name a configuration by its digest.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

_LENGTH = 32
"""Hexadecimal digits: 128 bits, far too many for two configurations to share them by chance."""


def digest(configuration: Mapping[str, Any]) -> str | None:
    """A name for exactly these values, whatever the order of their keys; None for no values."""
    if not configuration:
        return None
    return hashlib.sha256(as_text(configuration).encode()).hexdigest()[:_LENGTH]


def as_text(configuration: Mapping[str, Any]) -> str:
    """The values as JSON; equal values give equal text."""
    return json.dumps(configuration, sort_keys=True, separators=(",", ":"))
