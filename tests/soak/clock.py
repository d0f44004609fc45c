"""The clock of the bridge's machine is set while installs are on their way.

It is the clock of the bridge's processes alone: the simulated Apple, MDM server and devices keep
the right time. (libfaketime 0.9.10 will not do: Python's `time.sleep` fails with it.)
"""

from __future__ import annotations

import json
import os
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bridge.demo.bridge import policy_lines
from bridge.simulator.apple.apple import AppleSettings
from bridge.simulator.apple.notifications import NotificationSettings
from bridge.simulator.serve import run
from bridge.simulator.world import World, build_world
from tests.soak.faults import RIGHT_WITHIN, Found
from tests.soak.served import CHECKOUT, Served, serving, until

HOUR, DAY = 3600, 86400
STEPS: Mapping[str, Sequence[tuple[int, float]]] = {
    "an hour back": [(-HOUR, 0.0)],
    "a day ahead for five seconds": [(DAY, 0.0), (0, 5.0)],
    "a day ahead": [(DAY, 0.0)],
}
"""Offsets from the right time, in seconds, each with the seconds before it."""

_CONFIG = """\
database: bridge.db
listen: 127.0.0.1:{port}
{outside}
api: {key: api-key}
servers: {main: {url: "MDM", api_key: KEY, webhook_key: webhook-key}}
locations: {hq: {content_token_file: hq.vpptoken}}
apple: {url: "APPLE"}
groups: {everyone: {all: true}}
apps:
"""
_LIMIT = 180.0


@dataclass(frozen=True)
class Clock:
    """The wall clock of processes that are started with `environ`."""

    file: Path

    @property
    def environ(self) -> Mapping[str, str]:
        """For those processes."""
        path = os.pathsep.join((str(CHECKOUT), str(Path(__file__).parent / "wall")))
        return {"SOAK_CLOCK": str(self.file), "PYTHONPATH": path}

    def set(self, offset: int) -> None:
        """So many seconds from the right time."""
        new = self.file.with_name("offset.new")
        new.write_text(f"{offset:+d}\n")
        new.rename(self.file)


def usual_time(devices: int, apps: int) -> float:
    """How many seconds it takes where the clock is left alone."""
    with _working(devices, apps) as (served, world, _clock):
        return _all_installed(served, world)


def set_clock(name: str, devices: int, apps: int, usual: float) -> Found:
    """The clock is set by STEPS[name] with about half of the installs done."""
    found = Found(f"the clock is set: {name}")
    wanted = devices * apps
    with _working(devices, apps) as (served, world, clock):
        began = time.monotonic()
        until(lambda: len(world.missing(world.everything())) <= wanted // 2, "half", _LIMIT)
        done = wanted - len(world.missing(world.everything()))
        for offset, after in STEPS[name]:
            time.sleep(after)
            clock.set(offset)
        stepped = time.monotonic()
        until(lambda: _part(served, "clock"), "the step is noticed", RIGHT_WITHIN)
        noticed = time.monotonic() - stepped
        _all_installed(served, world)
        took = time.monotonic() - began
        found.figures += [
            f"{done} of {wanted} were done; noticed after {noticed:.1f} s",
            f"all {wanted} after {took:.0f} s, without a step after {usual:.0f} s",
            f"readyz: {json.dumps(_part(served, 'clock'))}",
            *(f"log: {line}" for line in served.log() if "the clock went" in line),
            *(f"status: {line}" for line in _about_clock(served.says("status"))),
            *(f"doctor: {line}" for line in _about_clock(served.says("doctor"))),
        ]
        found.check(took < usual + RIGHT_WITHIN, f"took {took:.0f} s")
        violations = world.ledger.violations()
        found.check(not violations, f"asked or sent what must not be: {violations}")
        until(lambda: not served.trouble(), "ready", RIGHT_WITHIN)
    return found


def _about_clock(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if "clock" in line]


@contextmanager
def _working(devices: int, apps: int) -> Iterator[tuple[Served, World, Clock]]:
    """A bridge that has just been told what is wanted, and all that is around it."""
    settings = AppleSettings(process_delay=1.0, notifications=NotificationSettings(delay=0.5))
    world = build_world(devices, apps, clock=time.time, install_time=2.5, apple=settings)
    running = run(world)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        clock = Clock(folder / "offset")
        clock.set(0)
        (folder / "hq.vpptoken").touch(mode=0o600)
        (folder / "hq.vpptoken").write_text(world.location.token)
        lines = [
            f'  - {{adam_id: "{adam_id}", name: {name}, groups: [everyone]}}'
            for adam_id, (_, name) in world.catalogue.items()
        ]
        config = _CONFIG.replace("MDM", running.mdm_url).replace("APPLE", running.apple_url)
        config = config.replace("KEY", world.mdm.settings.api_key) + "\n".join(lines)
        config += "\npolicy:\n" + "\n".join(f"  {line}" for line in policy_lines()) + "\n"
        try:
            with serving(folder, config=config, environ=clock.environ) as served:
                url = f"http://mdm:webhook-key@127.0.0.1:{served.port}/hooks/mdm/main"
                with world.lock:
                    world.mdm.webhook.url = url
                said = served.says("apply", "--yes")
                until(lambda: _states(served), f"apply says: {said}", 10.0)
                yield served, world, clock
        finally:
            running.stop()


def _all_installed(served: Served, world: World) -> float:
    """Until the bridge says so of all, and it is true; the seconds that took."""
    wanted = len(world.everything())

    def all_installed() -> bool:
        return _states(served) == ["installed"] * wanted and not world.missing(world.everything())

    return until(all_installed, "all installed", _LIMIT)


def _states(served: Served) -> list[str]:
    return [str(row[0]) for row in served.rows("SELECT state FROM installs")]


def _part(served: Served, name: str) -> Mapping[str, Any] | None:
    return next((part for part in served.readyz()["parts"] if part["name"] == name), None)
