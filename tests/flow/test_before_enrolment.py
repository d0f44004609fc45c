"""Licences before devices come, for one group alone."""

from __future__ import annotations

import json

from tests.flow.cli_kit import Shell
from tests.flow.scene import MakeScene, Scene

COMING = ["COMING0001", "COMING0002"]


def want(shell: Shell, scene: Scene, **early: bool) -> None:
    """One app on the devices there are, and on two that are to come."""
    groups = {
        "here": {"serials": scene.serials},
        "coming": {"serials": COMING[:1]} | early,
        "others": {"serials": COMING[1:]},
    }
    adam_id = scene.adam_ids[0]
    apps = [{"adam_id": adam_id, "name": "Pages", "groups": list(groups)}]
    shell.write(desired=f"groups: {json.dumps(groups)}\napps: {json.dumps(apps)}\n")


def test_one_group_is_licensed_before_its_devices_enrol(make_scene: MakeScene) -> None:
    scene = make_scene(devices=2, apps=1, macs=0, seats=10)
    shell = Shell(scene)
    want(shell, scene, before_enrolment=True)
    assert shell.run("apply", "--yes").exit_code == 0
    scene.pass_time(600)
    held = {each.target.name for each in scene.world.location.library.assignments}
    assert held == {*scene.serials, COMING[0]}
    drift = shell.json("drift", code=1)["drift"]
    assert [each["serial_number"] for each in drift] == [COMING[1]], "the other is expected"
    want(shell, scene)
    assert shell.run("apply", "--yes").exit_code == 0
    scene.pass_time(600)
    held = {each.target.name for each in scene.world.location.library.assignments}
    assert held == {*scene.serials, COMING[0]}, "what is there stays"
