"""Reasons of what is wanted on a device that is gone."""

from __future__ import annotations

from dataclasses import replace

from bridge.domain.policy import DAY, HOUR, ReclaimPolicy
from tests.flow.reasons import MakeScene, catch, scenario
from tests.flow.scene import Scene, rarely

POLICY = replace(rarely(devices_every=12 * HOUR), reclaim=ReclaimPolicy(unenrolled_after=2 * DAY))


def left(make_scene: MakeScene, devices: int, gone: int) -> Scene:
    """Some of the devices have left, and their time is nearly over."""
    scene = make_scene(devices=devices, apps=1, macs=0, policy=POLICY)
    scene.apply(scene.wanted_for(scene.serials, named=True))
    scene.run(scene.all_installed)
    for device in scene.world.devices[:gone]:
        device.check_out()
    for _ in range(2):
        scene.world.devices[-1].connect()
        scene.pass_time(DAY - HOUR)
    scene.world.devices[-1].connect()
    return scene


@scenario(
    "RECLAIMING",
    "waiting",
    "is being given back: it left main",
    "Apple",
    next="confirms it",
    code=0,
)
def reclaiming(make_scene: MakeScene) -> Scene:
    return catch(left(make_scene, 2, 1), "RECLAIMING", limit=DAY)


@scenario(
    "RECLAIMED",
    "waiting",
    "was given back, since",
    "nobody",
    next="asks for a licence anew",
    code=0,
)
def reclaimed(make_scene: MakeScene) -> Scene:
    return catch(left(make_scene, 2, 1), "RECLAIMED", limit=DAY)


@scenario(
    "RECLAIM_HELD",
    "waiting",
    "no more than 10 of them do within a day unless a person says so",
    "the admin",
    next="--allow-removals N",
    code=1,
)
def held(make_scene: MakeScene) -> Scene:
    return catch(left(make_scene, 12, 11), "RECLAIM_HELD", limit=DAY)
