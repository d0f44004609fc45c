"""The size of the database: what a finished install leaves, and a year of daily check-ins."""

from __future__ import annotations

import base64
import os
import sqlite3
import tempfile
import time
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

from bridge.app import Bridge
from bridge.app.inbox_upkeep import remove_taken
from bridge.config import load_config
from bridge.engine.upkeep.pruning import Pruning
from bridge.simulator import templates
from tests.bench.figures import Asked
from tests.bench.figures.road import run
from tests.bench.fleet import DAY, Fleet
from tests.bench.report import Found, Row
from tests.bench.setting import setting
from tests.bench.world.mdm import Device
from tests.intake import process

MONTH = 30
LATER = 31
FLEET = 10_000
"""Devices that the limit speaks of; fewer are measured, and what each takes is the same."""
_KB, _MB = 1e3, 1e6
_APPS = 25


class Clock:
    """Moved by the benchmark alone."""

    def __init__(self, now: float) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


def database(asked: Asked) -> Found:
    """Bytes of used pages in all database files."""
    found = _after_the_road(asked)
    found.add(_a_year(asked))
    return found


def used(folder: Path) -> int:
    """Bytes of the pages that are in use, of every database in the folder."""
    total = 0
    for path in folder.glob("*.db*"):
        if path.read_bytes()[:15] != b"SQLite format 3":
            continue
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as db:
            size, count, free = (
                db.execute(f"PRAGMA {name}").fetchone()[0]
                for name in ("page_size", "page_count", "freelist_count")
            )
            total += size * (count - free)
    return total


def _after_the_road(asked: Asked) -> Found:
    devices, apps = asked.devices or (10 if asked.quick else 200), asked.apps or _APPS
    with setting(devices, apps) as (bridge, world):
        run(bridge, world, devices, apps)
        at_once = used(bridge.folder)
        bridge.stop()
        clock = Clock(time.time() + LATER * DAY)
        later = Bridge(load_config(bridge.folder / "config.yaml", os.environ), clock).open()
        try:
            _prune(later, clock)
        finally:
            later.close()
        kept = used(bridge.folder)
    installs = devices * apps
    return Found(
        [
            Row(
                f"database after the road {devices} × {apps}, {LATER} days on: for an install",
                f"{kept / installs / _KB:.2f} KB ({at_once / installs / _KB:.2f} KB at once)",
                value=kept / installs / _KB,
                at_most=2.5,
                unit="KB",
            )
        ]
    )


def _a_year(asked: Asked) -> Found:
    """Every device comes once a day for sixteen months; each day what is old is forgotten."""
    devices = asked.devices or (5 if asked.quick else 50)
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        folder, clock = Path(name), Clock(time.time())
        fleet = Fleet(folder, devices, _APPS, now=clock.now)
        bridge = Bridge(load_config(fleet.config, os.environ), clock).open()
        sizes: dict[int, int] = {}
        try:
            with bridge.database.read() as db:
                udids = [row[0] for row in db.execute("SELECT udid FROM devices")]
            empty = used(folder)
            for day in range(1, 16 * MONTH + 1):
                clock.now += DAY
                _come(bridge, udids, day, clock.now)
                _prune(bridge, clock)
                if day % MONTH == 0:
                    sizes[day // MONTH] = used(folder)
        finally:
            bridge.close()
    year, early, late = (sizes[month] for month in (12, 14, 16))
    installs = FLEET * _APPS
    fixed = _of_one()
    whole = fixed + (year - fixed) * FLEET / devices
    return Found(
        [
            Row(
                f"database after a year of daily check-ins of {FLEET} devices",
                f"{whole / _MB:.0f} MB, by {devices} devices "
                f"({(year - empty) / devices / _KB:.1f} KB for the check-ins of each)",
                f"{installs} finished installs in it",
                whole / _MB,
                at_most=400.0,
                unit="MB",
            ),
            Row(
                "database from month 14 to month 16",
                f"{late / _KB:.0f} KB",
                f"{early / _KB:.0f} KB",
                late / early,
                at_most=1.01,
            ),
        ]
    )


def _of_one() -> int:
    """What the file takes whatever the fleet: that of one device with one app."""
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        Fleet(Path(name), 1, 1, now=time.time())
        return used(Path(name))


def _come(bridge: Bridge, udids: list[str], day: int, now: float) -> None:
    stamp = datetime.fromtimestamp(now, UTC).isoformat().replace("+00:00", "123Z")
    for number, udid in enumerate(udids):
        plist = templates.idle(Device(number, udid, ""))
        body = (
            f'{{"topic": "mdm.Connect", "event_id": "{day:08x}-0000-4000-8000-{number:012x}", '
            f'"created_at": "{stamp}", "acknowledge_event": {{"udid": "{udid}", '
            f'"status": "Idle", "raw_payload": "{base64.b64encode(plist).decode()}"}}}}'
        )
        bridge.receive_webhook("main", body.encode())
    while process(bridge.database, bridge.context):
        pass


def _prune(bridge: Bridge, clock: Clock) -> None:
    remove_taken(bridge.database)
    pruning = Pruning(bridge.database, bridge.config.policy.retention, clock.now)
    while pruning.step(clock.now):
        pass
