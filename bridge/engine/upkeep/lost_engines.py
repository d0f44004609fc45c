"""Engines that share the calls and are gone: the one that decides looks up what they had begun.

An engine that says nothing for as long as its lease is gone or cannot reach the database, and
begins no call by then (`store/postgresql/engines.py`). While the database itself was away nobody
could say anything, so a silence counts only if this engine has met it before, a while ago, and
nothing was heard since.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping

from bridge.domain.wording import counted
from bridge.engine import recovery
from bridge.engine.calls import Call
from bridge.engine.context import ContextOf
from bridge.errors import StoreError
from bridge.store.database import Database, Engines
from bridge.store.outbox import outbox

log = logging.getLogger(__name__)

EVERY = 2.0
"""Seconds between two looks."""

LONGER = 4.0
"""Seconds for which a silence that was met has to last."""


class LostEngines:
    """Looks for them every few seconds. `monotonic` is a clock in seconds that nobody sets."""

    def __init__(
        self,
        database: Database,
        engines: Engines,
        context: ContextOf,
        calls: Mapping[str, Call],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._database = database
        self._engines = engines
        self._context = context
        self._calls = calls
        self._monotonic = monotonic
        self._met: dict[tuple[int, float], float] = {}
        self.next_at = 0.0
        """When it is looked next, seconds since the epoch."""

    def look(self, now: float) -> int:
        """Look, and have what was begun by those who are gone looked up; how many are. Raises
        StoreError."""
        self.next_at = now + EVERY
        try:
            silent = self._engines.silent()
        except StoreError:
            self._met = {}
            raise
        at = self._monotonic()
        self._met = {
            (each.number, each.heard): self._met.get((each.number, each.heard), at)
            for each in silent
        }
        gone = {
            each.number: each.name
            for each in silent
            if at - self._met[each.number, each.heard] >= LONGER
        }
        if not gone:
            return 0
        with self._database.write() as db:
            begun = outbox.claimed_by(db, tuple(gone))
            recovery.doubt(self._context(db), self._calls, begun)
            self._engines.give_up(db, tuple(gone))
        text = "nothing is heard of the engine (%s) any more: %s it had begun are looked up"
        log.warning(text, ", ".join(gone.values()), counted(len(begun), "call"))
        return len(gone)
