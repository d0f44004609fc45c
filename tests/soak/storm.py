"""Webhooks without end, each sent once, and the ledger of those that were answered 200."""

from __future__ import annotations

import http.client
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from tests.soak.client import webhook
from tests.soak.served import HOOK, KEY, Served

_BREATH = 0.01
"""Seconds between two webhooks of one poster."""
_TIMEOUT = 30.0
_REFUSED = 0.05


@dataclass
class Ledger:
    """What became of the webhooks; thread-safe as far as it is used here."""

    taken: set[str] = field(default_factory=set)
    answers: Counter[str] = field(default_factory=Counter)
    waits: dict[int, float] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def note(self, message: str, answer: str, waited: float) -> None:
        """One webhook was answered with a status, or its connection ended with an error."""
        with self._lock:
            if answer == "200":
                self.taken.add(message)
            self.answers[answer] += 1
            if answer.isdigit():
                self.waits[int(answer)] = max(self.waits.get(int(answer), 0.0), waited)

    @property
    def worst(self) -> float:
        """The longest that anybody waited for an answer."""
        return max(self.waits.values(), default=0.0)

    @property
    def shown(self) -> str:
        """What was answered how often."""
        return ", ".join(f"{number} × {answer}" for answer, number in sorted(self.answers.items()))

    def lost(self, served: Served) -> list[str]:
        """What was answered 200 and is not in the database."""
        return sorted(self.taken - served.stored("storm-"))


@contextmanager
def storm(served: Served, posters: int = 4) -> Iterator[Ledger]:
    """Webhooks from as many posters at once while this lasts.

    Each keeps its connection, as MicroMDM's Go client does, and makes a new one when it breaks.
    """
    ledger, stop = Ledger(), threading.Event()
    name = f"storm-{time.monotonic_ns()}"
    threads = [
        threading.Thread(target=_post, args=(served, ledger, stop, f"{name}-{number}"), daemon=True)
        for number in range(posters)
    ]
    for thread in threads:
        thread.start()
    try:
        yield ledger
    finally:
        stop.set()
        for thread in threads:
            thread.join(_TIMEOUT)


def _post(served: Served, ledger: Ledger, stop: threading.Event, name: str) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", served.port, timeout=_TIMEOUT)
    count = 0
    while not stop.wait(_BREATH):
        count += 1
        message = f"{name}-{count}"
        started = time.monotonic()
        try:
            connection.request("POST", HOOK, webhook(message), {"Authorization": KEY})
            response = connection.getresponse()
            response.read()
            answer = str(response.status)
        except (OSError, http.client.HTTPException) as error:
            answer = type(error).__name__
            with suppress(OSError):
                connection.close()
            stop.wait(_REFUSED)
        ledger.note(message, answer, time.monotonic() - started)
    connection.close()
