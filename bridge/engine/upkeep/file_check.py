"""After an end that was none in order, the database file is looked through once.

It is done beside everything else, in a thread of its own that only reads: neither the hooks nor the
engine wait for it. What is found is kept, shown by the probes and `status`, and logged.
"""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Callable
from dataclasses import asdict

from bridge.domain.views import HealthPart
from bridge.engine.context import Context
from bridge.errors import StoreError
from bridge.store import meta
from bridge.store.database import Connection, Database, Soundness

log = logging.getLogger(__name__)

WITHIN = 600.0
"""Seconds that the look may take. As long as it lasts, the `-wal` cannot begin anew."""

_KEY = "file_check"


class FileCheck:
    """The look in its thread; `end` it before the database is closed."""

    def __init__(
        self, database: Database, clock: Callable[[], float], within: float = WITHIN
    ) -> None:
        self._database = database
        self._clock = clock
        self._within = within
        self._look = database.look()
        self._ending = False
        self._thread = threading.Thread(target=self._run, name="file-check", daemon=True)
        self._thread.start()

    def wait(self, timeout: float | None = None) -> None:
        """Wait until it is done."""
        self._thread.join(timeout)

    def end(self) -> None:
        """Give it up, if it is not done; nothing is kept of it then."""
        self._ending = True
        while self._thread.is_alive():
            self._look.end()
            self._thread.join(0.05)

    def _run(self) -> None:
        found = self._look.run(self._within)
        if self._ending:
            return
        if found.problem is not None:
            log.error("the database %s; %s", found.problem, found.mend)
        elif found.finished:
            log.info("the database file is sound")
        else:
            log.warning("the database file is too large to be looked through at a start")
        try:
            with self._database.write() as db:
                meta.keep(db, _KEY, json.dumps(asdict(found) | {"at": self._clock()}))
        except StoreError:
            log.exception("what was found in the database file could not be kept")


def due(db: Connection, *, in_order: bool) -> bool:
    """Whether a start looks: the last end was not in order, or the last look found damage."""
    found, _ = _kept(db)
    return not in_order or found.problem is not None


def forget(db: Connection) -> None:
    """The file is another one now."""
    meta.forget(db, _KEY)


def parts(context: Context) -> list[HealthPart]:
    """What the last look found, if there was one."""
    found, at = _kept(context.db)
    if at is None:
        return []
    detail = "sound"
    if found.problem is not None:
        detail = f"it {found.problem}; {found.mend}"
    elif not found.finished:
        detail = "too large to be looked through at a start; vpp-bridge backup looks at all of it"
    age = max(context.now - at, 0.0)
    return [HealthPart("database file", found.problem is None, "degraded", detail, age)]


def _kept(db: Connection) -> tuple[Soundness, float | None]:
    text = meta.recall(db, _KEY)
    if text is None:
        return Soundness(), None
    kept = json.loads(text)
    at = kept.pop("at")
    return Soundness(**kept), at
