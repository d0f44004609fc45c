"""Whether database and inbox take writes just now: the lock, and where in doubt the disk."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from bridge.errors import StoreError
from bridge.store import meta
from bridge.store.database import Database

EVERY = 1.0
"""Seconds for which an answer stands: anybody may ask."""

PATIENCE = 1.0
"""Seconds for which the lock is waited for."""

LITTLE_SPACE = 100 * 1024 * 1024
"""Bytes free on the disk below which a write is tried in earnest."""

AS_A_MESSAGE = 64 * 1024
"""Bytes that are written in earnest: where fewer find room, messages may not."""

_KEY = "write_probe"


class WriteProbe:
    """Asks whether a write would succeed now, at most once a second."""

    def __init__(self, database: Database, clock: Callable[[], float] = time.monotonic) -> None:
        self._database = database
        self._clock = clock
        self._lock = threading.Lock()
        self._asked_at = float("-inf")
        self._trouble: StoreError | None = None

    def trouble(self) -> StoreError | None:
        """Why nothing can be written; None when it can."""
        with self._lock:
            if self._clock() - self._asked_at >= EVERY:
                self._trouble = self._ask()
                self._asked_at = self._clock()
            return self._trouble

    def _ask(self) -> StoreError | None:
        try:
            with self._database.write(PATIENCE) as db:
                free = self._database.free_space()
                short = free is not None and free < LITTLE_SPACE
                failed = self._database.failed or self._database.inbox.failed
                in_doubt = short or failed is not None
                if in_doubt:
                    meta.keep(db, _KEY, "0" * AS_A_MESSAGE)
            if in_doubt:
                with self._database.write(PATIENCE) as db:
                    meta.forget(db, _KEY)
            self._database.inbox.try_writing(AS_A_MESSAGE if in_doubt else 0)
        except StoreError as error:
            return error
        return None
