"""A fleet whose apps get a new version every day: python -m tests.soak.updates [--devices N] …

The bridge and a simulated outside in one process, by a clock that is moved. Prints what left each
day, and exits 1 if a device was sent a version twice, anything was sent outside of the window,
more in an hour than is allowed, or more calls in a day than such a day takes (`bound`).
"""

from __future__ import annotations

import gc
import logging
import resource
import sys
import time
from argparse import ArgumentParser
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from bridge.domain.updates.rule import UpdateWish
from bridge.simulator.devices.apps import App
from tests.flow.scene import DAY, HOUR, MakeScene, Scene, scenes
from tests.flow.test_updates import at, policy, wish

IN_MEMORY = Path("/dev/shm")
"""Where the database lies if nothing else is said, and there is such a place: how fast a disk is
says nothing of the bridge."""


@dataclass
class Totals:
    """What all days came to."""

    installs: int = 0
    wrong: int = 0
    most_calls: Counter[str] = field(default_factory=Counter)
    """By service, the most calls of a day."""

    def day(self, installs: int, wrong: int, calls: Mapping[str, int]) -> None:
        """Add a day."""
        self.installs += installs
        self.wrong += wrong
        for service, number in calls.items():
            self.most_calls[service] = max(self.most_calls[service], number)


def fleet(make: MakeScene, devices: int, apps: int, per_hour: int) -> Scene:
    """Devices that have all their apps, with licences, before the bridge comes."""
    scene = make(
        devices=devices, apps=apps, macs=0.0, policy=policy(), start=at("2027-01-04 12:00")
    )
    for adam_id, (bundle_id, name) in scene.world.catalogue.items():
        scene.world.release(adam_id, "1.0", 100)
        scene.world.apple.portal(scene.world.location, "ASSOCIATE", adam_id, scene.serials)
        for device in scene.world.devices:
            app = App(bundle_id, adam_id, name, "Managed", managed=True, external=100)
            device.apps.put(app)
    rule = UpdateWish(window="22:00-05:00", max_per_hour=per_hour, jitter=HOUR)
    scene.apply(wish(scene, rule))
    scene.run(scene.all_installed, limit=2 * DAY)
    return scene


def bound(service: str, installs: int, devices: int, apps: int) -> int:
    """How many calls of a service a day with so many installs takes at most.

    An install is a question what is there, the command and a look whether it came, with a push for
    each that the device does not fetch by itself; and a device that is called is pushed to once
    more. Of Apple an app's metadata is asked for once a day, and what else is read is per location.
    """
    if service == "mdm":
        return 6 * installs + 2 * devices
    return 2 * apps + 50


def main() -> int:
    """Returns the exit code."""
    parser = ArgumentParser()
    parser.add_argument("--devices", type=int, default=5000)
    parser.add_argument("--apps", type=int, default=20)
    parser.add_argument("--days", type=int, default=30)
    parser.add_argument("--per-hour", type=int, default=50)
    parser.add_argument(
        "--turn", type=float, default=5.0, help="seconds between two passes of the engine"
    )
    parser.add_argument("--folder", type=Path, default=IN_MEMORY if IN_MEMORY.is_dir() else None)
    asked = parser.parse_args()
    logging.disable()
    with TemporaryDirectory(prefix="bridge-updates-", dir=asked.folder) as folder:
        for make in scenes(Path(folder)):
            began = time.monotonic()
            scene = fleet(make, asked.devices, asked.apps, asked.per_hour)
            gc.collect()
            gc.freeze()  # the simulated fleet stays: it need not be gone through again and again
            tell(f"{asked.devices} devices have {asked.apps} apps;", _cost(scene, began))
            scene.turn = asked.turn
            totals = Totals()
            for day in range(1, asked.days + 1):
                _day(scene, day, asked.per_hour, totals)
            most = ", ".join(f"{name} {n}" for name, n in sorted(totals.most_calls.items()))
            tell(
                f"{asked.days} days: {totals.installs} installs, {totals.wrong} wrong; "
                f"calls a day at most: {most};",
                _cost(scene, began),
            )
            return 1 if totals.wrong else 0
    return 0


def tell(*words: str) -> None:
    """A line, at once."""
    sys.stdout.write(" ".join(words) + "\n")
    sys.stdout.flush()


def _cost(scene: Scene, began: float) -> str:
    size = sum(path.stat().st_size for path in scene.tmp_path.glob("bridge.db*")) / 2**20
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10
    cpu = time.process_time()
    return (
        f"({time.monotonic() - began:.0f} s, {cpu:.0f} s of a processor so far, {size:.0f} MB of "
        f"database, {memory:.0f} MB of memory)"
    )


def _day(scene: Scene, day: int, per_hour: int, totals: Totals) -> None:
    """A day with a new version of each app."""
    began, before = time.monotonic(), Counter(scene.world.ledger.requests)
    for device in scene.world.devices:
        device.received.clear()
    for adam_id in scene.adam_ids:
        scene.world.release(adam_id, f"{day + 1}.0", 100 + day)
    scene.pass_time(DAY)
    sent = [
        (received.adam_id, received.at, device.serial_number)
        for device in scene.world.devices
        for received in device.received
        if received.request_type == "InstallApplication"
    ]
    twice = sum(n - 1 for n in Counter((a, serial) for a, _, serial in sent).values())
    hours = [datetime.fromtimestamp(moment, UTC).hour for _, moment, _ in sent]
    outside = sum(5 <= hour < 22 for hour in hours)
    most = max(Counter((a, int(moment // HOUR)) for a, moment, _ in sent).values(), default=0)
    calls = Counter(scene.world.ledger.requests) - before
    told = ", ".join(f"{name} {count}" for name, count in sorted(calls.items()))
    by_service = Counter[str]()
    for name, count in calls.items():
        by_service[name.partition(".")[0]] += count
    beyond = sum(
        max(0, count - bound(service, len(sent), len(scene.serials), len(scene.adam_ids)))
        for service, count in by_service.items()
    )
    totals.day(len(sent), twice + outside + max(0, most - per_hour) + beyond, by_service)
    tell(
        f"day {day}: {len(sent)} installs, {twice} twice, {outside} outside of the window, at most "
        f"{most} of an app in an hour; calls: {told}; {beyond} beyond the bound",
        _cost(scene, began),
    )


if __name__ == "__main__":
    sys.exit(main())
