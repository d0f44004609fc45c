"""`reclaim`: licences of apps that nobody wants any more go back, and no others."""

from __future__ import annotations

import json

import pytest

from bridge.cli import show
from tests.flow.cli_kit import Shell
from tests.flow.scene import MakeScene


@pytest.fixture
def shell(make_scene: MakeScene) -> Shell:
    """Two apps on two devices; then the file wants only the second app, and the first is kept."""
    scene = make_scene(devices=2, apps=2, macs=0)
    shell = Shell(scene)
    assert shell.run("apply", "--yes").exit_code == 0
    scene.run(scene.all_installed)
    shell.want(scene.serials, scene.adam_ids[1:])
    assert shell.run("apply", "--yes").exit_code == 0
    scene.settle()
    return shell


def held(shell: Shell) -> set[tuple[str, str]]:
    """The serial numbers and adam ids of all licences in use, as Apple has them."""
    owned = shell.scene.world.location.library.assignments
    return {(each.target, each.adam_id) for each in owned}


def test_what_why_names_gives_one_licence_back(shell: Shell) -> None:
    scene = shell.scene
    serial, adam_id = scene.serials[0], scene.adam_ids[0]
    told = shell.run("why", serial, adam_id)
    command = f"vpp-bridge reclaim --serial {serial} --app {adam_id}"
    assert f"{command} gives the licence back" in told.stdout
    result = shell.run(*command.split()[1:], "--yes")
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.splitlines()[:2] == [
        "serial      device    app        name   location",
        f"{serial}  Device 1  {adam_id}  Pages  hq",
    ]
    assert result.stdout.splitlines()[-1] == (
        "1 licence will be given back, as soon as Apple takes them."
    )
    scene.run(lambda: scene.install(serial, adam_id)["reason"] == "RELEASED")
    assert len(held(shell)) == 3
    assert not scene.received("RemoveApplication")


def test_all_unwanted_go_back_and_what_is_wanted_stays(shell: Shell) -> None:
    scene = shell.scene
    dry = json.loads(shell.run("reclaim", "--unwanted", "--dry-run", "--json").stdout)
    assert {each["adam_id"] for each in dry["licences"]} == {scene.adam_ids[0]}
    assert len(held(shell)) == 4
    assert shell.run("reclaim", "--unwanted", "--yes").exit_code == 0
    scene.run(lambda: scene.states() == {"installed INSTALLED": 2, "removed RELEASED": 2})
    assert {adam_id for _, adam_id in held(shell)} == {scene.adam_ids[1]}
    again = shell.run("reclaim", "--unwanted")
    assert (again.exit_code, again.stdout) == (
        0,
        "No licence that the bridge got is left where nobody wants its app.\n",
    )


def test_others_licences_are_left_alone(make_scene: MakeScene) -> None:
    scene = make_scene(devices=1, apps=1, macs=0)
    scene.world.apple.portal(scene.world.location, "ASSOCIATE", scene.adam_ids[0], scene.serials)
    shell = Shell(scene)
    shell.run("apply", "--yes")
    scene.run(scene.all_installed)
    shell.want([])
    shell.run("apply", "--yes")
    scene.settle()
    assert shell.json("reclaim", "--unwanted", "--yes")["licences"] == []
    assert len(held(shell)) == 1


def test_it_asks_and_is_limited(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    assert shell.run("reclaim").exit_code == 2
    nobody = shell.run("reclaim", "--unwanted")
    assert nobody.exit_code == 2
    assert nobody.stderr == (
        "nothing was given back: say --yes to give them back without a question\n"
    )
    many = shell.run("reclaim", "--unwanted", "--yes", "--allow-removals", "1")
    assert many.exit_code == 2
    assert "no more than 1 without --allow-removals 2" in many.stderr
    monkeypatch.setattr(show, "can_ask", lambda: True)
    assert shell.run("reclaim", "--unwanted", answer="n\n").exit_code == 1
    shell.scene.pass_time(60)
    assert len(held(shell)) == 4
