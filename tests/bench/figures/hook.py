"""The hook: how many webhooks a second are on the disk and answered, beside a bare one."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.bench import processes, slow_disk
from tests.bench.figures import Asked
from tests.bench.processes import Cost, metered
from tests.bench.report import Found, Row
from tests.bench.setting import CHECKOUT, Bridge, environment, folder_of, free_ports, until

CONNECTIONS = (1, 32)
STYLES = ("own", "shared")


@dataclass
class Side:
    """One hook and what was found of it: rates a second, worst-in-a-hundred waits in seconds."""

    name: str
    port: int
    roles: Callable[[], Mapping[int, str]]
    rates: list[float] = field(default_factory=list)
    p99s: list[float] = field(default_factory=list)
    costs: list[float] = field(default_factory=list)

    @property
    def rate(self) -> float:
        """The median rate."""
        return statistics.median(self.rates)

    @property
    def p99(self) -> float:
        """The median of the waits that one in a hundred is above."""
        return statistics.median(self.p99s)

    @property
    def cpu(self) -> float:
        """The median processor time for one, in seconds."""
        return statistics.median(self.costs)

    def forget(self) -> None:
        """Begin anew."""
        self.rates, self.p99s, self.costs = [], [], []


def load(port: int, connections: int, seconds: float) -> dict[str, object]:
    """Post to a hook from a process of its own."""
    words = ["-m", "tests.bench.load", str(port), str(connections), str(seconds)]
    done = subprocess.run(
        [sys.executable, *words],
        cwd=CHECKOUT,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(done.stderr[-1000:])
    found: dict[str, object] = json.loads(done.stdout)
    return found


def measure(side: Side, connections: int, seconds: float) -> Cost:
    """One round of one side."""
    with metered(side.roles) as cost:
        found = load(side.port, connections, seconds)
    posted, took, waits = found["posted"], found["seconds"], found["waits"]
    assert isinstance(posted, int) and isinstance(took, float) and isinstance(waits, list)
    side.rates.append(posted / took)
    side.p99s.append(sorted(waits)[int(len(waits) * 0.99)])
    side.costs.append(cost.seconds / posted)
    return cost


@contextmanager
def bare(
    style: str, environ: Mapping[str, str] | None = None, url: str | None = None
) -> Iterator[Side]:
    """A bare hook that runs, on a file or on the database of a server at `url`."""
    [port] = free_ports(1)
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        database = url or str(Path(folder) / "bare.db")
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.bench.bare.hook", str(port), database, style],
            cwd=CHECKOUT,
            env=environment(environ),
            start_new_session=True,  # as `serve`: the system may share the cores by session
        )
        try:
            until(lambda: _takes(port), "the bare hook answers", 20)
            yield Side(f"bare, {style}", port, lambda: _named(process.pid))
        finally:
            process.terminate()
            process.wait(10)


def _named(pid: int) -> dict[int, str]:
    return {each: "arbiter" if each == pid else "web" for each in processes.tree(pid)}


def _takes(port: int) -> bool:
    try:
        load(port, 1, 0.01)
    except RuntimeError:
        return False
    return True


@contextmanager
def bridge_hook(environ: Mapping[str, str] | None = None) -> Iterator[Side]:
    """The hook of a `serve` that runs, with its engine, and with nobody outside."""
    port, nobody = free_ports(2)
    with folder_of(port, nobody, 1) as folder:
        bridge = Bridge(folder, port, CHECKOUT, environ)
        try:
            bridge.start()
            yield Side("bridge", port, bridge.roles)
        finally:
            bridge.kill()


def hook(asked: Asked) -> Found:
    """On one keep-alive connection, and on 32."""
    return compare(asked, "hook", {1: (0.85, None), 32: (1.0, 1.0)}, None)


def hook_slow_disk(asked: Asked) -> Found:
    """The same, with a disk that needs a millisecond more for every commit."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        try:
            environ = slow_disk.environment(Path(folder))
        except slow_disk.NoCompiler as error:
            return Found([Row("hook, slow disk", skipped=str(error))])
        return compare(asked, "hook, fdatasync + 1 ms", {1: (0.85, None), 32: (2.0, 1.0)}, environ)


def compare(
    asked: Asked,
    name: str,
    limits: Mapping[int, tuple[float, float | None]],
    environ: Mapping[str, str] | None,
    bare_url: str | None = None,
) -> Found:
    """The hook of the bridge beside the bare ones: for each number of connections the least ratio
    of the rates, and the highest of the waits."""
    rounds = asked.rounds or (2 if asked.quick else 5)
    seconds = asked.seconds or (1.0 if asked.quick else 3.0)
    found = Found()
    with ExitStack() as stack:
        ours = stack.enter_context(bridge_hook(environ))
        bares = [stack.enter_context(bare(style, environ, bare_url)) for style in STYLES]
        for connections, (least, most_p99) in limits.items():
            sides = [ours, *bares]
            for side in sides:
                side.forget()
                load(side.port, connections, seconds / 3)  # warm
            for turn in range(rounds):
                for side in sides if turn % 2 else reversed(sides):
                    cost = measure(side, connections, seconds)
                    if turn == rounds - 1:
                        found.costs.append((f"{name}, {connections}: {side.name}", cost))
            found.rows += _rows(name, connections, ours, bares, least, most_p99)
    return found


def _rows(
    name: str,
    connections: int,
    ours: Side,
    bares: list[Side],
    least: float,
    most_p99: float | None,
) -> Iterator[Row]:
    what = f"{name}, {connections} connection{'s' if connections > 1 else ''}"
    best = max(bares, key=lambda side: side.rate)
    calm = min(bares, key=lambda side: side.p99)
    yield Row(
        f"{what}: a second",
        f"{ours.rate:.0f} ({ours.cpu * 1e6:.0f} µs CPU)",
        f"{best.rate:.0f} ({best.cpu * 1e6:.0f} µs CPU; {best.name})",
        ours.rate / best.rate,
        at_least=least,
    )
    yield Row(
        f"{what}: p99",
        f"{ours.p99 * 1e3:.1f} ms",
        f"{calm.p99 * 1e3:.1f} ms ({calm.name})",
        ours.p99 / calm.p99,
        at_most=most_p99,
    )
