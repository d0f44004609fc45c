"""What processes cost: processor time and memory, read from /proc (Linux only)."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

TICK = os.sysconf("SC_CLK_TCK")
SAMPLE = 0.5
"""Seconds between two looks at the memory."""
_PSS = "Pss:"


def tree(pid: int) -> list[int]:
    """The process and all its descendants that live now."""
    parents: dict[int, list[int]] = {}
    for entry in Path("/proc").glob("[0-9]*"):
        if (parent := _parent(int(entry.name))) is not None:
            parents.setdefault(parent, []).append(int(entry.name))
    found, to_do = [], [pid]
    while to_do:
        here = to_do.pop()
        found.append(here)
        to_do.extend(parents.get(here, ()))
    return found


def roles(pid: int) -> dict[int, str]:
    """The processes of a `serve`, by what they do."""
    found = {}
    for each in tree(pid):
        command = _command(each)
        if "serve-engine" in command:
            found[each] = "engine"
        elif "serve-web" in command:
            found[each] = "web" if "serve-web" in _command(_parent(each) or 0) else "arbiter"
        else:
            found[each] = "supervisor" if each == pid else "other"
    return found


def cpu_seconds(pid: int) -> float:
    """User and system time of all its threads, and of its children that ended."""
    with suppress(OSError):
        values = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return sum(int(value) for value in values[11:15]) / TICK
    return 0.0


def pss(pid: int) -> int:
    """Bytes of memory, with its share of what it shares; 0 of one that is gone."""
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith(_PSS):
                return int(line.removeprefix(_PSS).split()[0]) * 1024
    return 0


def _parent(pid: int) -> int | None:
    with suppress(OSError):
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    return None


def _command(pid: int) -> str:
    with suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace")
    return ""


@dataclass
class Cost:
    """What was used meanwhile: seconds of processor time and the highest memory, by role."""

    cpu: dict[str, float] = field(default_factory=dict)
    peak: dict[str, int] = field(default_factory=dict)
    peak_sum: int = 0

    @property
    def seconds(self) -> float:
        """Processor time of all of them."""
        return sum(self.cpu.values())


class Meter:
    """Measures some processes from `begin` to `end`."""

    def __init__(self, named: Callable[[], Mapping[int, str]]) -> None:
        """`named` gives the processes, asked again whenever it is looked."""
        self._named = named
        self._began: dict[int, float] = {}
        self._cost = Cost()
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def begin(self) -> None:
        """Measure from now on."""
        self._began = {pid: cpu_seconds(pid) for pid in self._named()}
        self._look()
        self._thread.start()

    def end(self) -> Cost:
        """What it came to."""
        for pid, role in self._named().items():
            used = cpu_seconds(pid) - self._began.get(pid, 0.0)
            self._cost.cpu[role] = self._cost.cpu.get(role, 0.0) + used
        self._done.set()
        self._thread.join()
        self._look()
        return self._cost

    def _watch(self) -> None:
        while not self._done.wait(SAMPLE):
            self._look()

    def _look(self) -> None:
        sizes: dict[str, int] = {}
        for pid, role in self._named().items():
            sizes[role] = sizes.get(role, 0) + pss(pid)
        for role, size in sizes.items():
            self._cost.peak[role] = max(size, self._cost.peak.get(role, 0))
        self._cost.peak_sum = max(sum(sizes.values()), self._cost.peak_sum)


@contextmanager
def metered(named: Callable[[], Mapping[int, str]]) -> Iterator[Cost]:
    """Measure what happens in the block; the cost is complete after it."""
    meter = Meter(named)
    meter.begin()
    cost = Cost()
    try:
        yield cost
    finally:
        found = meter.end()
        cost.cpu, cost.peak, cost.peak_sum = found.cpu, found.peak, found.peak_sum
