"""The loop around the engine's passes, by a clock that the test moves."""

from __future__ import annotations

import threading
from typing import Any, cast

from bridge.engine import rounds
from bridge.engine.loop import Engine


class Stop:
    """Set after so many passes; whoever waits for it lets time pass."""

    def __init__(self, clock: Any) -> None:
        self._clock = clock

    def is_set(self) -> bool:
        return len(self._clock.began) == 5

    def wait(self, seconds: float) -> bool:
        self._clock.now += seconds
        return False


class Passes:
    """In place of an engine: each pass finds something to do, and takes so long."""

    def __init__(self, take: float) -> None:
        self.now = 0.0
        self.began: list[float] = []
        self._take = take
        self.dispatcher = self.finished = self.database = self

    def recover(self) -> None:
        """Nothing was left."""

    def clear(self) -> None:
        """Nothing ended."""

    def data_version(self) -> tuple[int, int]:
        return 0, 0

    def clock(self) -> float:
        return self.now

    def next_due(self) -> float | None:
        """No pass ends with nothing to do."""
        raise AssertionError

    def clock_stepped(self, by: float) -> None:
        raise AssertionError

    def run_once(self) -> bool:
        self.began.append(self.now)
        self.now += self._take
        return True


def beginnings(take: float) -> list[float]:
    passes = Passes(take)
    stop = cast(threading.Event, Stop(passes))
    rounds.run(cast(Engine, passes), stop, lambda: None, lambda: passes.now)
    return [round(each, 6) for each in passes.began]


def test_short_passes_leave_time_for_what_comes_meanwhile() -> None:
    """The first few follow each other at once: nothing came before them that could be gathered."""
    gap, first = rounds.GATHER, rounds.AT_ONCE
    assert beginnings(take=gap / 10)[first:] == [round(gap * n, 6) for n in range(1, 6 - first)]
    assert beginnings(take=gap / 10)[:first] == [round(gap / 10 * n, 6) for n in range(first)]


def test_long_passes_follow_each_other() -> None:
    assert beginnings(take=2.0) == [0.0, 2.0, 4.0, 6.0, 8.0]
