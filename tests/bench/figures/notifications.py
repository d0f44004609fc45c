"""Apple's notifications of 100 assignments: taken in and applied, and what is decided then."""

from __future__ import annotations

import json
import os
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bridge.app import Bridge
from bridge.config import load_config
from bridge.engine.loop import Engine
from tests.bench.bare.upsert import Row as Assigned
from tests.bench.bare.upsert import Table
from tests.bench.figures import Asked
from tests.bench.fleet import DAY, Fleet
from tests.bench.report import Found, Row
from tests.bench.setting import World, free_ports
from tests.intake import process

COUNT = 20
"""Notifications that are measured, after a few that are not."""
_WARM = 3
_PAIRS = 100
_PASSES = 50
_ENOUGH = 200
"""Passes of the engine in which Apple must have been asked for all licences."""


@dataclass
class Costs:
    """Processor seconds for one notification."""

    applied: float = 0.0
    decided: float = 0.0
    bare: float = 0.0


class Clock:
    """Real time, and what is skipped of it."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def __call__(self) -> float:
        return time.time() + self.ahead


def notifications(asked: Asked) -> Found:
    """Beside `executemany` of the same rows; on a small fleet and on a large one."""
    large = (asked.devices or (2000 if asked.quick else 10_000), asked.apps or 25)
    found = Found()
    for devices, apps in ((1000, 1), large):
        costs = measure(devices, apps)
        name = f"notification of {_PAIRS}, {devices * apps} installs"
        bare = f"{costs.bare * 1e3:.2f} ms CPU"
        found.rows += [
            Row(
                f"{name}: taken in and applied",
                f"{costs.applied * 1e3:.2f} ms CPU",
                bare,
                costs.applied / costs.bare,
                at_most=3.0,
            ),
            Row(
                f"{name}: and decided, with its outbox rows",
                f"{(costs.applied + costs.decided) * 1e3:.2f} ms CPU",
                bare,
                (costs.applied + costs.decided) / costs.bare,
                at_most=10.0,
            ),
        ]
    return found


def measure(devices: int, apps: int, count: int = COUNT) -> Costs:
    """What one costs on a fleet of this size, which is given one app or more beside its own."""
    needed = (count + _WARM) * _PAIRS
    further = -(-needed // devices)
    nobody, port = free_ports(2)
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        folder = Path(name)
        world = World(port, nobody, 0, apps + further)
        try:
            outside = f"http://127.0.0.1:{port}"
            fleet = Fleet(
                folder,
                devices,
                apps,
                now=time.time(),
                since=DAY,
                mdm_url=outside,
                apple_url=f"{outside}/mdm/v2",
            )
            fleet.want_more(further)
            clock = Clock()
            bridge = Bridge(load_config(fleet.config, os.environ), clock).open()
            try:
                bodies = _asked_for(bridge, clock, world, devices * further)
                costs = _costs(bridge, bodies[: count + _WARM])
            finally:
                bridge.close()
        finally:
            world.stop()
        costs.bare = _bare(folder / "bare.db", fleet, apps, bodies[: count + _WARM])
        return costs


def _asked_for(bridge: Bridge, clock: Clock, world: World, pairs: int) -> list[bytes]:
    """Ask Apple for all licences; the notifications that it has to tell of them."""
    bridge.apply(bridge.config.desired)
    engine = bridge.engine()
    engine.recover()
    asked = 0
    for _ in range(_ENOUGH):
        if not engine.run_once():
            clock.ahead += 1.0
        asked = sum(apps * serials for _, apps, serials in world.ask()["associates"])
        if asked >= pairs:
            return [body.encode() for body in world.ask("untold")]
    raise RuntimeError(f"Apple was asked for {asked} of {pairs} licences")


def _costs(bridge: Bridge, bodies: list[bytes]) -> Costs:
    engine = bridge.engine(execute=lambda job: None)
    _rest(engine)
    costs, counted = Costs(), len(bodies) - _WARM
    for number, body in enumerate(bodies):
        began = time.process_time()
        bridge.receive_notification("hq", body)
        process(bridge.database, bridge.context)
        applied = time.process_time()
        _rest(engine)
        decided = time.process_time()
        if number >= _WARM:
            costs.applied += (applied - began) / counted
            costs.decided += (decided - applied) / counted
    return costs


def _rest(engine: Engine) -> None:
    for _ in range(_PASSES):
        if not engine.run_once():
            return


def _bare(path: Path, fleet: Fleet, apps: int, bodies: list[bytes]) -> float:
    table = Table(path, _held(fleet, apps))
    batches = [list(_rows(body)) for body in bodies]
    table.store(batches[:_WARM])
    cost = table.store(batches[_WARM:])
    table.close()
    return cost


def _held(fleet: Fleet, apps: int) -> Iterator[Assigned]:
    """What the fleet holds before, as a road leaves it: device by device."""
    for serial in fleet.serials:
        for adam_id in fleet.adam_ids[:apps]:
            yield adam_id, "STDQ", serial


def _rows(body: bytes) -> Iterator[Assigned]:
    for each in json.loads(body)["notification"]["assignments"]:
        yield each["adamId"], each["pricingParam"], each["serialNumber"]
