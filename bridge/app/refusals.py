"""Counting what is refused: anybody can cause that, so it is written in cohorts.

What was refused first is written at once; what follows within some seconds is written together,
at the latest when they are over, when somebody asks how the bridge does, or at the end.
"""

from __future__ import annotations

import logging
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import replace

from bridge.domain.audit import Actor
from bridge.domain.roles import Role
from bridge.domain.webhooks import Refused
from bridge.engine.insight.webhook_health import note_refused
from bridge.errors import StoreError
from bridge.store import intake, meta
from bridge.store.database import Database
from bridge.store.service import audit

log = logging.getLogger(__name__)

STORE_EVERY = 5.0
"""Seconds between two writes of how many requests were refused."""


class Refusals:
    """What was refused and is not written yet; thread-safe, and nothing here raises."""

    def __init__(self, database: Database, now: Callable[[], float]) -> None:
        self._database = database
        self._now = now
        self._lock = threading.Lock()
        self._counted: Counter[str] = Counter()
        self._webhooks: dict[tuple[str, int], Refused] = {}
        self._denied: Counter[tuple[Actor, Role]] = Counter()
        self._stored_at = 0.0
        self._timer: threading.Timer | None = None

    def count(self, name: str) -> None:
        """Count one refused request."""
        with self._lock:
            self._counted[name] += 1
        self._store_in_time()

    def denied(self, actor: Actor, needed: Role) -> None:
        """Count one that `actor` was refused for want of the role `needed`."""
        with self._lock:
            self._denied[actor, needed] += 1
        self.count("api.403")

    def webhook(self, server: str, status: int, name: str) -> None:
        """Count one as `count` does, which was a webhook of this server (`NOBODY`: of any)."""
        now = self._now()
        with self._lock:
            self._counted[name] += 1
            before = self._webhooks.get((server, status), Refused(status, 0, now, now))
            after = replace(before, count=before.count + 1, last_at=now)
            self._webhooks[server, status] = after
        self._store_in_time()

    def accepted(self, server: str) -> None:
        """A webhook of this server was taken in: what was refused before it is over."""
        with self._lock:
            for key in [key for key in self._webhooks if key[0] == server]:
                del self._webhooks[key]

    def flush(self) -> None:
        """Write what there is to be written."""
        with self._lock:
            counted, self._counted = self._counted, Counter()
            refused, self._webhooks = self._webhooks, {}
            denied, self._denied = self._denied, Counter()
            self._stored_at = self._now()
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None
        if not counted:
            return
        try:
            with self._database.inbox.read() as waiting, self._database.write() as db:
                # What was refused is over with the next one that came in: so those come first.
                intake.take_unhandled(db, waiting, self._now())
                for name, number in counted.items():
                    meta.count(db, name, self._now(), number)
                for (server, _), more in refused.items():
                    note_refused(db, server, more)
                for (actor, needed), number in denied.items():
                    audit.refuse(db, self._now(), actor, needed, number)
        except StoreError as error:
            log.error("refused requests cannot be counted yet: %s", error)
            with self._lock:
                self._counted += counted
                self._webhooks = refused | self._webhooks
                self._denied += denied

    def _store_in_time(self) -> None:
        with self._lock:
            since = self._now() - self._stored_at
            due = not 0.0 <= since < STORE_EVERY  # the clock may be set
            if not due and self._timer is None:
                self._timer = threading.Timer(STORE_EVERY, self.flush)
                self._timer.daemon = True
                try:
                    self._timer.start()
                except RuntimeError:  # no more threads: then with the next one that is refused
                    self._timer = None
        if due:
            self.flush()
