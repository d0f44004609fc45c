"""`tools/soak`: every scenario in turn, a table, and exit code 1 where one did not hold."""

from __future__ import annotations

import argparse
import functools
import resource
import signal
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bridge.domain.policy import LimitsPolicy
from tests.bench.slow_disk import NoCompiler
from tests.soak import full_disk
from tests.soak.crash_world import MODES
from tests.soak.crashes import OF_A_WORLD, crashes
from tests.soak.faults import Found
from tests.soak.hours import hours
from tests.soak.scenarios import MEMORY, WAIT, Result, run, scenarios
from tests.soak.trials import Trial, trials
from tests.soak.world.show import show

_FILES = 4096
_COLUMNS = ("beside", "sent", "median wait", "worst wait", "lost", "web process", "")


def main() -> int:
    """Run what was asked for."""
    parser = argparse.ArgumentParser(prog="tools/soak", description=__doc__)
    parser.add_argument("--seconds", type=float, default=15.0, help="for each scenario")
    parser.add_argument("--only", default="", help="scenarios whose name contains this")
    parser.add_argument(
        "--one-listener", action="store_true", help="without listen_outside, for older builds"
    )
    parser.add_argument(
        "--share",
        type=float,
        default=1.0,
        help="of the kills and stops; 1 is 100 kills, 100 of workers, 50 ends, 20 halts",
    )
    parser.add_argument(
        "--fuzz",
        type=int,
        metavar="INPUTS",
        help="nothing but bad input, so many in all, at doors whose name contains --only",
    )
    parser.add_argument("--seed", type=int, default=1, help="of --fuzz, or the first of many")
    parser.add_argument("--first", type=int, default=0, help="the number of the first input")
    parser.add_argument("--crashes", type=int, help="instead: so many deaths at any moment")
    parser.add_argument("--hours", type=float, help="instead: a steady rate, and what grows")
    parser.add_argument("--rate", type=float, help="of --hours; default what can be kept up with")
    parser.add_argument("--body", type=int, help="bytes of a large body; default the limit")
    parser.add_argument(
        "--world",
        type=int,
        metavar="WORLDS",
        help="nothing but simulated worlds, so many from --seed on",
    )
    asked = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # and what was started is ended
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(
        resource.RLIMIT_NOFILE,
        (_FILES if hard == resource.RLIM_INFINITY else min(_FILES, hard), hard),
    )
    console = Console(width=None if sys.stdout.isatty() else 120)
    if asked.fuzz:
        return 0 if _fuzz(console, asked.fuzz, asked.seed, asked.only, asked.first) else 1
    if asked.crashes:
        return 0 if _crashes(console, asked.crashes, asked.seed) else 1
    if asked.hours:
        say = functools.partial(console.print, style="dim", highlight=False)
        return 0 if _say(console, hours(asked.hours, asked.rate, say)) else 1
    if asked.world:
        return 0 if show(console, range(asked.seed, asked.seed + asked.world)) else 1
    results = []
    for scenario in scenarios(asked.body or LimitsPolicy().mdm_body):
        if asked.only in scenario.name and not (scenario.outside and asked.one_listener):
            console.print(f"{scenario.name} …", style="dim")
            results.append(run(scenario, asked.seconds, outside=not asked.one_listener))
    held = all(result.is_good for result in results)
    if results:
        _tell(console, results)
    for trial in trials():
        if asked.only in trial.name:
            console.print(f"{trial.name} …", style="dim")
            held &= _show(console, trial, asked.share)
    if asked.only in "a full disk":
        held &= _full_disk(console)
    return 0 if held else 1


def _crashes(console: Console, deaths: int, seed: int) -> bool:
    """Worlds of OF_A_WORLD deaths each, one for each mode in turn; whether all of it held."""
    held, began, died, places = True, time.monotonic(), 0, Counter[str]()
    while died < deaths:
        number = died // OF_A_WORLD
        mode, size = MODES[number % len(MODES)], min(OF_A_WORLD, deaths - died)
        found = crashes(mode, size, seed + number)
        held &= _say(console, found)
        died += size
        places += found.died
        console.print(f"{died} of {deaths} deaths, {time.monotonic() - began:.0f} s", style="dim")
    for place, number in places.most_common():
        console.print(f"{number:5} {place}", highlight=False)
    return held


def _show(console: Console, trial: Trial, share: float) -> bool:
    """Run it and print what it found; whether it held."""
    try:
        found = trial.run(share)
    except NoCompiler as why:
        found = Found(trial.name, figures=[f"skipped: {why}"])
    except RuntimeError as error:
        found = Found(trial.name, wrong=[str(error)])
    return _say(console, found)


def _say(console: Console, found: Found) -> bool:
    console.print(f"{found.name}: {'FAILED' if found.wrong else 'ok'}", highlight=False)
    for line in (*found.figures, *(f"WRONG: {each}" for each in found.wrong)):
        console.print(f"  {line}", highlight=False, markup=False)
    return not found.wrong


def _tell(console: Console, results: list[Result]) -> None:
    console.print(_table(results))
    for result in results:
        for each in result.lost[:5]:
            console.print(f"{result.scenario}: lost {each}")
    memory = MEMORY // 1024 // 1024
    console.print(
        f"Wanted: no wait above {WAIT:.0f} s, none lost, the web process below {memory} MB."
    )


def _fuzz(console: Console, inputs: int, seed: int, only: str, first: int) -> bool:
    """Give bad input to every door and print what was seen; whether nothing was wrong."""
    from tests.soak.fuzz.doors import fuzz  # noqa: PLC0415 - it makes what nobody else needs

    seen = []
    for tried in fuzz(inputs, seed, only, first):
        seen.append(tried)
        for line in (tried.line(), *(f"  WRONG: {each}" for each in tried.wrong)):
            console.print(line, highlight=False, markup=False, soft_wrap=True)
    given, wrong = sum(each.inputs for each in seen), sum(len(each.wrong) for each in seen)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    console.print(f"{given} inputs, {wrong} wrong; the process had {peak:.0f} MiB at most.")
    return not wrong


def _full_disk(console: Console) -> bool:
    """Fill a disk beneath a `serve`, and show what was said of it."""
    with tempfile.TemporaryDirectory() as folder:
        seen = full_disk.run(Path(folder))
    for what in ("readyz", "doctor", "status"):
        console.print(f"{what} on a full disk:\n{getattr(seen, what)}", markup=False)
    for line in (*seen.log, *(f"WRONG: {each}" for each in seen.wrong)):
        console.print(line, markup=False)
    console.print(f"a full disk: well {seen.well_after or -1:.1f} s after there was room again")
    return not seen.wrong


def _table(results: list[Result]) -> Table:
    table = Table(*_COLUMNS, box=None)
    for result in results:
        table.add_row(*result.row(), style=None if result.is_good else "red")
    return table


if __name__ == "__main__":
    sys.exit(main())
