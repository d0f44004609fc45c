"""Forgetting what is old, in steps so small that nothing else waits for them.

Each pass of the engine makes one step: a few rows, or a few pages that go back to the disk, and in
the end the `-wal` is emptied. Where it stands is kept in memory; a start begins anew.
"""

from __future__ import annotations

from bridge.domain.policy import RetentionPolicy
from bridge.store import pruning
from bridge.store.database import Database

EVERY = 3600.0
"""Seconds between two looks for what is old."""


class Pruning:
    """What is left to do of the present round, and when the next one begins."""

    def __init__(self, database: Database, retention: RetentionPolicy, now: float) -> None:
        self._database = database
        self._retention = retention
        self._left: list[pruning.Rule] = []
        self._after = 0
        self._returning = False
        self._folding = False
        self.under_way = False
        """Whether the present round has something left to do."""
        self.next_at = now
        """When the next round begins, seconds since the epoch."""

    def clock_stepped(self, by: float) -> None:
        """The wall clock was set by so many seconds."""
        self.next_at += by

    def step(self, now: float) -> int:
        """One small step; returns how many rows were looked at, or pages went; 0 at the end."""
        if now >= self.next_at:
            self.next_at = now + EVERY
            self._left, self._after = list(pruning.RULES), 0
            self._returning = self._folding = self.under_way = True
        done = self._forget(now) or self._return() or self._fold()
        self.under_way = bool(self._left) or self._returning or self._folding
        return done

    def _forget(self, now: float) -> int:
        """Look on from where the last step ended, until something goes or enough was looked at."""
        before, looked = pruning.bounds(self._retention, now), 0
        while self._left and looked < pruning.LOOKED_AT:
            rule = self._left[0]
            with self._database.read() as db:
                found = pruning.find(db, rule, before, self._after)
            looked += found.looked
            self._after = found.after or 0
            if found.after is None:
                del self._left[0]
            if found.rows:
                with self._database.write() as db:
                    pruning.remove(db, rule, found.rows, before)
                return len(found.rows)
        return looked if self._left else 0

    def _return(self) -> int:
        if not self._returning:
            return 0
        with self._database.read() as db:
            free = pruning.free_pages(db)
        returned = 0
        if free:
            with self._database.write() as db:
                returned = pruning.return_pages(db)
        self._returning = returned > 0
        return returned

    def _fold(self) -> int:
        """Somebody who reads just now keeps the `-wal` as it is: then again in the next pass."""
        if self._folding:
            self._folding = not self._database.fold()
        return 0
