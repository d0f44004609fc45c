"""Webhooks that were lost through our own answer: what they may have told is looked up."""

from __future__ import annotations

import logging
import threading
from collections import Counter
from collections.abc import Callable, Sequence

from bridge.domain.webhooks import Refused
from bridge.engine.insight.webhook_health import note_refused
from bridge.errors import StoreError
from bridge.store import intake, meta
from bridge.store.commands import timers
from bridge.store.database import Database

log = logging.getLogger(__name__)


class LostWebhooks:
    """What was lost and is not noted in the database yet; thread-safe, and nothing here raises.

    A webhook is lost most of all while the database takes nothing. So it is kept here until one was
    taken in; a start looks everything up anyhow.
    """

    def __init__(self, database: Database, now: Callable[[], float]) -> None:
        self._database = database
        self._now = now
        self._lock = threading.Lock()
        self._lost: Counter[tuple[str, int]] = Counter()
        self._said = ""

    def add(self, server: str, status: int) -> None:
        """A webhook with right credentials was answered so."""
        with self._lock:
            self._lost[server, status] += 1

    def begun(self, servers: Sequence[str]) -> None:
        """A web side begins beside an engine that goes on: what was sent to these servers' hook
        while it was away, or when it died, may be lost. Raises StoreError."""
        now = self._now()
        with self._database.inbox.read() as waiting, self._database.write() as db:
            intake.take_unhandled(db, waiting, now)
            timers.suspect_all(db, now)
            for server in servers:
                meta.hasten_job(db, f"devices:{server}", now)

    def note(self) -> None:
        """Have the engine look up what the lost ones may have told."""
        with self._lock:
            lost, self._lost = self._lost, Counter()
        if not lost:
            return
        now = self._now()
        try:
            with self._database.inbox.read() as waiting, self._database.write() as db:
                intake.take_unhandled(db, waiting, now)
                for (server, status), number in lost.items():
                    meta.count(db, f"mdm.{status}", now, number)
                    note_refused(db, server, Refused(status, number, now, now))
                    timers.suspect_all(db, now, server=server)
                    meta.hasten_job(db, f"devices:{server}", now)
        except StoreError as error:
            if str(error) != self._said:  # once, not at every webhook
                self._said = str(error)
                log.error("lost webhooks cannot be noted yet: %s", error)
            with self._lock:
                self._lost += lost
        else:
            self._said = ""
