"""What a run found, and how it is shown."""

from __future__ import annotations

import os
import platform
import sqlite3
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.bench.processes import Cost

_MB = 1e6


@dataclass(frozen=True)
class Row:
    """One figure: what was measured, what it is measured against, and whether that is well.

    `value` is what the limit speaks of, nearly always a ratio; `at_least` or `at_most` is the
    limit, and without both there is none. `skipped` says why it could not be measured.
    """

    figure: str
    measured: str = ""
    against: str = ""
    value: float | None = None
    at_least: float | None = None
    at_most: float | None = None
    unit: str = "×"
    skipped: str = ""

    @property
    def holds(self) -> bool:
        """Whether the limit is kept; a figure without a value keeps it only if it was skipped."""
        if self.skipped or (self.at_least is None and self.at_most is None):
            return True
        if self.value is None:
            return False
        return (self.at_least is None or self.value >= self.at_least) and (
            self.at_most is None or self.value <= self.at_most
        )

    @property
    def limit(self) -> str:
        """The limit, in words."""
        if self.at_least is not None:
            return f"≥ {self.at_least:g} {self.unit}"
        return f"≤ {self.at_most:g} {self.unit}" if self.at_most is not None else "-"

    @property
    def verdict(self) -> str:
        """How it came out."""
        if self.skipped:
            return f"skipped: {self.skipped}"
        if self.at_least is None and self.at_most is None:
            return ""
        return "ok" if self.holds else "FAILED"


@dataclass
class Found:
    """The rows of some figures, what their processes cost, and words beside."""

    rows: list[Row] = field(default_factory=list)
    costs: list[tuple[str, Cost]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def add(self, other: Found) -> None:
        """Take over another's."""
        self.rows += other.rows
        self.costs += other.costs
        self.notes += other.notes

    @property
    def holds(self) -> bool:
        """Whether every limit is kept."""
        return all(row.holds for row in self.rows)


def show(console: Console, found: Found) -> None:
    """Print it all."""
    for line in found.notes:
        console.print(line, highlight=False, markup=False)
    table = Table(box=None, pad_edge=False)
    for name in ("figure", "measured", "against", "value", "limit", ""):
        table.add_column(name, overflow="fold")
    for row in found.rows:
        value = "" if row.value is None else f"{row.value:.3g} {row.unit}"
        table.add_row(row.figure, row.measured, row.against, value, row.limit, row.verdict)
    console.print(table)
    if found.costs:
        console.print(_costs(found.costs))


def _costs(costs: Sequence[tuple[str, Cost]]) -> Table:
    table = Table(box=None, pad_edge=False)
    for name in ("processes", "CPU seconds, each", "all", "peak memory (PSS), each", "all"):
        table.add_column(name, overflow="fold")
    for what, cost in costs:
        table.add_row(
            what,
            ", ".join(f"{role} {used:.2f}" for role, used in sorted(cost.cpu.items())),
            f"{cost.seconds:.2f}",
            ", ".join(f"{role} {size / _MB:.0f}" for role, size in sorted(cost.peak.items())),
            f"{cost.peak_sum / _MB:.0f} MB",
        )
    return table


def machine() -> str:
    """On what it was measured, with the load before."""
    model = next(
        (
            line.partition(":")[2].strip()
            for line in _lines("/proc/cpuinfo")
            if line.startswith("model name")
        ),
        platform.machine(),
    )
    load = ", ".join(f"{value:.2f}" for value in os.getloadavg())
    return (
        f"{os.cpu_count()} cores ({model}), {platform.system()} {platform.release()}, "
        f"Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}, load {load}"
    )


def _lines(path: str) -> list[str]:
    try:
        return Path(path).read_text().splitlines()
    except OSError:
        return []


def console() -> Console:
    """Where it is printed: as wide as a table needs, where no terminal says how wide."""
    return Console(width=None if sys.stdout.isatty() else 150)
