"""The figures, one function each, by the name that `tools/bench` knows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

from tests.bench.report import Found


@dataclass(frozen=True)
class Asked:
    """What the command line asks of a figure; None is the figure's own default.

    `quick` sizes it down. `devices` and `apps` are the fleet, `rounds` how often each side is
    measured. `before` is the commit of the build to compare with, `seconds` the time that one
    measurement of a rate takes. `profile` is a folder for profiles, with `profile_clock` cpu or
    wall.
    """

    quick: bool = False
    devices: int | None = None
    apps: int | None = None
    rounds: int | None = None
    seconds: float | None = None
    before: str | None = None
    profile: Path | None = None
    profile_clock: str = "cpu"


Figure = Callable[[Asked], Found]

_WHERE: Mapping[str, str] = {
    "hook": "hook",
    "hook-slow-disk": "hook",
    "hook-on-the-road": "busy_hook",
    "road": "road",
    "road-before": "road",
    "growth": "growth",
    "associates": "licences",
    "latency": "licences",
    "notifications": "notifications",
    "outbox": "real",
    "stranger": "real",
    "commands": "size",
    "pages": "pages",
    "database": "database",
    "on-postgresql": "on_postgresql",
    "engines": "many",
    "web-sides": "many",
}
"""In which module each figure is; the function has its name."""


def names() -> list[str]:
    """All of them, in the order in which they are run."""
    return list(_WHERE)


def find(name: str) -> Figure:
    """The figure of this name."""
    module = import_module(f"tests.bench.figures.{_WHERE[name]}")
    figure: Figure = getattr(module, name.replace("-", "_"))
    return figure
