"""Spacing of requests, on a clock that only moves when somebody waits."""

from __future__ import annotations

import threading

import pytest

from bridge.clients.rate import RateLimiter


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def test_callers_are_spaced_evenly_and_never_in_bursts() -> None:
    clock = Clock()
    limiter = RateLimiter(4, clock=clock, sleep=clock.sleep)
    passed = []
    for _ in range(5):
        limiter.acquire()
        passed.append(clock.now)
    assert passed == [100.0, 100.25, 100.5, 100.75, 101.0]
    clock.now = 200.0
    for _ in range(3):
        limiter.acquire()
        passed.append(clock.now)
    assert passed[5:] == [200.0, 200.25, 200.5]


def test_a_new_rate_holds_from_the_next_caller_on() -> None:
    clock = Clock()
    limiter = RateLimiter(1, clock=clock, sleep=clock.sleep)
    limiter.acquire()
    limiter.set_rate(10)
    passed = []
    for _ in range(3):
        limiter.acquire()
        passed.append(round(clock.now, 6))
    assert passed == [101.0, 101.1, 101.2]


@pytest.mark.parametrize("rate", [0, -1])
def test_a_rate_must_be_positive(rate: float) -> None:
    with pytest.raises(ValueError, match="above zero"):
        RateLimiter(rate)


def test_threads_get_slots_of_their_own() -> None:
    waits: list[float] = []
    limiter = RateLimiter(10, clock=lambda: 0.0, sleep=waits.append)

    def pass_often() -> None:
        for _ in range(25):
            limiter.acquire()

    threads = [threading.Thread(target=pass_often) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(round(wait, 6) for wait in waits) == [round(n / 10, 6) for n in range(1, 100)]
