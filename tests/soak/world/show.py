"""`tools/soak --world`: worlds of many seeds, and what each of them broke."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from itertools import repeat

from rich.console import Console

from tests.soak.world.trial import Outcome, made, run, shortest


def show(console: Console, seeds: Sequence[int], *, shrink: bool = True) -> bool:
    """Play them on all cores and print what they came to; whether all promises were kept."""
    began, bad, told = time.monotonic(), 0, list[Outcome]()
    for outcome in _played(seeds, shrink=shrink):
        told.append(outcome)
        if outcome.broken:
            bad += 1
            _tell(console, outcome)
        if len(told) % 50 == 0:
            console.print(f"{len(told)} worlds, {bad} of them broke a promise", style="dim")
    wall = time.monotonic() - began
    seconds = sorted(outcome.seconds for outcome in told)
    console.print(
        f"{len(told)} worlds of 30 days in {wall:.0f} s, {len(told) / wall * 3600:.0f} seeds an "
        f"hour; {seconds[len(seconds) // 2]:.1f} s of processor time each (median), "
        f"{seconds[-1]:.1f} s at most; {sum(o.starts for o in told)} starts of the bridge, "
        f"{sum(o.asked for o in told)} commands and requests; {bad} broke a promise",
        highlight=False,
    )
    return not bad


def _played(seeds: Sequence[int], *, shrink: bool) -> Iterator[Outcome]:
    if len(seeds) == 1:
        yield _play(seeds[0], shrink)
        return
    with ProcessPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        yield from pool.map(_play, seeds, repeat(shrink))


def _play(seed: int, shrink: bool) -> Outcome:
    outcome = run(made(seed))
    return shortest(outcome) if outcome.broken and shrink else outcome


def _tell(console: Console, outcome: Outcome) -> None:
    script = outcome.script
    console.print(f"seed {script.seed}: {len(script.events)} events are enough", style="red")
    console.print(f"  {script.traits}", markup=False, highlight=False)
    for line in (*outcome.said, *(f"BROKEN {each.kind}: {each.detail}" for each in outcome.broken)):
        console.print(f"  {line}", markup=False, highlight=False)
