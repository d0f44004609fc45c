"""The connections of a process that read: so many at most, none for too long."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from bridge.domain.database_url import DatabaseUrl
from bridge.errors import StoreLocked
from bridge.store.database import WAIT
from bridge.store.postgresql.kept import Kept


class _Here(threading.local):
    kept: Kept | None = None


class Pool:
    """Hands a connection to whoever reads, the one that was used last; `make` makes another.

    `url` says how many there are, and for how long they rest; `clock` tells seconds.
    """

    def __init__(
        self,
        make: Callable[[], Kept],
        url: DatabaseUrl,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._make = make
        self._url = url
        self._clock = clock
        self._change = threading.Condition()
        self._resting: list[tuple[Kept, float]] = []
        self._lent: list[Kept] = []
        self._here = _Here()

    @property
    def here(self) -> Kept | None:
        """The one that this thread has now."""
        return self._here.kept

    @contextmanager
    def one(self, wait: float = WAIT) -> Iterator[Kept]:
        """One for this block alone. Raises StoreLocked after `wait` seconds without one."""
        here, kept = self._here, self._take(wait)
        before, here.kept = here.kept, kept
        try:
            yield kept
        finally:
            here.kept = before
            self._give_back(kept)

    def close(self) -> None:
        """Close them all, also those that are used; who reads later has a new one."""
        with self._change:
            for kept in (*self._lent, *(each for each, _ in self._resting)):
                kept.close()
            self._lent.clear()
            self._resting.clear()
            self._here = _Here()
            self._change.notify_all()

    def _take(self, wait: float) -> Kept:
        with self._change:
            size = self._url.pool_size
            if not self._change.wait_for(lambda: self._resting or len(self._lent) < size, wait):
                raise StoreLocked(
                    f"{self._url.shown}: all {size} connections that read are used for {wait:g} s "
                    "already; raise pool_size"
                )
            kept = self._resting.pop()[0] if self._resting else self._make()
            self._lent.append(kept)
            return kept

    def _give_back(self, kept: Kept) -> None:
        now = self._clock()
        with self._change:
            if kept not in self._lent:
                return  # all were closed meanwhile
            self._lent.remove(kept)
            self._resting.append((kept, now))
            while now - self._resting[0][1] > self._url.conn_max_idle_time:
                self._resting.pop(0)[0].close()
            self._change.notify()
