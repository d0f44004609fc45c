"""How long the server of a database may be silent while a thread waits for it.

The sender of a webhook and a probe wait a few seconds, and who reads a page half a minute; a long
statement of the engine's takes as long as it takes. So who answers others says so for its thread,
and the connections look here. A file is never silent.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Iterator
from contextlib import contextmanager

HOOKS = 3.0
"""Seconds for whom a sender or a probe waits: with a try to connect anew it is answered in five."""

PEOPLE = 30.0
"""Seconds for what people, and programs that call the API, wait for."""

AT_THE_END = 1.0
"""Seconds for a process that is about to end, and has nothing left to lose."""


class _Here(threading.local):
    seconds = math.inf


_here = _Here()


def patience() -> float:
    """Seconds for which this thread waits for a silent server, if nobody is less patient."""
    return _here.seconds


def by_default(seconds: float) -> None:
    """From now on no thread of this process waits longer than that, unless it says otherwise."""
    _Here.seconds = seconds


@contextmanager
def patient(seconds: float) -> Iterator[None]:
    """Within this block the thread waits no longer than that."""
    before = _here.seconds
    _here.seconds = min(before, seconds)
    try:
        yield
    finally:
        _here.seconds = before
