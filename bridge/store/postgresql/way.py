"""The way to the server: where there is none just now, nobody waits for it again and again.

A connection to a server that is gone without a word is waited for until a limit of time. A hook may
not wait for that: its sender would, and with it all that it has to tell. So a connection is made in
a thread, and is waited for shortly; once that was in vain, whoever comes while another one tries,
and for a moment afterwards, is told so at once. What is made too late is kept for who comes next.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future

import psycopg

from bridge.store.postgresql.connection import Connection
from bridge.store.postgresql.silence import Silences

PATIENCE = 2.0
"""Seconds for which a connection is waited for where there was a server."""
IMPATIENCE = 0.5
"""And where it was found to be away."""
QUICK = 0.1
"""Seconds in which a server that does not run refuses."""
AGAIN = 0.5
"""Seconds after a longer try in vain before another one is made."""


class Way:
    """Makes connections by `connect`; `clock` tells seconds. After a server was found silent
    (`silences`) the next one is waited for as briefly as where it was found to be away."""

    def __init__(
        self,
        connect: Callable[[], Connection],
        clock: Callable[[], float] = time.monotonic,
        silences: Silences | None = None,
    ) -> None:
        self._connect = connect
        self._clock = clock
        self._silences = silences or Silences()
        self._made_in = 0
        self._lock = threading.Lock()
        self._was_there = False
        self._away: str | None = None
        self._again_at = float("-inf")
        self._tries = 0
        self._late: Connection | None = None

    def connection(self) -> Connection:
        """A new connection. Raises psycopg.Error where there is none to be had."""
        with self._lock:
            late, self._late = self._late, None
            if late is not None and not late.is_lost:
                return late
            if self._away is not None and (self._tries or self._clock() < self._again_at):
                raise psycopg.OperationalError(self._away)
            is_well = self._away is None and self._made_in == self._silences.count
            patience = PATIENCE if is_well else IMPATIENCE
            alone = not self._was_there  # at a start nobody waits for us
            self._tries += 1
        attempt: Future[Connection] = Future()
        if alone:
            self._try(attempt)
            return attempt.result()
        run = threading.Thread(target=self._try, args=(attempt,), name="connecting", daemon=True)
        try:
            run.start()
        except RuntimeError as error:  # the machine has no thread left; the next one tries again
            with self._lock:
                self._tries -= 1
            raise psycopg.OperationalError(f"no connection could be tried: {error}") from error
        try:
            return attempt.result(patience)
        except TimeoutError:
            with self._lock:
                self._away = f"no connection to the server within {patience:g} s"
            attempt.add_done_callback(self._too_late)
            raise psycopg.OperationalError(self._away) from None

    def close(self) -> None:
        """Keep nothing of it."""
        with self._lock:
            late, self._late = self._late, None
        if late is not None:
            late.close()

    def _try(self, attempt: Future[Connection]) -> None:
        began, made_in = self._clock(), self._silences.count
        try:
            made = self._connect()
        except BaseException as error:  # noqa: BLE001 - whoever waits for it meets it
            with self._lock:
                self._tries -= 1
                self._away = str(error)
                if self._clock() - began > QUICK:
                    self._again_at = self._clock() + AGAIN
            attempt.set_exception(error)
        else:
            with self._lock:
                self._tries -= 1
                self._was_there, self._away = True, None
                self._made_in = made_in
            attempt.set_result(made)

    def _too_late(self, attempt: Future[Connection]) -> None:
        """Nobody waits for it any more: the next one that is asked for is this."""
        if attempt.exception() is not None:
            return
        with self._lock:
            before, self._late, self._away = self._late, attempt.result(), None
        if before is not None:
            before.close()
