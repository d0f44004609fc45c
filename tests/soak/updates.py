"""A fleet whose apps get a new version every day: python -m tests.soak.updates [--devices N] …

The bridge and a simulated outside in one process, by a clock that is moved. Prints what left each
day, and exits 1 if a device was sent a version twice, anything was sent outside of the window, or
more in an hour than is allowed. 5,000 devices with 20 apps for 30 days take hours of a processor.
"""

from __future__ import annotations

import logging
import sys
import time
from argparse import ArgumentParser
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from bridge.domain.updates.rule import UpdateWish
from bridge.simulator.devices.apps import App
from tests.flow.scene import DAY, HOUR, Scene, scenes
from tests.flow.test_updates import at, policy, wish


def fleet(make: object, devices: int, apps: int, per_hour: int) -> Scene:
    """Devices that have all their apps, with licences, before the bridge comes."""
    assert callable(make)
    scene: Scene = make(
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


def main() -> int:
    """Returns the exit code."""
    parser = ArgumentParser()
    parser.add_argument("--devices", type=int, default=5000)
    parser.add_argument("--apps", type=int, default=20)
    parser.add_argument("--days", type=int, default=30)
    parser.add_argument("--per-hour", type=int, default=50)
    asked = parser.parse_args()
    logging.disable()
    with TemporaryDirectory(prefix="bridge-updates-") as folder:
        for make in scenes(Path(folder)):
            began = time.monotonic()
            scene = fleet(make, asked.devices, asked.apps, asked.per_hour)
            tell(f"{asked.devices} devices have {asked.apps} apps", _since(began))
            wrong = 0
            for day in range(1, asked.days + 1):
                wrong += _day(scene, day, asked.per_hour)
            return 1 if wrong else 0
    return 0


def tell(*words: str) -> None:
    """A line, at once."""
    sys.stdout.write(" ".join(words) + "\n")
    sys.stdout.flush()


def _since(began: float) -> str:
    return f"({time.monotonic() - began:.0f} s, {time.process_time():.0f} s of a processor)"


def _day(scene: Scene, day: int, per_hour: int) -> int:
    """A day with a new version of each app; how much of it was wrong."""
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
    tell(
        f"day {day}: {len(sent)} installs, {twice} twice, {outside} outside of the window, at most "
        f"{most} of an app in an hour; calls: {told}; {_since(began)}",
    )
    return twice + outside + max(0, most - per_hour)


if __name__ == "__main__":
    sys.exit(main())
