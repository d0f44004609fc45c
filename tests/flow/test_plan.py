"""`plan`: what it counts, what it says, and that it changes nothing."""

import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from bridge.simulator.apple.library import Asset, Pair, Target
from tests.flow import kit
from tests.flow.cli_kit import Shell
from tests.flow.scene import Scene


@pytest.fixture
def shell(make_scene: Callable[..., Scene]) -> Shell:
    return Shell(make_scene(devices=3, apps=1, seats=10))


def dump(scene: Scene) -> list[str]:
    """All that is stored."""
    with scene.bridge.database.read() as db:
        return kit.dump(db)


def seats(shell: Shell, *, code: int = 0) -> Mapping[str, Any]:
    """The sums of the only asset."""
    (found,) = shell.json("plan", code=code)["seats"]
    assert isinstance(found, dict)
    return found


def test_plan_then_apply_then_plan_says_nothing_to_do(shell: Shell) -> None:
    first = shell.run("plan")
    assert first.exit_code == 0
    assert "3 to add, 0 to remove, 0 to change, 0 unchanged." in first.stdout
    assert shell.run("apply", "--yes").exit_code == 0
    second = shell.run("plan")
    assert (second.exit_code, second.stderr) == (0, "")
    assert "nothing to do: 3 installs as applied." in second.stdout
    shell.scene.run(shell.scene.all_installed)
    assert "nothing to do: 3 installs as applied." in shell.run("plan").stdout
    assert shell.json("plan")["nothing_to_do"] is True


def test_before_the_first_serve_it_reads_outside_and_stores_nothing(shell: Shell) -> None:
    scene = shell.scene
    app = scene.adam_ids[0]
    shell.write(
        desired=f"groups: {{g: {{all: true}}}}\napps: [{{adam_id: '{app}', groups: [g]}}]\n"
    )
    before = dump(scene)
    told = shell.json("plan")
    assert (told["added"], told["short"]) == (3, 0), "all means those that the server lists"
    (sums,) = told["seats"]
    assert (sums["needs"], sums["free"], sums["total"], sums["counted"]) == (3, 10, 10, True)
    assert dump(scene) == before


def test_offline_it_reads_nothing_and_says_so(shell: Shell) -> None:
    result = shell.run("plan", "--offline")
    assert result.exit_code == 0
    assert "Offline: devices count as the bridge knows them." in result.stdout
    assert "Offline: never read: assets of hq, assignments of hq." in result.stdout
    assert "nobody has counted the free ones yet" in result.stdout
    assert "3 serial numbers are not shown by any server yet" in result.stdout


def test_what_cannot_be_read_is_told_and_does_not_stop_it(shell: Shell) -> None:
    scene = shell.scene
    (scene.tmp_path / "hq.vpptoken").write_text("nonsense")
    told = shell.json("plan")
    assert told["added"] == 3
    assert any("The assets of hq could not be read" in note for note in told["notes"])


def test_a_seat_is_counted_for_every_wanted_serial_and_who_waits_is_named(
    make_scene: Callable[..., Scene],
) -> None:
    scene = make_scene(devices=2, apps=1, seats=3)
    shell = Shell(scene)
    shell.want([*scene.serials, "UNSEEN1", "UNSEEN2"])
    result = shell.run("plan")
    assert result.exit_code == 1
    assert (
        "hq, Pages (361309726): needs 4, holds 0, 3 free of 3, 1 short; these wait: UNSEEN2\n"
    ) in result.stdout
    assert "2 serial numbers are not shown by any server yet: UNSEEN1, UNSEEN2." in result.stdout
    assert shell.json("plan", code=1)["seats"][0]["waiting"] == ["UNSEEN2"]


def test_it_exits_1_for_seats_also_when_there_is_nothing_to_do(
    make_scene: Callable[..., Scene],
) -> None:
    scene = make_scene(devices=2, apps=1, seats=1)
    shell = Shell(scene)
    assert shell.run("apply", "--yes").exit_code == 0, "stored, even though seats are short"
    scene.run(lambda: scene.states() == {"installed INSTALLED": 1, "waiting NO_SEAT": 1})
    result = shell.run("plan")
    assert result.exit_code == 1
    assert "nothing to do" in result.stdout
    assert "needs 2, holds 1, 0 free of 1, 1 short; these wait: " in result.stdout


