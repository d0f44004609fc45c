"""Reasons of an app that is there, and not the newest version."""

from __future__ import annotations

from bridge.simulator.devices.script import error
from tests.flow.reasons import MakeScene, catch, scenario
from tests.flow.scene import DAY, Scene
from tests.flow.test_updates import appears, ipads, there, wish


def outdated(make_scene: MakeScene, needs: str = "") -> Scene:
    """An iPad with an app, and a newer version of it in the store, of which the bridge heard."""
    scene = ipads(make_scene, devices=1)
    there(scene, wish(scene))
    appears(scene, needs=needs)
    return scene


@scenario(
    "UPDATE_WAITS",
    "installed",
    "is not the newest version, which waits: 2.0: when the device comes in its window",
    "nobody",
    next="once the device comes in its window",
    code=0,
)
def waits(make_scene: MakeScene) -> Scene:
    return catch(outdated(make_scene), "UPDATE_WAITS", limit=DAY)


@scenario(
    "UPDATING",
    "installed",
    "is being brought to its newest version: 2.0",
    "nobody",
    next="it is not sent the same one again",
    code=0,
)
def updating(make_scene: MakeScene) -> Scene:
    return catch(outdated(make_scene), "UPDATING", limit=2 * DAY)


@scenario(
    "UPDATE_FAILED",
    "installed",
    "did not take its newest version: 2.0: the device gave a reason that is not known (Odd 1)",
    "the admin",
    next="tried in three windows at most",
    code=1,
)
def failed(make_scene: MakeScene) -> Scene:
    scene = outdated(make_scene)
    scene.world.devices[0].script.add(error("Odd", 1, times=0))
    return catch(scene, "UPDATE_FAILED", limit=2 * DAY)


@scenario(
    "OS_TOO_OLD",
    "installed",
    "system is too old for the newest version: 2.0 needs 99.0, and this is 18.1",
    "the admin",
    next="update the system of the device",
    code=1,
)
def too_old(make_scene: MakeScene) -> Scene:
    return catch(outdated(make_scene, needs="99.0"), "OS_TOO_OLD", limit=DAY)


@scenario(
    "OUTSIDE_WINDOW_POSSIBLE",
    "installed",
    "it may come outside of the window: 2.0",
    "nobody",
    next="waits for the answer",
    code=0,
)
def outside(make_scene: MakeScene) -> Scene:
    scene = catch(outdated(make_scene), "UPDATING", limit=2 * DAY)
    scene.world.devices[0].go_offline()
    return catch(scene, "OUTSIDE_WINDOW_POSSIBLE", limit=DAY)
