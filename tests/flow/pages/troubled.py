"""A small fleet with all that a page may have to show: what went well, what goes on, what is stuck.

It is run on a moved clock for an hour; the days before, which charts show, are written down.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from bridge.domain.desired.desired import AppWish, Desired, Group
from bridge.simulator.devices.script import MDM_ERROR, Planned
from bridge.simulator.faults import Fault
from bridge.store.database import Connection
from bridge.store.views import over_time, totals
from tests.flow.scene import DAY, Scene, rarely

DAYS = 20

HOSTILE = "<script>alert(1)</script><b onmouseover='x'>\"&{{ 7*7 }}"
"""A name that somebody gave their device."""


def troubled(tmp_path: Path, *, devices: int = 24, **more: Any) -> Scene:
    """The fleet; the bridge's clock stands still at the end."""
    scene = Scene(
        tmp_path,
        devices=devices,
        apps=6,
        seats=devices - 2,
        enrol=False,
        policy=rarely(assets_every=DAY / 2),
        faults=[Fault("apple.event", "delay", delay=40.0, after=2, times=3)],
        **more,
    )
    world, ids = scene.world, scene.adam_ids
    for number, device in enumerate(world.devices):
        device.name = f"{('iPad', 'Mac')[device.product_name.startswith('Mac')]} {number + 1}"
    world.devices[0].name = HOSTILE
    world.devices[1].script.add(Planned("user_rejected", ids[0], times=0))
    world.devices[2].script.add(Planned("error", ids[1], times=0, domain=MDM_ERROR, code=12023))
    world.devices[3].script.add(Planned("not_now", ids[2], times=0))
    world.devices[4].script.add(Planned("installs_for_ever", ids[3], times=0))
    scene.apply(_wanted(scene))
    for device in world.devices[:-1]:
        device.enrol()
        scene.pass_time(90)
    scene.pass_time(600)
    with scene.bridge.database.write() as db:
        _earlier_days(db, scene.now())
    return scene


def _earlier_days(db: Connection, now: float) -> None:
    """Counts of the days before, as they would have been kept: ever more installs and licences."""
    final = totals.installs(db)
    for day in range(DAYS, 0, -1):
        share = 1.0 - day / (DAYS + 4)
        done = [replace(c, count=round(c.count * share)) for c in final if c.state == "installed"]
        was = {c.adam_id: c.count for c in done}
        rest = [
            replace(c, count=c.count - was.pop(c.adam_id, 0) * (c.state == "installed"))
            for c in sorted(final, key=lambda c: c.state != "installed")
        ]
        over_time.keep(db, [*done, *(replace(c, state="waiting") for c in rest)], now - day * DAY)
        db.execute(
            "INSERT INTO asset_days (location, adam_id, pricing_param, day, used) "
            "SELECT location, adam_id, pricing_param, ?, round((total - available) * ?) "
            "FROM assets",
            (int((now - day * DAY) // DAY), share * 0.8),
        )


def _wanted(scene: Scene) -> Desired:
    apps = scene.world.catalogue.items()
    wishes = [
        AppWish(adam_id, ("them",), "hq", name=name, bundle_id=bundle_id)
        for adam_id, (bundle_id, name) in apps
    ]
    wishes[-1] = replace(wishes[-1], groups=("few",))
    few = Group("few", serials=("NEVERSEEN1", *scene.serials[:9]))
    return Desired(groups=(Group("them", all=True), few), apps=tuple(wishes))
