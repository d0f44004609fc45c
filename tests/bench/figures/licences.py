"""Licences: how many requests an apply costs, and how soon a command follows Apple's answer."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from tests.bench.figures import Asked
from tests.bench.processes import metered
from tests.bench.report import Found, Row
from tests.bench.setting import CHECKOUT, Bridge, World, adam_ids, environment, setting, until

FULL_APPS, FULL_DEVICES = 25, 1000
"""How many apps and devices one request may name."""
_DELAY = 0.1
"""Seconds that a command waits after a message of its device (policy.command)."""


def associates(asked: Asked) -> Found:
    """Requests for 10,000 × 25 in one apply, with idle cores and with both busy."""
    devices = asked.devices or (400 if asked.quick else 10_000)
    apps = asked.apps or 25
    least = -(-devices // FULL_DEVICES) * -(-apps // FULL_APPS)
    found = Found()
    for busy in (False, True):
        name = f"associate {devices} × {apps}, {'cores busy' if busy else 'idle'}"
        with setting(devices, apps, wanted=False) as (bridge, world), burning(2 if busy else 0):
            _enrol(bridge, world)
            with metered(bridge.roles) as cost:
                began = time.time()
                bridge.want(adam_ids(apps))
                bridge.run("apply", "--yes")
                _wait_for(world, devices * apps)
            requests = world.ask()["associates"]
        last = max(at for at, _, _ in requests) - began
        sizes = ", ".join(f"{apps_}×{serials}" for _, apps_, serials in requests[:16])
        found.rows.append(
            Row(
                f"{name}: requests",
                f"{len(requests)} within {last:.0f} s",
                f"{least}",
                len(requests) / least,
                at_most=1.0,
            )
        )
        found.costs.append((name, cost))
        found.notes.append(f"{name}: {sizes}")
    return found


def latency(asked: Asked) -> Found:
    """From a SUCCESS notification to the command at the MDM server, one at a time, idle."""
    count = asked.rounds or (5 if asked.quick else 20)
    with setting(count, 1, wanted=False) as (bridge, world):
        _enrol(bridge, world)
        [adam_id] = adam_ids(1)
        devices = bridge.get("/v1/devices?limit=1000")["devices"]
        for number, device in enumerate(devices, 1):
            bridge.send(
                "PUT", f"/v1/installs/{device['serial_number']}/{adam_id}", {"location": "hq"}
            )
            _wait_for(world, number, 60.0)
            until(lambda so_far=number: len(world.ask("latencies")) >= so_far, "it is sent", 60.0)
        waits = world.ask("latencies")
    median = statistics.median(waits)
    return Found(
        [
            Row(
                "from SUCCESS to the command, beyond the deliberate delay: median",
                f"{median * 1e3:.0f} ms with it (worst {max(waits) * 1e3:.0f} ms, {len(waits)} "
                "times)",
                f"{_DELAY * 1e3:.0f} ms, since the device is asked for its apps before and answers",
                (median - _DELAY) * 1e3,
                at_most=50.0,
                unit="ms",
            )
        ]
    )


def _enrol(bridge: Bridge, world: World) -> None:
    """All devices enrol, and the engine has handled that."""
    time.sleep(2)
    world.ask("authenticate")
    world.ask("token_update")
    until(lambda: world.ask()["backlog"] == 0, "the devices are enrolled", 900, 0.5)
    until(lambda: not bridge.get("/v1/events?status=new&limit=1")["events"], "it is known", 900, 1)


def _wait_for(world: World, pairs: int, seconds: float = 3600.0) -> None:
    def asked() -> int:
        return sum(apps * serials for _, apps, serials in world.ask()["associates"])

    until(lambda: asked() >= pairs, f"Apple was asked for {pairs} licences", seconds, 0.1)


@contextmanager
def burning(count: int) -> Iterator[Sequence[subprocess.Popen[bytes]]]:
    """So many processes that use a core each."""
    command = [sys.executable, "-m", "tests.bench.bare.burner", "1.0", "7200"]
    started = [subprocess.Popen(command, cwd=CHECKOUT, env=environment()) for _ in range(count)]
    try:
        yield started
    finally:
        for process in started:
            process.kill()
            process.wait()
