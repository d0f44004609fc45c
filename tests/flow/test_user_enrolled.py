"""User enrolments: no serial number, an enrolment id in its place, and apps through users only."""

from __future__ import annotations

from typing import Any, Literal

import pytest

from bridge.simulator.mdm.mdm import MdmSettings
from tests.flow.cli_kit import Shell
from tests.flow.reasons import MakeScene
from tests.flow.scene import API_KEY, DAY, Scene

BYOD = "a1b2c3d4e5f60718293a4b5c6d7e8f9001122334"
AUTH = ("bridge", API_KEY)
Kind = Literal["micromdm", "nanomdm"]


def scene_of(make_scene: MakeScene, kind: Kind = "nanomdm", devices: int = 1) -> Scene:
    """The first device is enrolled by its user."""
    mdm = MdmSettings(kind=kind)
    scene = make_scene(devices=devices, apps=1, macs=0, enrol=False, mdm=mdm)
    scene.world.devices[0].enrollment_id = BYOD
    scene.world.enrol_all()
    scene.pass_time(5)
    return scene


def ask(scene: Scene, method: str, path: str, **arguments: Any) -> Any:
    return scene.client.open(path, method=method, auth=AUTH, **arguments)


@pytest.mark.parametrize("kind", ["micromdm", "nanomdm"])
def test_it_is_listed_and_reachable_by_its_enrolment_id(make_scene: MakeScene, kind: Kind) -> None:
    scene = scene_of(make_scene, kind)
    app = scene.adam_ids[0]
    path = f"/v1/installs/{BYOD}/{app}"
    (listed,) = ask(scene, "GET", f"/v1/devices?serial={BYOD}").json["devices"]
    assert (listed["serial_number"], listed["enrollment_id"]) == (None, BYOD)
    assert ask(scene, "GET", f"/v1/devices?serial={BYOD.upper()}").json["devices"] == []
    assert ask(scene, "PUT", path, json={}).status_code == 201
    assert ask(scene, "PUT", path, json={}).status_code == 200
    scene.pass_time(DAY)
    found = ask(scene, "GET", path).json
    assert (found["serial_number"], found["enrollment_id"]) == (None, BYOD)
    assert (found["server"], found["udid"]) == ("main", None)
    assert (found["state"], found["reason"]) == ("failed", "USER_LICENSE_NEEDED")
    assert "needs the licence of a user" in found["explanation"]["sentence"]
    assert "Write license_to: auto (or user) at Pages" in found["explanation"]["next"]
    assert scene.world.ledger.requests["apple.associate"] == 0
    assert scene.world.devices[0].received == []
    for query in (f"serial={BYOD}", f"serial={BYOD}&adam_id={app}"):
        (one,) = ask(scene, "GET", f"/v1/installs?{query}").json["installs"]
        assert one["enrollment_id"] == BYOD
    for thing in ("commands", "assignments"):
        assert ask(scene, "GET", f"/v1/{thing}?serial={BYOD}").json[thing] == []
    assert ask(scene, "POST", f"{path}/retry").status_code == 200
    assert ask(scene, "DELETE", path).status_code == 204
    scene.settle()
    assert ask(scene, "GET", path).json["state"] == "removed"


def test_what_has_no_serial_number_comes_last(make_scene: MakeScene) -> None:
    scene = scene_of(make_scene, devices=3)
    app = scene.adam_ids[0]
    serials = [device.serial_number for device in scene.world.devices[1:]]
    for name in (BYOD, "zz-9", *serials):
        assert ask(scene, "PUT", f"/v1/installs/{name}/{app}", json={}).status_code == 201
    scene.run(lambda: scene.states().get("installed INSTALLED") == 2)
    found, cursor = [], ""
    while True:
        page = ask(scene, "GET", f"/v1/installs?limit=1{cursor}").json
        found += [each["serial_number"] for each in page["installs"]]
        if page["next_cursor"] is None:
            break
        cursor = f"&cursor={page['next_cursor']}"
    assert found == [*sorted(serials), "ZZ-9", None]


def test_commands_take_an_enrolment_id_as_it_is(make_scene: MakeScene) -> None:
    scene = scene_of(make_scene)
    shell, app = Shell(scene), scene.adam_ids[0]
    (new,) = shell.json("assign", BYOD, "--app", app)["assigned"]
    assert (new["serial_number"], new["enrollment_id"], new["new"]) == (None, BYOD, True)
    scene.settle()
    explained = shell.run("why", BYOD, app)
    assert explained.exit_code == 1 and BYOD in explained.stdout.splitlines()[0]
    assert shell.json("why", BYOD, app, code=1)["enrollment_id"] == BYOD
    assert BYOD in shell.run("status", "--serial", BYOD).stdout
    assert BYOD in shell.run("devices", "--serial", BYOD).stdout
    assert shell.run("retry", "--serial", BYOD).exit_code == 0
    assert shell.run("retry", "--serial", BYOD.upper()).exit_code == 2
    paused = shell.run("pause", "--serial", BYOD)
    assert f"resume --serial {BYOD}" in paused.stdout
    assert shell.json("resume", "--serial", BYOD)["resumed"] is True
    planned = shell.json("plan")
    assert planned["short"] == 0 and [each["reason"] for each in planned["cannot"]] == [
        "USER_LICENSE_NEEDED"
    ]
    assert [each["needs"] for each in planned["seats"]] == [1], "for the one that the file names"
    assert shell.json("unassign", BYOD, "--app", app)["unassigned"] == [BYOD]


def test_a_group_by_rule_does_not_mean_it(make_scene: MakeScene) -> None:
    scene = scene_of(make_scene, devices=2)
    scene.apply()
    scene.run(scene.all_installed)
    assert [each["serial_number"] for each in scene.installs()] == scene.serials[1:]
    assert "1 user-enrolled device" in " ".join(scene.bridge.plan(scene.desired()).remarks())


def test_a_device_that_left_and_came_back_is_the_same(make_scene: MakeScene) -> None:
    scene = scene_of(make_scene)
    app = scene.adam_ids[0]
    ask(scene, "PUT", f"/v1/installs/{BYOD}/{app}", json={})
    scene.world.devices[0].reenrol(erased=False)
    scene.pass_time(60)
    (listed,) = ask(scene, "GET", "/v1/devices").json["devices"]
    assert (listed["enrollment_id"], listed["enrolled"]) == (BYOD, True)
    assert [each["enrollment_id"] for each in scene.installs()] == [BYOD]
