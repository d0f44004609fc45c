"""The wall clock may be set while the bridge runs, or its machine may sleep: another clock tells.

What waits for a time would wait for as long as the clock went back, and what began lately would
seem to have taken for as long as it went forward. So stored times go along with the clock: see
`bridge.store.clock_steps`. Whoever told us something meanwhile may not have been heard.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass

from bridge.engine.context import ContextOf
from bridge.engine.decide import unsettled
from bridge.store import clock_steps, meta
from bridge.store.clock_steps import Move
from bridge.store.commands import timers
from bridge.store.database import Connection, Database

log = logging.getLogger(__name__)

LEAST = 30.0
"""Seconds by which the wall clock must leave the monotonic one to count as set. What is less makes
things late by no more than that."""

_LAST = "clock_step"


@dataclass(frozen=True, slots=True)
class Step:
    """The wall clock was set at `at` (by its new time), by so many seconds; negative is back."""

    at: float
    by: float

    @property
    def shown(self) -> str:
        """In words for people."""
        way = "back" if self.by < 0 else "forward"
        return f"the clock went {way} by {round(abs(self.by))} s"


class StepWatch:
    """Compares the wall clock with the monotonic one."""

    def __init__(self, wall: Callable[[], float], monotonic: Callable[[], float]) -> None:
        self._wall = wall
        self._monotonic = monotonic
        self._seen = (wall(), monotonic())

    def look(self) -> float:
        """By how many seconds the wall clock was set since the last look; 0.0 if it was not."""
        wall, monotonic = self._wall(), self._monotonic()
        by = (wall - self._seen[0]) - (monotonic - self._seen[1])
        self._seen = (wall, monotonic)
        return by if abs(by) >= LEAST else 0.0


def stepped(context_of: ContextOf, database: Database, servers: Sequence[str], by: float) -> None:
    """The wall clock was set by so many seconds: move what is stored along, and decide anew."""
    with database.write() as db:
        step = Step(context_of(db).now, by)
        meta.keep(db, _LAST, json.dumps(asdict(step)))
        meta.count(db, "clock.stepped", step.at)
    log.warning("%s, and what waits for a time goes along; see that it is kept (NTP)", step.shown)
    clock_steps.move(database, Move(step.at, by))
    with database.write() as db:
        now = context_of(db).now
        timers.suspect_all(db, now)
        for server in servers:
            meta.hasten_job(db, f"devices:{server}", now)
    unsettled.touch_all(database, now)


def look_at_start(context_of: ContextOf, database: Database, servers: Sequence[str]) -> None:
    """Go on with what was broken off; and the clock may have gone back while no engine ran."""
    with database.read() as db:
        pending = clock_steps.pending(db)
    if pending is not None:
        clock_steps.move(database, pending)
    with database.read() as db:
        by = clock_steps.ahead(db, context_of(db).now)
    if by:
        stepped(context_of, database, servers, -by)


def lately(db: Connection, now: float, within: float) -> Step | None:
    """The last time that the clock was seen to be set, if that was within so many seconds."""
    stored = meta.recall(db, _LAST)
    step = None if stored is None else Step(**json.loads(stored))
    return step if step is not None and now - step.at < within else None
