"""What a device first said of itself."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class First:
    """What a device first said of one thing, and when."""

    value: str
    at: float
