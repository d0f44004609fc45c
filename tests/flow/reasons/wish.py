"""Reasons that lie with what was applied."""

from __future__ import annotations

from bridge.domain.desired.desired import Group
from tests.flow.cli_kit import Shell
from tests.flow.reasons import MakeScene, catch, scenario
from tests.flow.scene import Scene
from tests.flow.test_groups import IPADS, MIXED, ask_all, listed_only, only_for, shaped, wanting


@scenario(
    "HELD_BACK",
    "waiting",
    "the last apply had a limit",
    "the admin",
    next="run vpp-bridge apply without a limit",
    code=1,
)
def held_back(make_scene: MakeScene) -> Scene:
    scene = make_scene(devices=2, apps=1)
    assert Shell(scene).run("apply", "--yes", "--limit", "1").exit_code == 0
    return catch(scene, "HELD_BACK")


@scenario(
    "NOT_PLANNED",
    "waiting",
    "was enrolled before the last apply, which did not know enough of it",
    "the admin",
    next="run vpp-bridge apply again",
    code=1,
)
def not_planned(make_scene: MakeScene) -> Scene:
    scene = listed_only(make_scene)
    scene.apply(wanting(scene, IPADS))
    ask_all(scene)
    return catch(scene, "NOT_PLANNED")


@scenario(
    "PLATFORM_UNKNOWN",
    "waiting",
    "depends on its platform, which is not known yet",
    "nobody",
    next="an enrolled device is asked what it is",
    code=0,
)
def platform_unknown(make_scene: MakeScene) -> Scene:
    scene = listed_only(make_scene)
    scene.apply(wanting(scene, Group("everyone", all=True), platforms=("iOS",)))
    return catch(scene, "PLATFORM_UNKNOWN")


@scenario(
    "WRONG_PLATFORM",
    "failed",
    "does not run on",
    "the admin",
    next="take the serial number out of the groups",
    code=1,
)
def wrong_platform(make_scene: MakeScene) -> Scene:
    scene = make_scene(devices=3)
    only_for(scene, "iOS")
    shaped(scene, MIXED)
    scene.apply(wanting(scene, Group("named", serials=tuple(scene.serials))))
    return catch(scene, "WRONG_PLATFORM")
