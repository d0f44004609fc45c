"""Profiles of the engine and the web side while a figure is measured."""

from __future__ import annotations

import io
import pstats
from pathlib import Path

_HOOK = Path(__file__).parent / "profiled"
_ROWS = 45


def environment(folder: Path, clock: str) -> dict[str, str]:
    """What a `serve` must find so that its processes leave their profiles in `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("*.prof"):
        old.unlink()
    root = Path(__file__).parents[2]
    return {
        "BENCH_PROFILE": str(folder.resolve()),
        "BENCH_PROFILE_CLOCK": clock,
        "PYTHONPATH": f"{root}:{_HOOK}",
    }


def summary(folder: Path) -> list[str]:
    """What takes longest in each, by the time in the function and in what it calls."""
    lines = []
    for path in sorted(folder.glob("*.prof")):
        for order in ("tottime", "cumulative"):
            out = io.StringIO()
            stats = pstats.Stats(str(path), stream=out)
            stats.sort_stats(order).print_stats(_ROWS)
            text = out.getvalue().replace(f"{Path(__file__).parents[2]}/", "")
            lines += [f"== {path.name}, by {order}", *text.splitlines()[4:]]
    return lines
