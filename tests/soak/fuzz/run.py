"""Runs inputs through doors, and tells of each how many, how long the longest took, and what was
wrong."""

from __future__ import annotations

import random
import resource
import signal
import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import FrameType
from typing import Protocol

LONGEST = 1.0
"""Seconds of a processor that one input may take."""
_HUNG = 10.0
MEMORY = 256 * 1024 * 1024
"""Bytes by which the process may grow at one door."""
_TOLD = 5


class Door(Protocol):
    """One door. `prepare` sees to what stands behind it, and its time does not count; `give` makes
    the input that `chance` draws, hands it in, and returns in a word what became of it. It raises
    whatever the bridge must not raise there."""

    @property
    def name(self) -> str: ...

    def prepare(self) -> None: ...

    def close(self) -> None: ...

    def give(self, chance: random.Random) -> str: ...


class Wrong(AssertionError):
    """What a door did that it must not do."""


class Hung(BaseException):
    """An input took far too long; nobody on the way may catch it."""


@dataclass
class Tried:
    """What was seen at one door."""

    door: str
    inputs: int = 0
    seconds: float = 0.0
    longest: float = 0.0
    grown: int = 0
    became: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)

    def line(self) -> str:
        """In a line."""
        often = ", ".join(f"{word} {times}" for word, times in self.became.most_common(6))
        return (
            f"{self.door}: {self.inputs} inputs in {self.seconds:.0f} s, the longest"
            f" {self.longest * 1000:.0f} ms, {self.grown / 2**20:.0f} MiB more at most; {often}"
        )


def run(door: Door, inputs: int, seed: int, first: int = 0) -> Tried:
    """Give a door so many inputs, numbered from `first`."""
    tried = Tried(door.name)
    before, begun = _peak(), time.monotonic()
    for number in range(first, first + inputs):
        chance = random.Random(f"{seed} {door.name} {number}")
        door.prepare()
        at = time.thread_time()
        try:
            with _alarm():
                tried.became[door.give(chance)] += 1
        except (Exception, Hung) as error:  # noqa: BLE001 - it is what is looked for
            tried.wrong.append(f"input {number} of seed {seed}: {_where(error)}")
            if len(tried.wrong) >= _TOLD:
                break
        took = time.thread_time() - at
        tried.inputs += 1
        tried.longest = max(tried.longest, took)
        if took > LONGEST:
            tried.wrong.append(f"input {number} of seed {seed}: took {took:.1f} s")
    tried.seconds = time.monotonic() - begun
    tried.grown = _peak() - before
    if tried.grown > MEMORY:
        tried.wrong.append(f"the process grew by {tried.grown / 2**20:.0f} MiB")
    return tried


def shares(names: list[str], weights: dict[str, int], inputs: int) -> Iterator[tuple[str, int]]:
    """How many of so many inputs each door gets, by its weight (1 unless it is named)."""
    total = sum(weights.get(name, 1) for name in names)
    for name in names:
        yield name, max(inputs * weights.get(name, 1) // total, 1)


@contextmanager
def _alarm() -> Iterator[None]:
    def ring(_signal: int, _frame: FrameType | None) -> None:
        raise Hung(f"it was not done after {_HUNG:.0f} s of a processor")

    before: Callable[..., object] | int | None = signal.signal(signal.SIGVTALRM, ring)
    signal.setitimer(signal.ITIMER_VIRTUAL, _HUNG)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0.0)
        signal.signal(signal.SIGVTALRM, before)


def _peak() -> int:
    """The most memory that the process ever had, in bytes."""
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def _where(error: BaseException) -> str:
    last = traceback.extract_tb(error.__traceback__)[-1]
    text = " ".join(str(error).split())[:200]
    return f"{type(error).__name__} in {last.filename}:{last.lineno}: {text}"
