"""Who guesses keys is answered slowly: told by address, and by nothing that a right key meets.

A request is looked at as ever, and one with right credentials answered at once, whoever else fails
at its address. Only the answer to one with wrong ones is held back, by the worker and without a
thread (`connections/`). After AT_ONCE of them, those to one address go out APART seconds apart.

An MDM server whose key is wrong says the same with every webhook: that is no guess, and its fleet
would wait with it. So at its hook the same credentials count once.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from flask import Flask, Response, request

from bridge.web.connections.answering import HELD_BACK
from bridge.web.connections.connection import address_of
from bridge.web.doctor_requests import is_probe
from bridge.web.ports import Counting
from bridge.web.webhooks import PREFIX

AT_ONCE = 10
"""Failures of an address that are answered at once."""
APART = 1.0
"""Seconds between two answers after that."""
LONGEST = 10.0
"""Seconds that an answer is held back at most."""
FORGOTTEN_AFTER = 60.0
"""Seconds without another failure, after which the ones before count no more."""
MOST = 10_000
"""Addresses that are remembered, those that failed last."""

_UNAUTHORIZED = 401


@dataclass(slots=True)
class _Failed:
    """Failures of one address: how many, when the last answer goes out, and what it said last."""

    times: int = 0
    answered_at: float = 0.0
    said: int | None = None


class Failures:
    """Failures by address; thread-safe. `clock` is monotonic, in seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._by_address: OrderedDict[str, _Failed] = OrderedDict()

    def hold(self, address: str, said: str, *, once: bool) -> float:
        """For how many seconds the answer to one more failure is held back; `said` is what it came
        with, and with `once` the same again is no further one."""
        now, said_now = self._clock(), hash(said)  # under a key of this process
        with self._lock:
            failed = self._by_address.get(address)
            if failed is None or now - failed.answered_at > FORGOTTEN_AFTER:
                failed = _Failed(answered_at=now)
            self._by_address[address] = failed
            self._by_address.move_to_end(address)
            if len(self._by_address) > MOST:
                self._by_address.popitem(last=False)
            if once and failed.said == said_now:
                return 0.0
            failed.said = said_now
            failed.times += 1
            if failed.times <= AT_ONCE:
                failed.answered_at = now
                return 0.0
            failed.answered_at = min(max(failed.answered_at, now) + APART, now + LONGEST)
            return failed.answered_at - now


def register(app: Flask, bridge: Counting) -> None:
    """Have answers of 401 held back where their address has failed often; what `doctor` is refused
    is what it asked for."""
    failures = Failures()

    def look(response: Response) -> Response:
        if response.status_code == _UNAUTHORIZED and not is_probe(bridge, request):
            address = address_of(request.remote_addr or "")
            said = request.headers.get("Authorization", "")
            seconds = failures.hold(address, said, once=request.path.startswith(PREFIX))
            if seconds:
                request.environ[HELD_BACK] = seconds
        return response

    app.after_request(look)
