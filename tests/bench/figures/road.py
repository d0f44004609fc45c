"""The road: from the first TokenUpdate until the API calls every app of every device installed."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.bench import plists, profiles
from tests.bench.figures import Asked
from tests.bench.figures.hook import Side, bare, measure
from tests.bench.processes import Cost, metered
from tests.bench.report import Found, Row
from tests.bench.setting import CHECKOUT, Bridge, World, environment, free_ports, setting, until

BEFORE = "a789626"
"""The build before anything was done about speed."""
HOOKS, POSTS = 2.6, 1.2
"""The bare pair: so many webhooks and commands an install needs at least."""
SLOWEST = 8.0
"""Installs a second below which a road is given up."""
_SETTLE = 3.0


@dataclass
class Road:
    """How one road went."""

    installs: int
    seconds: float
    cost: Cost
    stats: Mapping[str, Any]
    waits: list[float] = field(repr=False, default_factory=list)

    @property
    def rate(self) -> float:
        """Installs a second."""
        return self.installs / self.seconds

    @property
    def cpu(self) -> float:
        """Processor time of the bridge for an install, in seconds."""
        return self.cost.seconds / self.installs

    @property
    def webhooks(self) -> float:
        """Webhooks for an install."""
        return float(self.stats["webhooks"]) / self.installs

    def words(self) -> str:
        """In one line."""
        stats, waits = self.stats, sorted(self.waits)
        commands = ", ".join(f"{n} {kind}" for kind, n in sorted(stats["commands"].items()))
        return (
            f"{self.installs} installs in {self.seconds:.1f} s: {self.rate:.1f}/s, "
            f"{self.cpu * 1e3:.2f} ms CPU each, {self.webhooks:.2f} webhooks each "
            f"(median wait {waits[len(waits) // 2] * 1e3:.1f} ms, worst {waits[-1] * 1e3:.0f} ms, "
            f"{stats['lost']} lost), {stats['pushes']} pushes, "
            f"{stats['requests'].get('assets/associate', 0)} associates; {commands}"
        )


def travel(
    devices: int,
    apps: int,
    code: Path = CHECKOUT,
    environ: Mapping[str, str] | None = None,
    slowest: float = SLOWEST,
) -> Road:
    """One road; raises RuntimeError when it does not come to an end in time."""
    with setting(devices, apps, code, environ) as (bridge, world):
        return run(bridge, world, devices, apps, slowest)


def run(bridge: Bridge, world: World, devices: int, apps: int, slowest: float = SLOWEST) -> Road:
    """The road itself; raises RuntimeError when it has fewer than `slowest` installs a second."""
    time.sleep(_SETTLE)
    world.ask("authenticate")
    until(lambda: world.ask()["backlog"] == 0, "the devices begin to enrol", 600)
    time.sleep(1)
    enrolling = world.ask()["webhooks"]
    installs = devices * apps
    with metered(bridge.roles) as cost:
        began = time.perf_counter()
        world.ask("token_update")
        until(
            lambda: _there(world, devices) and not bridge.unfinished(),
            "every app is installed",
            60 + installs / slowest,
            0.25,
        )
        took = time.perf_counter() - began
    stats = world.ask()
    stats["webhooks"] -= enrolling
    if (count := bridge.installed()) != installs:
        raise RuntimeError(f"{count} of {installs} are installed")
    return Road(installs, took, cost, stats, world.ask("waits"))


def _there(world: World, devices: int) -> bool:
    """Whether every device has shown all its apps, and that was posted: the API is asked then."""
    stats = world.ask()
    return bool(stats["complete"] == devices and stats["backlog"] == 0)


def road(asked: Asked) -> Found:
    """What an install costs, beside the bare pair."""
    devices, apps = fleet_size(asked)
    environ = profiles.environment(asked.profile, asked.profile_clock) if asked.profile else None
    went = travel(devices, apps, environ=environ)
    name = f"road {devices} × {apps}"
    found = Found(costs=[(name, went.cost)], notes=[f"{name}: {went.words()}"])
    if asked.profile:
        found.notes += profiles.summary(asked.profile)
    pair, words = bare_pair(1.0 if asked.quick else 3.0)
    found.rows += [
        Row(f"{name}: installs a second", f"{went.rate:.1f}"),
        Row(
            f"{name}: CPU for an install",
            f"{went.cpu * 1e3:.2f} ms",
            f"{pair * 1e3:.2f} ms ({words})",
            went.cpu / pair,
            at_most=2.5,
        ),
        Row(
            f"{name}: webhooks for an install",
            f"{went.webhooks:.2f}",
            value=went.webhooks,
            at_most=2.6,
            unit="",
        ),
    ]
    return found


def road_before(asked: Asked) -> Found:
    """The same road with the build before, in turn with it."""
    devices, apps = fleet_size(asked)
    rounds = asked.rounds or 1
    name = f"road {devices} × {apps}"
    now, then = [], []
    with checkout_of(asked.before or BEFORE) as code:
        for _ in range(rounds):
            then.append(travel(devices, apps, code))
            now.append(travel(devices, apps))
    rates = [statistics.median(road.rate for road in roads) for roads in (now, then)]
    cpus = [statistics.median(road.cpu for road in roads) for roads in (now, then)]
    return Found(
        [
            Row(
                f"{name}: installs a second",
                f"{rates[0]:.1f}",
                f"{rates[1]:.1f} (before)",
                rates[0] / rates[1],
                at_least=8.0,
            ),
            Row(
                f"{name}: CPU for an install",
                f"{cpus[0] * 1e3:.2f} ms",
                f"{cpus[1] * 1e3:.2f} ms (before)",
                cpus[0] / cpus[1],
                at_most=1 / 7,
            ),
        ],
        [(f"{name}, now", now[-1].cost), (f"{name}, before", then[-1].cost)],
        [
            f"{name}, {when}: {road.words()}"
            for when, roads in (("before", then), ("now", now))
            for road in roads
        ],
    )


def bare_pair(seconds: float) -> tuple[float, str]:
    """Processor seconds of 2.6 bare hooks and 1.2 bare posts, and how they came about."""
    with bare("shared") as side:
        hook = _hook_cost(side, seconds)
    post = _post_cost(int(1000 * seconds))
    words = f"{HOOKS} hooks of {hook * 1e3:.2f} ms, {POSTS} posts of {post * 1e3:.2f} ms"
    return HOOKS * hook + POSTS * post, words


def _hook_cost(side: Side, seconds: float) -> float:
    for _ in range(3):
        measure(side, 1, seconds)
    return side.cpu


def _post_cost(count: int) -> float:
    """Processor time of one command posted by a bare client."""
    bridge_port, port = free_ports(2)
    world = World(port, bridge_port, 1, 1)
    try:
        with tempfile.TemporaryDirectory(prefix="bench-") as folder:
            commands = Path(folder) / "commands"
            commands.write_text("\n".join(json.dumps(pair) for pair in _commands(count)))
            words = [f"http://127.0.0.1:{port}", "mdm-key", str(commands)]
            done = subprocess.run(
                [sys.executable, "-m", "tests.bench.bare.client", *words],
                cwd=CHECKOUT,
                env=environment(),
                capture_output=True,
                text=True,
                check=True,
            )
            return float(json.loads(done.stdout)[1]) / count
    finally:
        world.stop()


def _commands(count: int) -> Iterator[tuple[str, str]]:
    for number in range(count):
        yield f"NOBODY-{number}", plists.install(number)


@contextmanager
def checkout_of(commit: str) -> Iterator[Path]:
    """The files of a commit, in a temporary folder."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        archive = subprocess.run(
            ["git", "archive", commit, "bridge"], cwd=CHECKOUT, capture_output=True, check=False
        )
        if archive.returncode:
            raise RuntimeError(f"git archive {commit}: {archive.stderr.decode().strip()}")
        subprocess.run(["tar", "-x", "-C", folder], input=archive.stdout, check=True)
        yield Path(folder)


def fleet_size(asked: Asked) -> tuple[int, int]:
    """How many devices, and how many apps each."""
    return asked.devices or (20 if asked.quick else 400), asked.apps or 25
