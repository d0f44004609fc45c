"""What an install costs on a large fleet, beside a small one; and the memory that it takes."""

from __future__ import annotations

from tests.bench.figures import Asked
from tests.bench.figures.road import travel
from tests.bench.report import Found, Row

SMALL = (40, 25)
_MEMORY = 256.0
_SLOWEST = 30.0
"""Installs a second below which the large fleet is given up: after two hours and a half."""
_MB = 1e6


def growth(asked: Asked) -> Found:
    """Processor time for an install at 10,000 × 25, beside 40 × 25."""
    devices = asked.devices or (200 if asked.quick else 10_000)
    apps = asked.apps or SMALL[1]
    small, large = travel(*SMALL), travel(devices, apps, slowest=_SLOWEST)
    name = f"road {devices} × {apps}"
    beside = f"road {SMALL[0]} × {SMALL[1]}"
    return Found(
        [
            Row(
                f"{name}: CPU for an install",
                f"{large.cpu * 1e3:.2f} ms",
                f"{small.cpu * 1e3:.2f} ms ({beside})",
                large.cpu / small.cpu,
                at_most=1.15,
            ),
            Row(
                f"{name}: peak memory of all processes",
                f"{large.cost.peak_sum / _MB:.0f} MB",
                f"{small.cost.peak_sum / _MB:.0f} MB ({beside})",
                large.cost.peak_sum / _MB,
                at_most=_MEMORY,
                unit="MB",
            ),
            Row(
                f"{name}: webhooks for an install",
                f"{large.webhooks:.2f}",
                f"{small.webhooks:.2f} ({beside})",
                large.webhooks,
                at_most=2.6,
                unit="",
            ),
        ],
        [(beside, small.cost), (name, large.cost)],
        [f"{beside}: {small.words()}", f"{name}: {large.words()}"],
    )
