"""Keeping how installs stand, now and then, so that a chart can show how they stood.

It is done in whatever pass comes when it is due; nobody is woken for it.
"""

from __future__ import annotations

from bridge.domain.over_time import EVERY
from bridge.store.database import Database
from bridge.store.views import over_time, totals


class Counting:
    """When it was counted last."""

    def __init__(self, database: Database, now: float) -> None:
        self._database = database
        self.next_at = now
        """When it is counted next, seconds since the epoch."""

    def clock_stepped(self, by: float) -> None:
        """The wall clock was set by so many seconds."""
        self.next_at += by

    def step(self, now: float) -> None:
        """Count, since it is time: read while others may write, and then write a few rows."""
        self.next_at = now + EVERY
        with self._database.read() as db:
            counts = totals.installs(db)
        if counts:
            with self._database.write() as db:
                over_time.keep(db, counts, now)
