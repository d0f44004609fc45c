"""The simulated world's clock: a heap of things to do and when.

With virtual time a test calls `advance`; with real time one thread calls `run`. Everything in the
simulator that takes time is scheduled here, so one seed gives one run.
"""

from __future__ import annotations

import heapq
import itertools
import random
import threading
import uuid
from collections.abc import Callable

Job = Callable[[], object]

_LONGEST_REST = 0.5  # seconds that `run` rests at most, so that `stop` is noticed
_TURN, _BREATH = 0.005, 0.0002  # seconds of work, and of rest in which others get the lock


class Kernel:
    """Clock, schedule, seeded randomness and the one lock of a simulated world.

    `now` (epoch seconds) is virtual time, moved only by `advance`; with a `clock` it is that clock.
    Jobs run one at a time, holding `lock`; whoever touches the world from another thread takes
    `lock` too, and nobody waits for the network while holding it in real time.
    """

    def __init__(
        self, now: float = 0.0, seed: int = 1, clock: Callable[[], float] | None = None
    ) -> None:
        self.random = random.Random(seed)
        self.lock = threading.RLock()
        self.jobs_run = 0
        self._clock = clock
        self._now = now
        self._heap: list[tuple[float, int, Job]] = []
        self._order = itertools.count()
        self._changed = threading.Condition(self.lock)

    @property
    def now(self) -> float:
        """The time in seconds since the epoch."""
        return self._now if self._clock is None else self._clock()

    def at(self, when: float, job: Job) -> None:
        """Run `job` at `when` (epoch seconds); a time in the past means as soon as possible."""
        with self._changed:
            heapq.heappush(self._heap, (when, next(self._order), job))
            self._changed.notify_all()

    def after(self, delay: float, job: Job) -> None:
        """Run `job` in `delay` seconds."""
        self.at(self.now + delay, job)

    def next_due(self) -> float | None:
        """When the earliest job is due (epoch seconds), or None if nothing is scheduled."""
        with self.lock:
            return self._heap[0][0] if self._heap else None

    def advance(self, to: float) -> int:
        """Run all that is due until `to` in order of time, then let it be `to`.

        Jobs that the jobs schedule are run too if they are due. Returns how many ran.
        """
        before = self.jobs_run
        while self._run_one(to):
            pass
        with self.lock:
            self._now = max(self._now, to)
        return self.jobs_run - before

    def _run_one(self, to: float) -> bool:
        with self.lock:
            if not self._heap or self._heap[0][0] > to:
                return False
            when, _, job = heapq.heappop(self._heap)
            self._now = max(self._now, when)
            self.jobs_run += 1
            job()
            return True

    def run(self, stop: threading.Event) -> None:
        """Follow the real clock until `stop` is set; a job that raises ends it with its error."""
        while not stop.is_set():
            turn_ends = self.now + _TURN
            while self._run_one(self.now) and self.now < turn_ends:
                pass
            with self._changed:
                due = self.next_due()
                rest = _LONGEST_REST if due is None else min(_LONGEST_REST, due - self.now)
                self._changed.wait(max(_BREATH, rest))

    def wake(self) -> None:
        """Have `run` look at its `stop` now."""
        with self._changed:
            self._changed.notify_all()

    def uuid(self) -> str:
        """A version 4 UUID, lower case, from the seed."""
        return str(uuid.UUID(int=self.random.getrandbits(128), version=4))
