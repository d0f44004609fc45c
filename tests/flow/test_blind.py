"""A rule is used and an MDM server does not show its devices: nothing is stored unseen."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from bridge.clients.mdm.micromdm import MicroMdm
from bridge.domain.desired.desired import AppWish, Desired, Group
from bridge.domain.desired.match import Match
from bridge.domain.plan.blind import uses_rules
from bridge.simulator.faults import Fault
from bridge.store.desired import applied
from tests.flow.cli_kit import Shell
from tests.flow.scene import API_KEY, Scene

MakeScene = Callable[..., Scene]
RULE = "groups: {{everyone: {{all: true}}}}\napps: [{{adam_id: '{app}', groups: [everyone]}}]\n"
FAILURES = {
    "refused": Fault("mdm.devices", "request_lost", times=0),
    "gateway": Fault("mdm.devices", "gateway", times=0),
    "denied": Fault("mdm.devices", "error", status=401, times=0),
    "broken": Fault("mdm.devices", "error", status=500, times=0),
    "unreadable": Fault("mdm.devices", "garbled", times=0),
}


def blind_shell(make_scene: MakeScene, how: str = "gateway", **options: Any) -> Shell:
    """The file wants an app everywhere, and the server does not show its devices."""
    scene = make_scene(devices=2, apps=1, faults=[FAILURES[how]], **options)
    shell = Shell(scene)
    shell.write(desired=RULE.format(app=scene.adam_ids[0]))
    return shell


def mend(scene: Scene) -> None:
    """The server shows its devices again."""
    scene.world.faults._planned.clear()


def stored(scene: Scene) -> Desired:
    with scene.bridge.database.read() as db:
        return applied.load(db)


@pytest.mark.parametrize("how", FAILURES)
@pytest.mark.parametrize("engine", [False, True], ids=["alone", "beside an engine"])
def test_a_blind_plan_says_so_first_and_an_apply_is_refused(
    make_scene: MakeScene, how: str, engine: bool
) -> None:
    shell = blind_shell(make_scene, how)
    lock = shell.scene.bridge.database.engine_lock()
    if engine:
        lock.acquire(0.0)
    try:
        planned = shell.run("plan")
        told = shell.json("plan", code=1)
        applied = shell.run("apply", "--yes")
    finally:
        lock.release()
    assert planned.exit_code == 1
    first, second, *_ = planned.stdout.splitlines()
    assert first.startswith("Blind: the devices of main could not be read: ")
    assert "an apply is refused, save with --offline" in second
    assert [each["server"] for each in told["blind"]] == ["main"]
    assert told["blind"][0]["why"]
    assert applied.exit_code == 2
    (said,) = applied.stderr.splitlines()
    assert said.startswith("nothing was stored: ") and "--offline" in said
    assert stored(shell.scene) == Desired()


def test_named_devices_need_no_list(make_scene: MakeScene) -> None:
    shell = blind_shell(make_scene)
    shell.want(shell.scene.serials)
    told = shell.json("plan")
    assert told["blind"] == []
    assert any("The devices of main could not be read" in note for note in told["notes"])
    assert shell.run("apply", "--yes").exit_code == 0


@pytest.mark.parametrize(
    ("groups", "app"),
    [
        ("{g: {match: {product_name: 'iPad*'}}}", "groups: [g]"),
        ("{named: {serials: [A1]}, g: {match: {product_name: 'iPad*'}}}", "groups: [named, g]"),
        ("{named: {serials: [A1]}, g: {all: true}}", "groups: [named], exclude: [g]"),
    ],
)
def test_every_rule_that_an_app_uses_counts(make_scene: MakeScene, groups: str, app: str) -> None:
    shell = blind_shell(make_scene)
    adam_id = shell.scene.adam_ids[0]
    shell.write(desired=f"groups: {groups}\napps: [{{adam_id: '{adam_id}', {app}}}]\n")
    assert shell.json("plan", code=1)["blind"]


def test_a_rule_that_no_app_uses_makes_nobody_blind(make_scene: MakeScene) -> None:
    shell = blind_shell(make_scene)
    adam_id = shell.scene.adam_ids[0]
    shell.write(
        desired="groups: {g: {all: true}, named: {serials: [A1]}}\n"
        f"apps: [{{adam_id: '{adam_id}', groups: [named]}}]\n"
    )
    assert shell.json("plan")["blind"] == []


def test_a_server_that_lists_nobody_is_seen(make_scene: MakeScene) -> None:
    scene = make_scene(devices=0, apps=1)
    shell = Shell(scene)
    shell.write(desired=RULE.format(app=scene.adam_ids[0]))
    told = shell.json("plan")
    assert (told["blind"], told["added"]) == ([], 0)
    assert shell.run("apply", "--yes").exit_code == 0


def test_a_plan_offline_says_so_first_of_all(make_scene: MakeScene) -> None:
    shell = blind_shell(make_scene)
    result = shell.run("plan", "--offline")
    assert result.stdout.startswith("Offline: devices count as the bridge knows them.\n")
    assert result.exit_code == 0
    assert shell.json("plan", "--offline")["blind"] == []


def test_offline_it_is_stored_and_what_was_not_shown_waits_for_another_apply(
    make_scene: MakeScene,
) -> None:
    shell = blind_shell(make_scene)
    scene = shell.scene
    assert shell.run("apply", "--yes", "--offline").exit_code == 0
    assert scene.states() == {}, "nobody is known yet"
    mend(scene)
    scene.pass_time(2 * 3600)
    assert scene.states() == {"waiting NOT_PLANNED": 2}
    assert scene.world.ledger.requests["apple.associate"] == 0
    why = shell.run("why", scene.serials[0], scene.adam_ids[0])
    assert why.exit_code == 1 and "run vpp-bridge apply again" in why.stdout.lower()

    planned = shell.json("plan")
    assert (planned["blind"], planned["added"]) == ([], 2), "the next plan shows them"
    assert shell.run("apply", "--yes").exit_code == 0
    scene.run(lambda: scene.states() == {"installed INSTALLED": 2})


def test_offline_it_waits_also_for_a_device_that_came_by_itself(make_scene: MakeScene) -> None:
    shell = blind_shell(make_scene)
    scene = shell.scene
    assert shell.run("apply", "--yes", "--offline").exit_code == 0
    scene.world.devices[0].connect()
    scene.pass_time(60)
    mend(scene)
    scene.pass_time(2 * 3600)
    assert scene.states() == {"waiting NOT_PLANNED": 2}


def test_offline_a_device_that_enrols_later_is_served(make_scene: MakeScene) -> None:
    shell = blind_shell(make_scene)
    scene = shell.scene
    assert shell.run("apply", "--yes", "--offline").exit_code == 0
    scene.pass_time(60)
    scene.world.devices[0].reenrol()
    scene.run(lambda: "installed INSTALLED" in scene.states(), limit=3 * 3600)
    mend(scene)
    scene.pass_time(2 * 3600)
    assert scene.states() == {"installed INSTALLED": 1, "waiting NOT_PLANNED": 1}


def test_offline_what_is_known_and_what_is_named_goes_on(make_scene: MakeScene) -> None:
    scene = make_scene(devices=3, apps=1)
    shell = Shell(scene)
    shell.write(desired=RULE.format(app=scene.adam_ids[0]))
    scene.world.devices[0].reenrol()
    scene.pass_time(60)
    shell.write(
        desired=f"groups: {{g: {{all: true}}, n: {{serials: ['{scene.serials[1]}']}}}}\n"
        f"apps: [{{adam_id: '{scene.adam_ids[0]}', groups: [g, n]}}]\n"
    )
    assert shell.run("apply", "--yes", "--offline").exit_code == 0
    scene.run(scene.all_installed)


def test_paused_it_is_blind_only_if_the_list_is_old(make_scene: MakeScene) -> None:
    scene = make_scene(devices=2, apps=1)
    shell = Shell(scene)
    shell.write(desired=RULE.format(app=scene.adam_ids[0]))
    scene.pass_time(60)  # the engine read the list
    shell.run("pause", "--all")
    assert shell.json("plan")["blind"] == []
    scene.pass_time(2 * 3600)
    (blind,) = shell.json("plan", code=1)["blind"]
    assert "while everything is paused" in blind["why"]


def test_a_server_that_cannot_list_its_devices_is_not_blind(
    make_scene: MakeScene, monkeypatch: pytest.MonkeyPatch
) -> None:
    shell = blind_shell(make_scene)
    without_a_list = replace(MicroMdm.abilities, device_list=False)
    monkeypatch.setattr(MicroMdm, "abilities", without_a_list)
    assert shell.json("plan")["blind"] == []
    assert shell.run("apply", "--yes").exit_code == 0


def everywhere(scene: Scene, path: str, **more: Any) -> Any:
    body = {
        "groups": {"g": {"all": True}},
        "apps": [{"adam_id": scene.adam_ids[0], "groups": ["g"]}],
    }
    return scene.client.post(path, json=body | more, auth=("bridge", API_KEY))


def test_the_api_goes_by_when_the_list_was_last_read(make_scene: MakeScene) -> None:
    scene = make_scene(devices=2, apps=1)
    (never,) = everywhere(scene, "/v1/plan").get_json()["blind"]
    assert never == {"server": "main", "why": "its list was never read"}
    assert everywhere(scene, "/v1/apply").status_code == 409
    scene.pass_time(60)
    assert everywhere(scene, "/v1/plan").get_json()["blind"] == []
    with scene.bridge.database.write() as db:
        db.execute("DELETE FROM schedule")  # an engine that stands still
    scene.world.advance(2 * 3600)
    (late,) = everywhere(scene, "/v1/plan").get_json()["blind"]
    assert late["why"].startswith("its list was last read at ")
    refused = everywhere(scene, "/v1/apply")
    assert refused.status_code == 409 and '"offline": true' in refused.get_json()["error"]
    assert everywhere(scene, "/v1/apply", offline=True).status_code == 200


def test_the_api_knows_that_the_newest_read_failed(make_scene: MakeScene) -> None:
    fault = Fault("mdm.devices", "gateway", after=1, times=0)
    scene = make_scene(devices=2, apps=1, faults=[fault])
    scene.pass_time(60)
    assert everywhere(scene, "/v1/plan").get_json()["blind"] == []
    scene.pass_time(3600)
    (blind,) = everywhere(scene, "/v1/plan").get_json()["blind"]
    assert "502" in blind["why"]
    mend(scene)
    scene.pass_time(3600)
    assert everywhere(scene, "/v1/apply").status_code == 200


def test_the_wish_of_a_rule_is_found_in_what_an_app_uses() -> None:
    rule = Group("rule", match=Match(product_name="iPad*"))
    named = Group("named", serials=("A1",))
    app = AppWish("1", ("named",), "hq")
    assert not uses_rules(Desired((rule, named), (app,)))
    assert not uses_rules(Desired())
