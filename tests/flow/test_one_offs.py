"""One-off wishes: beside the file, and left alone by every apply."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from bridge.config import LocationConfig
from bridge.domain.desired.desired import AppWish, Desired, Group
from tests.flow.cli_kit import Shell
from tests.flow.scene import Scene


@pytest.fixture
def shell(make_scene: Callable[..., Scene]) -> Shell:
    return Shell(make_scene(devices=2, apps=2))


def desired_by(scene: Scene) -> dict[tuple[str, str], str | None]:
    return {(i["serial_number"], i["adam_id"]): i["wanted_by"] for i in scene.installs()}


def row(scene: Scene, serial: str, adam_id: str) -> Mapping[str, Any]:
    with scene.bridge.database.read() as db:
        found = db.execute(
            "SELECT * FROM installs WHERE target = ? AND adam_id = ?", (serial, adam_id)
        ).fetchone()
    return dict(zip(found.keys(), found, strict=True))


def test_an_app_that_no_file_wants_is_installed_and_given_up_again(shell: Shell) -> None:
    scene = shell.scene
    device, app = scene.serials[0], scene.adam_ids[0]
    assert shell.run("assign", device, "--app", app).stdout == "1 new one-off wish.\n"
    scene.run(scene.all_installed)
    assert desired_by(scene) == {(device, app): "one-off"}
    assert shell.run("unassign", device, "--app", app).stdout == "1 one-off wish withdrawn.\n"
    scene.settle()
    assert scene.states() == {"removed KEPT": 1}


def test_asking_again_is_the_same_and_withdrawing_nothing_is_nothing(shell: Shell) -> None:
    app = shell.scene.adam_ids[0]
    shell.run("assign", "S1", "--app", app)
    assert shell.run("assign", "s1", "S2", "--app", app).stdout == (
        "1 new one-off wish, 1 as before.\n"
    )
    assert shell.run("unassign", "S1", "S3", "--app", app).stdout == (
        "1 one-off wish withdrawn, 1 had none.\n"
    )
    assert shell.run("unassign", "S3", "--app", app).exit_code == 0


def test_no_apply_takes_a_one_off_away(shell: Shell) -> None:
    scene = shell.scene
    device, app = scene.serials[0], scene.adam_ids[0]
    shell.run("assign", device, "--app", app)
    shell.want(scene.serials[1:], scene.adam_ids[1:])
    shell.run("apply", "--yes")
    assert desired_by(scene)[device, app] == "one-off"
    shell.want([])
    shell.write(desired="groups: {}\napps: []\n")
    shell.run("apply", "--yes", "--json")
    assert desired_by(scene)[device, app] == "one-off"


def test_the_file_comes_and_goes_beside_a_one_off_without_a_new_round(shell: Shell) -> None:
    scene = shell.scene
    device, app = scene.serials[0], scene.adam_ids[0]
    shell.run("assign", device, "--app", app)
    scene.run(scene.all_installed)
    before = row(scene, device, app)
    shell.want([device], [app])
    shell.run("apply", "--yes")
    assert desired_by(scene) == {(device, app): "file and one-off"}
    shell.write(desired="groups: {}\napps: []\n")
    shell.run("apply", "--yes")
    assert desired_by(scene) == {(device, app): "one-off"}
    after = row(scene, device, app)
    assert (after["round_at"], after["dirty_at"]) == (before["round_at"], before["dirty_at"])


def test_what_the_file_wants_stays_when_the_one_off_goes(shell: Shell) -> None:
    scene = shell.scene
    device, app = scene.serials[0], scene.adam_ids[0]
    shell.run("apply", "--yes")
    scene.run(scene.all_installed)
    before = row(scene, device, app)
    told = shell.run("assign", device, "--app", app).stdout
    assert f"The file wants it, too, and its settings count, on {device}." in told
    assert desired_by(scene)[device, app] == "file and one-off"
    told = shell.run("unassign", device, "--app", app).stdout
    assert f"The file still wants it on {device}." in told
    assert row(scene, device, app) == before


def test_a_device_that_enrols_later_gets_it(make_scene: Callable[..., Scene]) -> None:
    scene = make_scene(devices=1, apps=1)
    scene.bridge.assign(["LATE1"], scene.adam_ids[0])
    scene.settle()
    assert scene.states() == {"waiting NOT_ENROLLED": 1}
    scene.world.new_device("LATE1").enrol()
    scene.run(scene.all_installed)


def test_a_device_whose_groups_want_it_too_is_wanted_by_both(
    make_scene: Callable[..., Scene],
) -> None:
    scene = make_scene(devices=1, apps=1, seats=2)
    scene.apply()
    scene.bridge.assign(["LATE1"], scene.adam_ids[0])
    assert desired_by(scene)["LATE1", scene.adam_ids[0]] == "one-off"
    scene.world.new_device("LATE1").enrol()
    scene.run(scene.all_installed)
    assert desired_by(scene)["LATE1", scene.adam_ids[0]] == "file and one-off"


def test_the_settings_that_the_file_has_for_the_app_count(make_scene: Callable[..., Scene]) -> None:
    scene = make_scene(devices=1, apps=1)
    app = AppWish(scene.adam_ids[0], ("none",), "hq", priority=7, mode="license_only")
    scene.apply(Desired((Group("none", ("OTHER1",)),), (app,)))
    scene.bridge.assign(scene.serials, app.adam_id)
    stored = row(scene, scene.serials[0], app.adam_id)
    assert (stored["priority"], '"mode":"license_only"' in stored["options"]) == (7, True)


def test_with_several_locations_one_must_be_named(make_scene: Callable[..., Scene]) -> None:
    scene = make_scene(devices=1, apps=1, locations=("hq", "branch"))
    shell = Shell(scene)
    token = scene.tmp_path / "branch.vpptoken"
    token.touch(0o600)
    token.write_text(scene.world.apple.locations[1].token)
    two = "  branch: {content_token_file: branch.vpptoken}\napple:"
    shell.write()
    shell.write(shell.config.read_text().replace("apple:", two))
    for options in ([], ["--location", "nowhere"]):
        result = shell.run("assign", "S1", "--app", "1", *options)
        assert (result.exit_code, result.stderr.count("\n")) == (2, 1)
        assert "name one of branch, hq" in result.stderr
    assert shell.run("assign", "S1", "--app", "1", "--location", "branch").exit_code == 0
    assert shell.json("assign", "S1", "--app", "1", "--location", "hq") == {
        "assigned": [
            {
                "serial_number": "S1",
                "enrollment_id": None,
                "adam_id": "1",
                "pricing_param": "STDQ",
                "location": "hq",
                "wanted_by": "one-off",
                "new": False,
            }
        ],
        "not_shown": ["S1"],
    }


@pytest.mark.parametrize(
    "arguments", [["S 1", "--app", "1"], ["S1", "--app", "x"], ["S1"], ["--app", "1"]]
)
def test_a_bad_serial_or_app_stores_nothing(shell: Shell, arguments: list[str]) -> None:
    result = (
        shell.run("assign", "GOOD1", *arguments)
        if arguments[0] != "--app"
        else (shell.run("assign", *arguments))
    )
    assert (result.exit_code, result.stderr.count("\n")) == (2, 1)
    assert not shell.scene.installs()


def test_the_location_of_the_file_is_taken_before_it_is_asked_for(
    make_scene: Callable[..., Scene],
) -> None:
    scene = make_scene(devices=1, apps=1)
    branch = LocationConfig("branch", scene.config.locations["hq"].content_token_file)
    scene.bridge.config.locations["branch"] = branch  # type: ignore[index]
    scene.apply(scene.wanted_for(["OTHER1"]))
    assert scene.bridge.assign(["S1"], scene.adam_ids[0]) == {"S1"}
    assert scene.install("S1")["location"] == "hq"
