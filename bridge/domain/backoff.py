"""Waiting times between tries, as pure functions."""

from __future__ import annotations

from collections.abc import Sequence


def nth_delay(delays: Sequence[float], tries: int) -> float | None:
    """The wait after the `tries`-th failure (1 is the first), or None when the tries are used up.

    `delays` is one wait for each retry: attempts are 1 + its length.
    """
    return delays[tries - 1] if 1 <= tries <= len(delays) else None


def last_delay_for_ever(delays: Sequence[float], tries: int) -> float:
    """As `nth_delay`, but the last wait repeats for ever; a minute when no wait is given."""
    return delays[min(max(tries, 1), len(delays)) - 1] if delays else 60.0


def doubling(start: float, last: float, first_after: float, at_most: float) -> float:
    """When to look again: first `first_after` seconds after `start`, then at doubled gaps.

    `last` is when it was looked last (`start` when never). The gap is as long as the time that
    has already passed since `start`, at least `first_after` and at most `at_most` seconds.
    """
    return last + min(max(last - start, first_after), at_most)


def next_step(start: float, now: float, waits: Sequence[float], *, each: int, last: float) -> float:
    """The next of the moments that follow `start` at these waits, each of them `each` times, and at
    `last` for ever after those."""
    due = start
    for wait in (wait for wait in waits for _ in range(each)):
        due += wait
        if due > now:
            return due
    return now + last
