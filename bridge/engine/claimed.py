"""What one transaction claimed of the outbox, as threads take it up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bridge.domain.pauses import Pauses
from bridge.store.outbox.outbox import OutboxRow

Scope = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Series:
    """Rows of one scope that one thread calls for, in this order; `paused` is what was paused when
    they were claimed."""

    scope: Scope
    rows: Sequence[OutboxRow]
    paused: Pauses


@dataclass(frozen=True, slots=True)
class Claimed:
    """What one transaction claimed: how many calls were due, and those of them that are made."""

    due: int = 0
    all: Sequence[Series] = ()

    @property
    def rows(self) -> list[OutboxRow]:
        """Those that are made, each once."""
        return [row for series in self.all for row in series.rows]