def test_licences_that_were_there_before_are_held(make_scene: Callable[..., Scene]) -> None:
    scene = make_scene(devices=2, apps=1, seats=2)
    shell = Shell(scene)
    library = scene.world.location.library
    for serial in scene.serials:
        pair = Pair(scene.adam_ids[0], "STDQ", Target("serialNumber", serial))
        assert library.assign(pair, scene.world.now) == 0
    sums = seats(shell)
    assert (sums["holds"], sums["free"], sums["short"]) == (2, 0, 0)


def test_licences_of_ours_that_no_wish_needs_are_reclaimable(
    make_scene: Callable[..., Scene],
) -> None:
    scene = make_scene(devices=3, apps=1, seats=3)
    shell = Shell(scene)
    shell.run("apply", "--yes")
    scene.run(scene.all_installed)
    shell.want([scene.serials[0], "NEW1"])
    sums = seats(shell, code=1)
    assert (sums["needs"], sums["holds"], sums["free"]) == (2, 1, 0)
    assert (sums["reclaimable"], sums["returning"], sums["short"]) == (2, 0, 1)
    shell.want([scene.serials[0], "NEW1"], on_unwanted="release")
    sums = seats(shell)
    assert (sums["reclaimable"], sums["returning"], sums["short"]) == (2, 2, 0)
    assert "2 reclaimable (2 of them come back)" in shell.run("plan").stdout


def test_a_licence_comes_back_only_if_the_new_file_lets_it(
    make_scene: Callable[..., Scene],
) -> None:
    scene = make_scene(devices=2, apps=1, seats=2)
    shell = Shell(scene)
    shell.want(scene.serials, on_unwanted="release")
    shell.run("apply", "--yes")
    scene.run(scene.all_installed)
    shell.want(scene.serials[:1], on_unwanted="keep")
    sums = seats(shell)
    assert (sums["reclaimable"], sums["returning"]) == (1, 0)


def test_a_removal_follows_what_the_new_file_says_of_the_app(
    make_scene: Callable[..., Scene],
) -> None:
    scene = make_scene(devices=2, apps=1, seats=2)
    shell = Shell(scene)
    shell.run("apply", "--yes")
    scene.run(scene.all_installed)
    shell.want(scene.serials[:1], on_unwanted="release")
    shell.run("apply", "--yes")
    scene.run(lambda: "removed RELEASED" in scene.states())


def test_an_app_that_devices_cannot_have_is_named(make_scene: Callable[..., Scene]) -> None:
    scene = make_scene(devices=1, apps=1)
    scene.world.add_app(
        scene.world.location,
        "999",
        "com.example.users",
        "Users",
        Asset("999", device_assignable=False),
    )
    shell = Shell(scene)
    shell.want(scene.serials, ["999"])
    told = shell.json("plan")
    assert told["cannot"] == [
        {
            "serial_number": scene.serials[0],
            "adam_id": "999",
            "reason": "NOT_DEVICE_ASSIGNABLE",
        }
    ]
    assert (
        "Users (999) cannot be assigned to devices; it is wanted on SIM0000001."
        in shell.run("plan").stdout
    )


def test_an_app_that_is_not_owned_is_short(shell: Shell) -> None:
    shell.want(["S1"], [])
    desired = {"groups": {"g": {"serials": ["S1"]}}, "apps": [{"adam_id": "999", "groups": ["g"]}]}
    shell.write(desired="".join(f"{k}: {json.dumps(v)}\n" for k, v in desired.items()))
    result = shell.run("plan")
    assert result.exit_code == 1
    assert "hq, app 999: needs 1, holds 0, none is owned there, 1 short" in result.stdout


