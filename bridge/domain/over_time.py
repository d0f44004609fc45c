"""How finely, and for how long, it is kept how installs stood: pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from bridge.domain.policy import DAY


@dataclass(frozen=True, slots=True)
class Step:
    """Counts `seconds` apart, kept for `kept` seconds; None: as `retention.counts` says."""

    seconds: int
    kept: float | None


MINUTES: Final = Step(600, DAY)
HOURS: Final = Step(3600, 8 * DAY)
DAYS: Final = Step(86400, None)
STEPS: Final = (MINUTES, HOURS, DAYS)

EVERY: Final = 600.0
"""Seconds between two counts."""


_ENOUGH: Final = 8
"""Steps that a chart spans at least; a shorter history is shown by finer ones."""


def fitting(spans: Mapping[int, int]) -> Step:
    """The step that shows most: the coarsest one that has counts of enough time, else the finest.

    `spans` says by the seconds of a step how many of its slots lie between the first and the last.
    """
    return next((step for step in (DAYS, HOURS) if spans.get(step.seconds, 0) >= _ENOUGH), MINUTES)
