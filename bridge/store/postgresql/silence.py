"""A server that has taken what was sent and does not answer: it is not waited for without end.

The system keeps such a connection up, as with a server whose processes stand still, so neither
keepalives nor the server's own limits of time end the wait. It is ended here, by the connection.
"""

from __future__ import annotations

import time
from collections.abc import Generator
from typing import Any

import psycopg

from bridge.store.patience import patience

TICK = 0.1
"""Seconds after which a wait looks how long it has lasted."""


class ServerSilent(psycopg.OperationalError):
    """Nothing was heard of the server for as long as somebody is patient."""


class Silences:
    """How often the connections of a process have found their server silent: those that were made
    before the last time are of no use."""

    def __init__(self) -> None:
        self.count = 0


class PatientConnection(psycopg.Connection[Any]):
    """psycopg's, which is closed when its server is silent for `silence_limit` seconds, or for as
    long as its thread is patient. What else is used of psycopg waits by the same `wait`."""

    silence_limit: float = 5.0
    """Until another is said."""
    silences = Silences()
    heard: float | None = None
    """When, by the clock, the server was heard last, while it is waited for."""

    def wait(self, gen: Any, interval: float = TICK, *args: Any, **named: Any) -> Any:
        """What comes of a talk with the server. Raises ServerSilent."""
        return super().wait(self._watched(gen), interval, *args, **named)

    def _watched(self, talk: Generator[Any, Any, Any]) -> Generator[Any, Any, Any]:
        """The same talk; it is told of each tick in which there was nothing to be read or sent."""
        clock = time.monotonic
        self.heard = clock()
        try:
            wanted = next(talk)
            while True:
                ready = yield wanted
                if ready:
                    self.heard = clock()
                elif self.silent_for() >= min(self.silence_limit, patience()):
                    self._give_up()
                wanted = talk.send(ready)
        except StopIteration as end:
            return end.value
        finally:
            self.heard = None

    def silent_for(self) -> float:
        """Seconds for which the server is waited for already."""
        heard = self.heard
        return 0.0 if heard is None else time.monotonic() - heard

    def _give_up(self) -> None:
        silent = f"has not answered for {self.silent_for():.0f} s"
        self.silences.count += 1
        self.close()  # an answer that comes yet would be taken for another's
        raise ServerSilent(f"the server is connected, and {silent}")
