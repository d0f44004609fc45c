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
    return {(each.target.name, each.adam_id) for each in owned}


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


def test_of_a_device_that_left_all_licences_go_back_and_of_one_that_is_there_none(
    shell: Shell,
) -> None:
    scene = shell.scene
    gone, there = scene.serials
    scene.world.devices[0].check_out()
    scene.pass_time(10)
    dry = shell.json("reclaim", "--unenrolled", "--dry-run")
    assert {(e["serial_number"], e["kind"]) for e in dry["licences"]} == {(gone, "unenrolled")}
    assert len(dry["licences"]) == 2, "the one that is kept, and the one that is wanted"
    assert all("it left main (CheckOut) on" in each["why"] for each in dry["licences"])
    assert len(held(shell)) == 4
    done = shell.run("reclaim", "--unenrolled", "--yes")
    assert (done.exit_code, done.stderr) == (0, "")
    scene.run(lambda: {serial for serial, _ in held(shell)} == {there})
    scene.run(lambda: scene.install(gone, scene.adam_ids[1])["reason"] == "RECLAIMED")
    scene.world.devices[0].enrol()
    scene.run(lambda: (gone, scene.adam_ids[1]) in held(shell))


def test_of_a_device_that_may_be_gone_it_is_said_why_its_licences_stay(shell: Shell) -> None:
    scene = shell.scene
    scene.world.devices[0].check_out()
    scene.pass_time(10)
    with scene.bridge.database.write() as db:
        db.execute("DELETE FROM server_watch")
    told = shell.run("reclaim", "--unenrolled", "--dry-run")
    assert told.exit_code == 0
    assert "main, which knew it, is not in the file" in told.stdout
    assert "No licence that the bridge got is of a device that is surely gone." in told.stdout
    assert shell.json("reclaim", "--unenrolled", "--yes")["stay"][0]["licences"] == 2
    assert len(held(shell)) == 4


def test_silence_is_counted_by_the_clock_of_the_server(shell: Shell) -> None:
    scene = shell.scene
    assert shell.json("reclaim", "--silent", "1h", "--yes")["licences"] == []
    scene.world.devices[0].go_offline()
    for _ in range(3):
        scene.world.devices[1].connect()
        scene.pass_time(3600)
    scene.world.devices[1].connect()
    scene.pass_time(10)
    found = shell.json("reclaim", "--silent", "2h", "--dry-run")["licences"]
    assert {each["serial_number"] for each in found} == {scene.serials[0]}
    assert shell.run("reclaim", "--silent", "5m").exit_code == 2
    assert shell.run("reclaim", "--silent", "soon").exit_code == 2


def test_what_plan_calls_reclaimable_goes_back_though_its_install_is_forgotten(
    shell: Shell,
) -> None:
    scene = shell.scene
    with scene.bridge.database.write() as db:
        db.execute("DELETE FROM installs WHERE desired = 0")
    (seats,) = [s for s in shell.json("plan")["seats"] if s["adam_id"] == scene.adam_ids[0]]
    assert seats["reclaimable"] == 2
    given = shell.json("reclaim", "--unwanted", "--yes")["licences"]
    assert len(given) == 2
    scene.run(lambda: {adam_id for _, adam_id in held(shell)} == {scene.adam_ids[1]})


def test_the_audit_log_says_who_gave_back(shell: Shell) -> None:
    assert shell.run("reclaim", "--unwanted", "--yes").exit_code == 0
    entries = shell.json("audit")["audit"]
    assert [each["action"] for each in entries].count("reclaim") == 1
