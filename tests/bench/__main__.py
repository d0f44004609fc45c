"""`tools/bench`: measures each figure beside its limit; exits 1 where one is not kept."""

from __future__ import annotations

import argparse
import signal
import sys
import time
from pathlib import Path

from tests.bench import figures, report
from tests.bench.figures import Asked
from tests.bench.report import Found, Row

_TROUBLE = (RuntimeError, OSError)


def parser() -> argparse.ArgumentParser:
    """The command line."""
    found = argparse.ArgumentParser(prog="tools/bench", description=__doc__)
    found.add_argument("figure", nargs="*", help="what to measure, or all; --list shows the names")
    found.add_argument("--list", action="store_true", help="only list the figures")
    found.add_argument("--quick", action="store_true", help="sized down: minutes in all")
    found.add_argument("--devices", type=int, help="how many devices the fleet has")
    found.add_argument("--apps", type=int, help="how many apps each gets")
    found.add_argument("--rounds", type=int, help="how often each side is measured")
    found.add_argument("--seconds", type=float, help="how long a rate is measured")
    found.add_argument("--before", metavar="COMMIT", help="the build to compare with")
    found.add_argument(
        "--profile", type=Path, metavar="FOLDER", help="keep profiles of engine and web side there"
    )
    found.add_argument("--profile-clock", choices=("cpu", "wall"), default="cpu")
    return found


def main(words: list[str] | None = None) -> int:
    """Measure what is asked for, and show it."""
    line = parser()
    asked = line.parse_args(words)
    if asked.list:
        sys.stdout.write("\n".join([*figures.names(), "all", ""]))
        return 0
    if not asked.figure:
        line.error("name figures, or all; --list shows them")
    chosen = figures.names() if "all" in asked.figure else asked.figure
    if unknown := [name for name in chosen if name not in figures.names()]:
        line.error(f"no figure is called {unknown[0]}: {', '.join(figures.names())}, or all")
    wish = Asked(
        quick=asked.quick,
        devices=asked.devices,
        apps=asked.apps,
        rounds=asked.rounds,
        seconds=asked.seconds,
        before=asked.before,
        profile=asked.profile,
        profile_clock=asked.profile_clock,
    )
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # what runs is ended on the way out
    out = report.console()
    out.print(report.machine(), highlight=False)
    whole = Found()
    for name in chosen:
        began = time.monotonic()
        try:
            found = figures.find(name)(wish)
        except _TROUBLE as error:
            found = Found([Row(name, measured=str(error), at_least=1.0)])
        found.notes.append(f"{name}: measured in {time.monotonic() - began:.0f} s")
        if len(chosen) > 1:
            report.show(out, found)
        whole.add(found)
    report.show(out, whole if len(chosen) == 1 else Found(whole.rows, whole.costs))
    return 0 if whole.holds else 1


if __name__ == "__main__":
    raise SystemExit(main())