def test_apps_without_a_known_bundle_id_are_named_until_it_is_learnt(shell: Shell) -> None:
    app = shell.scene.adam_ids[0]
    assert shell.json("plan")["without_bundle_id"] == [app]
    assert f"No bundle id is known yet of Pages ({app})" in shell.run("plan").stdout
    shell.want(shell.scene.serials, bundle_id="com.example.pages")
    assert shell.json("plan")["without_bundle_id"] == []


def test_devices_of_which_a_match_needs_facts_are_counted(shell: Shell) -> None:
    app = shell.scene.adam_ids[0]
    shell.write(
        desired="groups: {g: {match: {product_name: 'iPad*'}}}\n"
        f"apps: [{{adam_id: '{app}', groups: [g]}}]\n"
    )
    told = shell.json("plan")
    assert (told["added"], told["facts_missing"]) == (0, 3)
    assert "Of 3 devices a match needs facts that nobody knows yet" in shell.run("plan").stdout


def test_one_offs_need_their_seats_too(shell: Shell) -> None:
    shell.run("assign", "ONEOFF1", "--app", shell.scene.adam_ids[0])
    assert seats(shell)["needs"] == 4


def test_beside_an_engine_it_lets_the_engine_read(shell: Shell) -> None:
    scene = shell.scene
    lock = scene.bridge.database.engine_lock()
    lock.acquire(0.0)
    try:
        told = shell.json("plan")
    finally:
        lock.release()
    assert (told["added"], told["notes"]) == (3, [])
    assert seats(shell)["counted"] is True


def test_paused_it_asks_no_mdm_server(shell: Shell) -> None:
    shell.run("pause", "--all")
    assert shell.json("plan")["not_shown"] == sorted(shell.scene.serials)


def test_a_named_device_of_another_platform_is_named_and_takes_no_seat(
    make_scene: Callable[..., Scene],
) -> None:
    scene = make_scene(devices=1, apps=1, macs=0)
    shell = Shell(scene)
    for_macs = Asset("999", total=0, platforms=("macOS",))
    scene.world.add_app(scene.world.location, "999", "com.example.macs", "Macs", for_macs)
    shell.run("apply", "--yes")
    scene.run(scene.all_installed)
    apps = [{"adam_id": "999", "name": "Macs", "groups": ["g"]}]
    desired = {"groups": {"g": {"serials": scene.serials}}, "apps": apps}
    shell.write(desired="".join(f"{k}: {json.dumps(v)}\n" for k, v in desired.items()))
    told = shell.json("plan")
    assert [each["reason"] for each in told["cannot"]] == ["WRONG_PLATFORM"]
    assert f"Macs (999) does not run on {scene.serials[0]}" in shell.run("plan").stdout


def test_who_would_wait_counts_where_another_of_its_locations_has_seats(
    make_scene: Callable[..., Scene],
) -> None:
    scene = make_scene(devices=3, apps=1, locations=("hq", "branch"), seats=2)
    shell = Shell(scene)
    token = scene.tmp_path / "branch.vpptoken"
    token.touch(0o600)
    token.write_text(scene.world.apple.locations[1].token)
    shell.want([*scene.serials, "S4", "S5"], location=["hq", "branch"])
    text = shell.config.read_text()
    shell.config.write_text(
        text.replace("apple:", "  branch: {content_token_file: branch.vpptoken}\napple:")
    )
    told = shell.json("plan", code=1)
    assert {each["location"]: (each["needs"], each["short"]) for each in told["seats"]} == {
        "hq": (3, 1),
        "branch": (2, 0),
    }


def test_an_apply_before_the_first_serve_stores_what_it_shows(shell: Shell) -> None:
    scene = shell.scene
    app = scene.adam_ids[0]
    shell.write(
        desired=f"groups: {{g: {{all: true}}}}\napps: [{{adam_id: '{app}', groups: [g]}}]\n"
    )
    assert "3 to add" in shell.run("apply", "--yes", "--limit", "1").stdout
    assert len(scene.installs()) == 3
    shell.run("apply", "--yes")
    for more in ((), ("--offline",)):
        assert "nothing to do: 3 installs as applied." in shell.run("plan", *more).stdout
    scene.run(scene.all_installed)
