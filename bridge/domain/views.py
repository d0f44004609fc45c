"""What the bridge shows of itself: pages of lists, and the parts of its health. Pure data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

Severity = Literal["fatal", "degraded"]
"""`fatal`: no events can be taken in. `degraded`: they can, but something else is wrong."""


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a list, each item ready for JSON (times as RFC 3339 text in UTC).

    `next_cursor` asks for the page after it; only `[A-Za-z0-9_-]`, None at the end.
    """

    items: Sequence[Mapping[str, Any]]
    next_cursor: str | None = None


@dataclass(frozen=True, slots=True)
class HealthPart:
    """How one part does. `age_s` is how many seconds ago that was last seen; None if never.

    `severity` says what it means when `ok` is false.
    """

    name: str
    ok: bool
    severity: Severity
    detail: str = ""
    age_s: float | None = None
