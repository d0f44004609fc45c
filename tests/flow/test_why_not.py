"""What `why` says of an app that is not, or no longer, wanted on a device, and after a restore."""

from __future__ import annotations

from pathlib import Path

import pytest

from bridge.domain.desired.desired import AppWish, Desired, Group
from tests.flow.cli_kit import Shell
from tests.flow.scene import MakeScene, Scene


def without(scene: Scene, *excluded: str) -> Desired:
    """Every app for all, but for the group of these devices."""
    desired = scene.desired(on_unwanted="release")
    apps = [AppWish(a.adam_id, a.groups, "hq", exclude=("kiosks",)) for a in desired.apps]
    return Desired((*desired.groups, Group("kiosks", serials=excluded)), tuple(apps))


def lines(shell: Shell, serial: str, code: int = 0) -> dict[str, str]:
    """The first lines of `why` by their names; the sentence is under an empty one."""
    result = shell.run("why", serial, shell.scene.adam_ids[0])
    assert result.exit_code == code, result.output
    sentence, _, *rest = result.stdout.split("\n\n")[0:1] + result.stdout.splitlines()[1:]
    pairs = (line.split("  ", 1) for line in rest if line and "  " in line)
    return {"": sentence} | {name: value.strip() for name, value in pairs}


def test_an_excluded_device_is_told_which_group_does_it(make_scene: MakeScene) -> None:
    scene = make_scene(devices=2, apps=1, macs=0)
    shell = Shell(scene)
    scene.apply(without(scene, scene.serials[0]))
    scene.run(lambda: len(scene.installs(state="installed")) == 1)
    result = shell.run("why", scene.serials[0], scene.adam_ids[0])
    assert result.exit_code == 2
    assert "excludes the group kiosks, which the device is in" in result.stderr


def test_one_that_is_excluded_later_is_told_too(make_scene: MakeScene) -> None:
    scene = make_scene(devices=1, apps=1, macs=0)
    shell = Shell(scene)
    scene.apply(scene.desired(on_unwanted="release"))
    scene.run(scene.all_installed)
    scene.apply(without(scene, scene.serials[0]))
    scene.settle()
    told = lines(shell, scene.serials[0])
    assert told[""].endswith(
        "It is not wanted there: the entry for it excludes the group kiosks, which the device is "
        "in."
    )


def test_the_groups_that_do_not_mean_a_device_are_named(make_scene: MakeScene) -> None:
    scene = make_scene(devices=2, apps=1, macs=0)
    shell = Shell(scene)
    scene.apply(scene.wanted_for(scene.serials[:1]))
    scene.run(scene.all_installed)
    result = shell.run("why", scene.serials[1], scene.adam_ids[0])
    assert "none of the groups that get it (them) means the device" in result.stderr


def test_who_never_had_a_licence_gave_none_back(make_scene: MakeScene) -> None:
    scene = make_scene(devices=1, apps=1)
    shell = Shell(scene)
    scene.apply(scene.wanted_for(["NEVERSEEN1"], on_unwanted="release"))
    scene.settle()
    scene.apply(scene.wanted_for([], on_unwanted="release"))
    scene.settle()
    told = lines(shell, "NEVERSEEN1")
    assert "given back" not in told[""].replace("could be given back", "")
    assert told["State"].startswith("removed, NOT_LICENSED")
    assert "When" not in told


@pytest.mark.parametrize("on_unwanted", ["keep", "release", "remove"])
def test_an_end_has_no_when(make_scene: MakeScene, on_unwanted: str) -> None:
    scene = make_scene(devices=1, apps=1, macs=0)
    shell = Shell(scene)
    scene.apply(scene.desired(on_unwanted=on_unwanted))
    scene.run(scene.all_installed)
    scene.apply(without(scene, scene.serials[0]) if on_unwanted == "keep" else Desired())
    scene.run(
        lambda: set(scene.states()) <= {f"removed {r}" for r in ("KEPT", "RELEASED", "REMOVED")}
    )
    told = lines(shell, scene.serials[0])
    assert "When" not in told
    assert "This is the end" in told["Next"] or "this is the end" in told["Next"]


def test_a_seat_wakes_who_waits_for_it_at_once(make_scene: MakeScene) -> None:
    scene = make_scene(devices=1, apps=1, macs=0, seats=0)
    shell = Shell(scene)
    scene.apply()
    scene.run(lambda: "waiting NO_SEAT" in scene.states())
    scene.world.mdm.push(scene.world.devices[0].udid)
    scene.pass_time(60)
    told = lines(shell, scene.serials[0], code=1)
    assert told["When"] == "as soon as Apple counts a free one"


def test_what_was_installed_when_the_copy_was_made_says_so(
    make_scene: MakeScene, tmp_path: Path
) -> None:
    scene = make_scene(devices=1, apps=1, macs=0)
    shell, copied = Shell(scene), tmp_path / "copy.db"
    scene.apply()
    scene.run(scene.all_installed)
    before = scene.install()
    assert shell.run("backup", str(copied)).exit_code == 0
    scene.pass_time(3600)
    scene.bridge.close()
    assert shell.run("restore", str(copied), "--yes").exit_code == 0
    scene.start()
    scene.run(lambda: shell.json("status")["locations"][0]["stopped"] == "FOREIGN_MDM")
    paused = scene.install()
    assert (paused["state"], paused["reason"]) == ("unconfirmed", "WAS_INSTALLED")
    assert "was installed on" in paused["explanation"]["sentence"]
    assert paused["since"] == before["since"]
    holder = shell.json("status")["locations"][0]["stopped_detail"]
    assert holder == "an earlier copy of this bridge"
    claim = shell.run("claim", "hq", "--name", "no")
    assert "is held by an earlier copy of this bridge:" in claim.stdout
    assert shell.run("resume", "--all").exit_code == 0
    scene.run(scene.all_installed)
    after = scene.install()
    assert (after["since"], after["reason"]) == (before["since"], "INSTALLED")
    assert after["explanation"]["took"] == before["explanation"]["took"]
