"""Python imports this at its start where it is on the path: the wall clock can be set from outside.

As with a clock that is set, the monotonic one goes on. The file that SOAK_CLOCK names holds by how
many seconds the wall clock is wrong.
"""

import os
import time
from collections.abc import Callable


def _wrong(right: Callable[[], float], file: str) -> Callable[[], float]:
    def wall() -> float:
        with open(file, "rb") as offset:
            return right() + int(offset.read())

    return wall


if _file := os.environ.get("SOAK_CLOCK"):
    time.time = _wrong(time.time, _file)
