"""A plan says what it does: to what is there, by which counts, and what of wishes changes."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.flow.cli_kit import Shell
from tests.flow.scene import MakeScene
from tests.flow.test_groups import listed_only


@pytest.fixture
def shell(make_scene: MakeScene) -> Shell:
    """One app on two devices, installed."""
    shell = Shell(make_scene(devices=2, apps=1, macs=0, seats=10))
    assert shell.run("apply", "--yes").exit_code == 0
    shell.scene.run(shell.scene.all_installed)
    return shell


def planned(shell: Shell) -> list[str]:
    """The lines of a plan."""
    result = shell.run("plan")
    assert (result.exit_code, result.stderr) == (0, "")
    return result.stdout.splitlines()


@pytest.mark.parametrize(
    ("on_unwanted", "key", "words"),
    [
        ("keep", "kept", "nothing happens, app and licence stay"),
        ("release", "licences_back", "the licence goes back; an app that stays stops working"),
        ("remove", "apps_deleted", "the licence goes back, then the app is deleted from the"),
    ],
)
def test_what_happens_to_what_is_removed(
    shell: Shell, on_unwanted: str, key: str, words: str
) -> None:
    scene = shell.scene
    shell.want(scene.serials[:1], on_unwanted=on_unwanted)
    said = [line for line in planned(shell) if "no longer wanted" in line]
    assert len(said) == 1
    assert said[0].startswith("Pages (361309726) is no longer wanted on 1 device: ")
    assert words in said[0]
    (app,) = shell.json("plan")["apps"]
    counts = {name: app[name] for name in ("removed", "kept", "licences_back", "apps_deleted")}
    assert counts == {"removed": 1, "kept": 0, "licences_back": 0, "apps_deleted": 0} | {key: 1}


def test_what_of_a_wish_changes_from_what_to_what(shell: Shell) -> None:
    scene = shell.scene
    shell.want(scene.serials, priority=5, on_unwanted="release", configuration={"pin": "4711"})
    told = planned(shell)
    for line in (
        "Pages (361309726), priority: 0 -> 5 on 2 devices.",
        "Pages (361309726), on_unwanted: keep -> release on 2 devices.",
        "Pages (361309726), configuration: none -> one on 2 devices.",
    ):
        assert line in told
    assert "4711" not in "".join(told), "the values of a configuration are secrets"
    changed = {each["key"]: each for each in shell.json("plan")["settings"]}
    assert changed["priority"] == {
        "adam_id": scene.adam_ids[0],
        "key": "priority",
        "from": "0",
        "to": "5",
        "installs": 2,
    }


def test_which_groups_differ(shell: Shell) -> None:
    shell.want([*shell.scene.serials[:1], "NEW1", "NEW2"])
    assert "Groups that differ: them is another (2 more, 1 fewer serial numbers)." in planned(shell)


def test_counts_are_read_anew_and_their_age_is_told(shell: Shell) -> None:
    scene = shell.scene
    scene.pass_time(3 * 3600)
    assert "Apple's counts at hq were read now." in planned(shell)
    before = scene.world.ledger.requests["apple.assets"]
    (sums,) = shell.json("plan")["seats"]
    assert scene.world.ledger.requests["apple.assets"] > before
    assert sums["counted_at"] is not None
    offline = shell.run("plan", "--offline").stdout
    (age,) = [line for line in offline.splitlines() if line.startswith("Apple's counts")]
    assert age.endswith(" ago.")


def test_where_apple_cannot_be_asked_the_old_counts_serve(make_scene: MakeScene) -> None:
    shell = Shell(make_scene(devices=1, apps=1, macs=0))
    shell.run("apply", "--yes")
    shell.scene.run(shell.scene.all_installed)
    (shell.scene.tmp_path / "hq.vpptoken").write_text("nonsense")
    told = planned(shell)
    assert any("The assets of hq could not be read" in line for line in told)
    assert any(line.startswith("Apple's counts at hq were read ") for line in told)


def test_devices_of_unknown_platform_are_counted(make_scene: MakeScene) -> None:
    shell = Shell(listed_only(make_scene, product_name="iPad14,1"))
    scene = shell.scene
    shell.want(scene.serials)
    (line,) = [each for each in planned(shell) if "the platform is not known yet" in each]
    assert line.startswith("Of 1 device the platform is not known yet")
    assert shell.json("plan")["devices_of_unknown_platform"] == 1


def assigned(shell: Shell, *arguments: str, code: int = 0) -> Any:
    return json.loads(shell.run("assign", *arguments, "--json").stdout) if code == 0 else None


def test_a_device_without_an_app_that_the_file_wants(shell: Shell) -> None:
    scene = shell.scene
    serial, app = scene.serials[0], scene.adam_ids[0]
    told = shell.run("assign", "--not", serial, "--app", app)
    assert (told.exit_code, told.stderr) == (0, "")
    assert told.stdout.splitlines() == [
        f"1 device without app Pages ({app}) from now on.",
        f"On {serial} nothing happens, app and licence stay.",
    ]
    assert shell.run("assign", "--not", serial, "--app", app).stdout == (
        f"0 devices without app Pages ({app}) from now on, 1 as before.\n"
    )
    scene.settle()
    assert scene.states() == {"removed KEPT": 1, "installed INSTALLED": 1}
    assert (
        f"vpp-bridge unassign {serial} --app {app} ends that"
        in shell.run("why", serial, app).stdout
    )
    assert shell.run("apply", "--yes").exit_code == 0
    assert any(
        f"stays away from {serial}: vpp-bridge assign --not said so" in line
        for line in planned(shell)
    )
    scene.settle()
    assert scene.states() == {"removed KEPT": 1, "installed INSTALLED": 1}, "no apply ends it"
    shell.run("unassign", serial, "--app", app)
    scene.run(scene.all_installed)
    assert {i["wanted_by"] for i in scene.installs()} == {"file"}


def test_excluded_before_it_is_there_and_wished_for_again(make_scene: MakeScene) -> None:
    shell = Shell(make_scene(devices=2, apps=1, macs=0))
    scene = shell.scene
    serial, app = scene.serials[0], scene.adam_ids[0]
    shell.run("assign", "--not", serial, "--app", app)
    shell.run("apply", "--yes")
    scene.run(scene.all_installed)
    assert [i["serial_number"] for i in scene.installs()] == [scene.serials[1]]
    why = shell.run("why", serial, app)
    assert why.exit_code == 2
    assert "assign --not" in why.stderr
    assert shell.run("assign", serial, "--app", app).stdout.startswith("1 new one-off wish.")
    scene.run(lambda: len(scene.installs(state="installed")) == 2)
    by = {i["serial_number"]: i["wanted_by"] for i in scene.installs()}
    assert by[serial] == "file and one-off"


def test_the_licence_goes_back_where_the_file_says_so(make_scene: MakeScene) -> None:
    shell = Shell(make_scene(devices=2, apps=1, macs=0))
    scene = shell.scene
    shell.want(scene.serials, on_unwanted="remove")
    shell.run("apply", "--yes")
    scene.run(scene.all_installed)
    told = json.loads(
        shell.run("assign", "--not", *scene.serials, "--app", scene.adam_ids[0], "--json").stdout
    )
    assert {each["on_unwanted"] for each in told["excluded"]} == {"remove"}
    scene.run(lambda: scene.states() == {"removed REMOVED": 2})
    assert not scene.world.location.library.assignments


def test_not_goes_alone(shell: Shell) -> None:
    serial, app = shell.scene.serials[0], shell.scene.adam_ids[0]
    result = shell.run("assign", "--not", serial, "--app", app, "--location", "hq")
    assert result.exit_code == 2
    assert "--not goes with a device and an app alone" in result.stderr


def test_a_serial_that_no_server_has_shown_is_warned_of(shell: Shell) -> None:
    result = shell.run("assign", "C02XL0GYJGH5", "--app", shell.scene.adam_ids[0])
    assert result.exit_code == 0
    assert result.stderr.startswith("No server has shown C02XL0GYJGH5 yet")
    told = shell.json("assign", "C02XL0GYJGH5", "--app", shell.scene.adam_ids[0])
    assert told["not_shown"] == ["C02XL0GYJGH5"]
    known = shell.run("assign", shell.scene.serials[0], "--app", shell.scene.adam_ids[0])
    assert known.stderr == ""


def test_an_app_that_no_location_owns_is_refused_while_that_is_fresh(shell: Shell) -> None:
    scene = shell.scene
    scene.run(lambda: shell.json("status")["locations"][0]["assets_read_at"] is not None)
    result = shell.run("assign", scene.serials[0], "--app", "999999999")
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith("nothing was wished for: no location owns app 999999999")
    assert len(scene.installs()) == 2
    assert shell.run("assign", scene.serials[0], "--app", "999999999", "--force").exit_code == 0
    path = f"/v1/installs/{scene.serials[1]}/999999999"
    key = {"Authorization": "Basic YnJpZGdlOmFwaS1zZWNyZXQ="}
    assert scene.client.put(path, json={}, headers=key).status_code == 201


def test_it_is_not_refused_where_the_list_is_old_or_was_never_read(make_scene: MakeScene) -> None:
    shell = Shell(make_scene(devices=1, apps=1, macs=0))
    serial = shell.scene.serials[0]
    assert shell.run("assign", serial, "--app", "999999999").exit_code == 0, "never read"
    shell.run("unassign", serial, "--app", "999999999")
    shell.run("apply", "--yes")
    shell.scene.run(lambda: len(shell.scene.installs(state="installed")) == 1)
    shell.scene.world.advance(2 * 86400.0)
    assert shell.run("assign", serial, "--app", "999999998").exit_code == 0, "an old list"
