"""What befalls the bridge, each with a `serve` of its own, at full size and small."""

from __future__ import annotations

import random
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.soak import clock, faults, power
from tests.soak.backups import backups
from tests.soak.faults import Found
from tests.soak.overload import overload
from tests.soak.served import Served, serving

SEED = 1
DEVICES, APPS = 6, 4


@dataclass(frozen=True)
class Trial:
    """One of them; `run` takes the share of the full size, up to 1."""

    name: str
    run: Callable[[float], Found]


def trials() -> list[Trial]:
    """All of them."""
    return [
        Trial("kills under storm", lambda share: _served(lambda s: _kills(s, share))),
        Trial("the engine stopped", lambda share: _served(lambda s: _stops(s, share))),
        Trial("overload", lambda share: _served(lambda s: _overload(s, share))),
        Trial("backup under storm", lambda share: _served(lambda s: backups(s, _of(3, share)))),
        Trial("the power cut", lambda share: power.cuts(_of(30, share, least=2), SEED)),
        Trial(
            "the power cut of a disk that lies",
            lambda share: power.cuts(_of(30, share), SEED, lies=7),
        ),
        Trial("the database removed", lambda _: _served(_removed)),
        Trial("the database replaced", lambda _: _served(_replaced)),
        Trial("the database gone at a start", lambda _: _served(faults.gone_at_start)),
        *(
            Trial(f"the clock set {name}", lambda _, name=name: _clock(name))  # type: ignore[misc]
            for name in clock.STEPS
        ),
    ]


def _of(number: int, share: float, least: int = 1) -> int:
    return max(int(number * share), least)


def _served(act: Callable[[Served], Found]) -> Found:
    with tempfile.TemporaryDirectory() as folder, serving(Path(folder)) as served:
        return act(served)


def _kills(served: Served, share: float) -> Found:
    return faults.kills(served, max(int(150 * share), 3), random.Random(SEED))


def _stops(served: Served, share: float) -> Found:
    return faults.stops(served, max(int(20 * share), 2), random.Random(SEED), hang=share == 1.0)


def _overload(served: Served, share: float) -> Found:
    """What is refused after a while is so only where the disk stands still for longer."""
    whole = share == 1.0
    return overload(
        served,
        clients=1000 if whole else 200,
        stalls=25.0 if whole else 8.0,
        seconds=10.0 if whole else 1.0,
    )


def _removed(served: Served) -> Found:
    return faults.taken_away(served, other=False)


def _replaced(served: Served) -> Found:
    return faults.taken_away(served, other=True)


def _clock(name: str) -> Found:
    usual = clock.usual_time(DEVICES, APPS)
    return clock.set_clock(name, DEVICES, APPS, usual)
