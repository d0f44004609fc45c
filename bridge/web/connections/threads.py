"""Threads that answer requests, and how many connections are with them."""

from __future__ import annotations

import threading
from collections.abc import Callable
from queue import SimpleQueue

Call = Callable[[], object]


class Threads:
    """`number` threads, begun as they are needed. A connection is with one of them from `run` until
    `left`.

    A thread that stays with its connection saves two hand-overs between it and the main loop, half
    of what a webhook costs here beside its commit. `may_stay` says whether it may: as long as so
    few connections are with the threads that `spare` of these are free for others.

    Not an executor of the standard library: its futures, which nobody waits for, cost as much as
    reading a head.
    """

    def __init__(self, number: int, spare: int) -> None:
        self._calls: SimpleQueue[Call | None] = SimpleQueue()
        self._number = number
        self._stay = number - spare
        self._begun = 0
        self._with_them = 0

    def run(self, call: Call) -> None:
        """Have one of them do it, which must not raise; for the main loop alone, as `left`."""
        self._with_them += 1
        if self._begun < min(self._with_them, self._number):
            self._begun += 1
            threading.Thread(target=self._work, name="answering", daemon=True).start()
        self._calls.put(call)

    def left(self) -> None:
        """What one of them did is done, and the connection is the main loop's again."""
        self._with_them -= 1

    def may_stay(self) -> bool:
        """Whether a thread may wait for what its connection sends next; for every thread."""
        return self._with_them <= self._stay

    def end(self) -> None:
        """Let each of them end when it has done what it does."""
        for _ in range(self._begun):
            self._calls.put(None)

    def _work(self) -> None:
        while (call := self._calls.get()) is not None:
            call()
