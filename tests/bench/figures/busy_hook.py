"""The hook while the engine works: during the road, as long as its poster has more to post."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time

from tests.bench.figures import Asked
from tests.bench.figures.hook import bare, load
from tests.bench.figures.road import fleet_size, travel
from tests.bench.report import Found, Row
from tests.bench.setting import CHECKOUT, environment

_WORST = 0.25
"""Seconds that no answer may take longer than."""
_MARGIN = 30.0


def hook_on_the_road(asked: Asked) -> Found:
    """Beside a bare hook, with a process that burns what the engine burnt."""
    devices, apps = fleet_size(asked)
    road = travel(devices, apps)
    busy, worst = road.stats["busy"], max(road.waits)
    rate = len(road.waits) / busy
    share = min(road.cost.cpu["engine"] / road.seconds, 1.0)
    limit = burdened(share, asked.rounds or 3, asked.seconds or (1.0 if asked.quick else 3.0))
    name = f"hook on the road {devices} × {apps}"
    return Found(
        [
            Row(
                f"{name}: a second, while there is more to post",
                f"{rate:.0f}",
                f"{limit:.0f} (bare, beside {share:.0%} of a core)",
                rate / limit,
                at_least=0.65,
            ),
            Row(
                f"{name}: longest wait", f"{worst * 1e3:.0f} ms", "", worst * 1e3, None, 250.0, "ms"
            ),
        ],
        [(name, road.cost)],
        [
            f"{name}: {road.words()}; it had something to post for {busy:.1f} s of "
            f"{road.seconds:.1f} s"
        ],
    )


def burdened(share: float, rounds: int, seconds: float) -> float:
    """Webhooks a second of the bare hook on one connection, beside a busy process."""
    with bare("own") as side:
        burner = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "tests.bench.bare.burner",
                f"{share:.3f}",
                str(rounds * seconds + _MARGIN),
            ],
            cwd=CHECKOUT,
            env=environment(),
        )
        try:
            time.sleep(0.5)
            rates = []
            for _ in range(rounds):
                found = load(side.port, 1, seconds)
                posted, took = found["posted"], found["seconds"]
                assert isinstance(posted, int) and isinstance(took, float)
                rates.append(posted / took)
            return statistics.median(rates)
        finally:
            burner.kill()
            burner.wait()
