"""Even spacing of requests.

Apple allows `limits.maxRequestPerSecond` (15) requests a second in total for a location
(source: Apple, "Service Config"). One limiter belongs to one location and is shared by every
thread that calls for it. Apple's other limit, at most five page reads at the same time, is about
concurrency and not rate; whoever reads pages in parallel holds a semaphore of five for it.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable


class RateLimiter:
    """Lets callers pass at most `per_second` times a second, without bursts; thread-safe.

    `clock` is a monotonic clock in seconds and `sleep` waits that many seconds.
    """

    def __init__(
        self,
        per_second: float,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        self._clock = clock
        self._sleep = sleep
        self._lock = threading.Lock()
        self._next = clock()
        self.set_rate(per_second)

    def set_rate(self, per_second: float) -> None:
        """Use another rate from the next caller on. Raises ValueError unless it is above zero."""
        if per_second <= 0:
            raise ValueError(f"a rate must be above zero, not {per_second}")
        with self._lock:
            self._interval = 1.0 / per_second

    def acquire(self) -> None:
        """Wait for the next free slot; callers are served in the order they ask."""
        with self._lock:
            now = self._clock()
            slot = max(now, self._next)
            self._next = slot + self._interval
        if slot > now:
            self._sleep(slot - now)
