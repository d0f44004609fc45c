"""Kills the bridge, or stops its database, in the middle of its outside calls."""

from __future__ import annotations

import re
import threading

from tests.postgresql import Server
from tests.real.bridge_kit import Rig, until

WITHIN = 240.0
_CHANGES = re.compile("/enqueue/|/push/|POST /v1/commands|assets/associate")


class Reaper:
    """Kills the bridge at each kind of call, once before it and once after it; at those that read
    only once it `may_read`, since the rig waits for a bridge that came up."""

    def __init__(self, rig: Rig) -> None:
        self.may_read = threading.Event()
        self.struck: list[tuple[str, str]] = []
        self.died = threading.Event()
        self._rig = rig
        self._lock = threading.Lock()

    def strikes(self, call: str, when: str) -> bool:
        """See `Gate`."""
        if not (_CHANGES.search(call) or self.may_read.is_set()):
            return False
        with self._lock:
            if self.died.is_set():
                return True  # it comes from one that is dead by now
            if (call, when) in self.struck:
                return False
            self.struck.append((call, when))
            self._rig.process.kill()
            self.died.set()
            return True

    def until_all_is_installed(self) -> None:
        """Start the bridge again each time it died."""

        def ended() -> bool:
            if self.died.is_set():
                self.died.clear()
                self._rig.process.start()
            return not self.died.is_set() and self._rig.all_installed()

        until(ended, "everything is installed", WITHIN)


class Breaker:
    """Stops the server of the database, as a crash does, in so many outside calls: before the first
    one, after the second, and so on; each call is let through."""

    def __init__(self, rig: Rig, server: Server, times: int) -> None:
        self.struck: list[tuple[str, str]] = []
        self._rig = rig
        self._server = server
        self._times = times
        self._lock = threading.Lock()
        self._is_down = threading.Event()

    def strikes(self, call: str, when: str) -> bool:
        """See `Gate`; no connection is ended by it."""
        with self._lock:
            due = len(self.struck) < self._times and not self._is_down.is_set()
            if due and when == ("before", "after")[len(self.struck) % 2]:
                self.struck.append((call, when))
                self._server.stop("immediate")
                self._is_down.set()
        return False

    def until_all_is_installed(self) -> None:
        """Start the server again each time, once the bridge says that it is away."""

        def ended() -> bool:
            if self._is_down.is_set():
                until(lambda: not self._rig.is_ready(), "readyz says that the database is away")
                self._server.start()
                self._is_down.clear()
            return len(self.struck) == self._times and self._rig.all_installed()

        until(ended, "everything is installed", WITHIN)
