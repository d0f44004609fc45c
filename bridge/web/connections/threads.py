"""Threads that answer requests, and how many connections are with them."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

R = TypeVar("R")


class Threads:
    """`number` threads. A connection is with one of them from `run` until `left`.

    A thread that stays with its connection saves two hand-overs between it and the main loop, half
    of what a webhook costs here beside its commit. `may_stay` says whether it may: as long as so
    few connections are with the threads that `spare` of these are free for others.
    """

    def __init__(self, number: int, spare: int) -> None:
        self._pool = ThreadPoolExecutor(number)
        self._stay = number - spare
        self._with_them = 0

    def run(self, call: Callable[[], R]) -> Future[R]:
        """Have one of them do it; for the main loop alone, as `left`."""
        self._with_them += 1
        return self._pool.submit(call)

    def left(self) -> None:
        """What one of them did is done, and the connection is the main loop's again."""
        self._with_them -= 1

    def may_stay(self) -> bool:
        """Whether a thread may wait for what its connection sends next; for every thread."""
        return self._with_them <= self._stay
