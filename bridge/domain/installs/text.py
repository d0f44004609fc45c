"""The stored form of what an install has of its own: a fleet has it for each app of each device.

So it holds only what is not as it is without a word.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any


def as_text(value: Any, usual: Any) -> str:
    """What of a frozen dataclass differs from its `usual` values; equal values give equal text."""
    plain = asdict(usual)
    other = {name: each for name, each in asdict(value).items() if each != plain[name]}
    return json.dumps(other, sort_keys=True, separators=(",", ":"))
