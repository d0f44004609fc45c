"""`replace`: a device takes another's place, and no licence is lost between the two."""

from __future__ import annotations

import pytest

from bridge.domain.policy import DAY
from tests.flow.cli_kit import Shell
from tests.flow.scene import API_KEY, MakeScene
from tests.web_stand_in import basic


@pytest.fixture
def shell(make_scene: MakeScene) -> Shell:
    """Two apps on the first of two devices, which then was not heard of for two days."""
    scene = make_scene(devices=2, apps=2, macs=0)
    shell = Shell(scene)
    shell.want(scene.serials[:1])
    assert shell.run("apply", "--yes").exit_code == 0
    scene.run(scene.all_installed)
    scene.world.devices[0].go_offline()
    scene.pass_time(2 * DAY)
    return shell


def held(shell: Shell) -> dict[str, int]:
    """How many licences each device holds."""
    found: dict[str, int] = {}
    for each in shell.scene.world.location.library.assignments:
        found[each.target.name] = found.get(each.target.name, 0) + 1
    return found


@pytest.mark.slow
def test_the_new_one_gets_the_apps_and_then_the_licences_go_back(shell: Shell) -> None:
    scene = shell.scene
    old, new = scene.serials
    scene.world.devices[1].enrolled = False
    done = shell.run("replace", old, new)
    assert (done.exit_code, done.stderr) == (0, "")
    assert f"{new} gets 2 apps of {old}" in done.stdout
    number = next(
        n for n, text in enumerate(shell.config.read_text().splitlines(), 1) if old in text
    )
    assert f"{shell.config}:{number}: " in done.stdout
    assert f'"serials": ["{new}"]' in done.stdout
    assert API_KEY not in done.stdout
    told = {each["serial_number"]: each for each in scene.installs(adam_id=scene.adam_ids[0])}
    assert told[new]["wanted_by"] == "one-off"
    scene.run(lambda: held(shell).get(new) == 2)
    assert held(shell)[old] == 2, "they went back too early"
    scene.world.devices[1].enrolled = True
    scene.run(lambda: held(shell) == {new: 2})
    scene.run(lambda: {each["reason"] for each in scene.installs(serial=old)} == {"RELEASED"})


@pytest.mark.slow
def test_groups_mean_the_old_one_again_only_when_an_apply_shows_it(shell: Shell) -> None:
    scene = shell.scene
    old, new = scene.serials
    assert shell.run("replace", old, new).exit_code == 0
    scene.run(lambda: held(shell) == {new: 2})
    device = scene.world.devices[0]
    device.go_online()
    device.reenrol()
    scene.pass_time(600)
    assert held(shell) == {new: 2}, "the stored groups meant it"
    why = shell.run("why", old, scene.adam_ids[0])
    assert "another device took its place" in why.stdout
    plan = shell.json("plan", code=0)
    assert plan["added"] == 2
    assert shell.run("apply", "--yes").exit_code == 0
    scene.run(lambda: held(shell) == {old: 2, new: 2})


@pytest.mark.slow
def test_a_device_that_was_heard_of_is_not_replaced_without_a_word(shell: Shell) -> None:
    scene = shell.scene
    old, new = scene.serials
    scene.world.devices[0].go_online()
    scene.world.devices[0].connect()
    scene.pass_time(5)
    refused = shell.run("replace", old, new)
    assert refused.exit_code == 1
    assert f"{old} was heard of" in refused.stderr
    assert "--force" in refused.stderr
    assert shell.run("replace", old, new, "--force").exit_code == 0
    scene.run(lambda: held(shell) == {new: 2})


@pytest.mark.slow
def test_mistakes_have_one_sentence(shell: Shell) -> None:
    old, new = shell.scene.serials
    same = shell.run("replace", old, old.lower())
    assert same.exit_code == 1
    assert "cannot take its own place" in same.stderr
    nothing = shell.run("replace", "NEVERSEEN1", new)
    assert nothing.exit_code == 1
    assert "nothing is wanted on NEVERSEEN1" in nothing.stderr


@pytest.mark.slow
def test_the_api_does_the_same(shell: Shell) -> None:
    scene = shell.scene
    old, new = scene.serials
    key = basic(API_KEY)
    done = scene.client.post("/v1/replace", json={"old": old, "new": new}, headers=key)
    assert done.status_code == 200
    assert done.get_json() == {"old": old, "new": new, "adam_ids": sorted(scene.adam_ids)}
    again = scene.client.post("/v1/replace", json={"old": old, "new": new}, headers=key)
    assert again.status_code == 409
    scene.run(lambda: held(shell) == {new: 2})
