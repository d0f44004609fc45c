"""What the bridge shows of itself, to people and to programs. Pure data.

The objects of the API's answers are declared here, once, as typed dictionaries that are ready for
JSON: whoever makes one is held to it by the type checker, and the API describes it (web/v1). In an
`Annotated` a text says what a member is. Nothing is loaded for
that, so that a command such as `why` starts as quickly as without.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, Literal, TypeVar

from bridge.domain.alerts.alert import Fault

T_co = TypeVar("T_co", covariant=True)

Severity = Literal["fatal", "degraded"]
"""`fatal`: no events can be taken in. `degraded`: they can, but something else is wrong."""


@dataclass(frozen=True, slots=True)
class Page(Generic[T_co]):
    """One page of a list, each item ready for JSON.

    `next_cursor` asks for the page after it; only `[A-Za-z0-9_-]`, None at the end.
    """

    items: Sequence[T_co]
    next_cursor: str | None = None


@dataclass(frozen=True, slots=True)
class HealthPart:
    """How one part does. `age_s` is how many seconds ago that was last seen; None if never.

    `severity` says what it means when `ok` is false. `faults` are those of what is wrong that
    alerts tell of.
    """

    name: str
    ok: bool
    severity: Severity
    detail: str = ""
    age_s: float | None = None
    faults: tuple[Fault, ...] = ()
