"""What ends the engine's sleep before the clock does: a call that ended, or another process."""

from __future__ import annotations

import os
import select
import time
from collections.abc import Callable
from contextlib import suppress

GAP = 0.05
"""Seconds between two times that other processes end a sleep: what they store meanwhile is taken up
together, for a pass costs as much as several messages."""

QUIET = 0.25
"""Seconds without a ring after which two are heard at once: somebody asks for a licence, and Apple
tells of it within milliseconds."""


class Wake:
    """Set by threads of this process, and by whoever writes to a pipe; waited for by one thread.

    A pipe and not a `threading.Event`, since only files can be waited for together. `bell` is the
    end of a pipe that other processes write to; it must not block.
    """

    def __init__(
        self, bell: int | None = None, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._reading, self._writing = os.pipe()
        for end in (self._reading, self._writing):
            os.set_blocking(end, False)
        self._bell = bell
        self._monotonic = monotonic
        self._rung_at = self._deaf_until = float("-inf")

    def __del__(self) -> None:
        for end in (self._reading, self._writing):
            os.close(end)

    def set(self) -> None:
        """End the sleep, or the next one."""
        ring(self._writing)

    def clear(self) -> None:
        """Forget that it was set here."""
        _drain(self._reading)

    def is_set(self) -> bool:
        """Whether it was set here."""
        return bool(_readable((self._reading,), 0.0))

    def wait(self, seconds: float) -> bool:
        """Wait until it is set, or has been, for at most so long; whether it is."""
        deadline = self._monotonic() + seconds
        while True:
            left = max(deadline - self._monotonic(), 0.0)
            deaf = max(self._deaf_until - self._monotonic(), 0.0)
            if self._bell is None or deaf >= left:
                return bool(_readable((self._reading,), left))
            if deaf > 0.0:
                if _readable((self._reading,), deaf):
                    return True
                continue
            found = _readable((self._reading, self._bell), left)
            if self._bell in found:
                self._heard(self._monotonic())
                if not _drain(self._bell):  # nobody can ring any more
                    self._bell = None
            return bool(found)

    def _heard(self, now: float) -> None:
        if now - self._rung_at < QUIET:
            self._deaf_until = now + GAP
        self._rung_at = now


def ring(fd: int) -> None:
    """Write to a pipe that somebody waits at; one that is full is enough, and so is a closed one:
    nobody listens there."""
    with suppress(BlockingIOError, BrokenPipeError):
        os.write(fd, b"\0")


def _readable(fds: tuple[int, ...], seconds: float) -> set[int]:
    poll = select.poll()  # unlike select(), for numbers above 1023, too
    for fd in fds:
        poll.register(fd, select.POLLIN)
    return {fd for fd, _ in poll.poll(seconds * 1000)}


def _drain(fd: int) -> bool:
    """Read all that is there; whether there was something."""
    some = False
    with suppress(BlockingIOError):
        while os.read(fd, 4096):
            some = True
    return some
