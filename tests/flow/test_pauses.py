"""Pauses on a moving road: no POST leaves that is paused, all the rest goes on."""

import base64
import itertools
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest

from bridge.domain.pauses import Scope
from bridge.domain.policy import InstallPolicy, Policy, SyncPolicy
from bridge.simulator.devices import script
from bridge.simulator.faults import Fault
from tests.flow.cli_kit import Shell
from tests.flow.scene import API_KEY, Scene

MakeScene = Callable[..., Scene]

DAY = 86400.0

POSTS = ("mdm.command", "mdm.push", "mdm.devices", "apple.associate", "apple.disassociate")
KEY = {"Authorization": "Basic " + base64.b64encode(f"bridge:{API_KEY}".encode()).decode()}

MOMENTS: Mapping[str, Callable[[Scene], bool]] = {
    "before anything": lambda scene: True,
    "collecting": lambda scene: "associating ASSOCIATE_COLLECTING" in scene.states(),
    "asked Apple": lambda scene: scene.world.ledger.requests["apple.associate"] > 0,
    "licensed": lambda scene: any(state.startswith("licensed") for state in scene.states()),
    "sent": lambda scene: scene.world.ledger.installs_posted != {},
    "accepted": lambda scene: any(state.startswith("acknowl") for state in scene.states()),
}


def posts(scene: Scene) -> dict[str, int]:
    return {name: scene.world.ledger.requests[name] for name in POSTS}


def posted(scene: Scene) -> set[tuple[str, str]]:
    """The (serial number, adam id) of which an install was posted."""
    names = {device.udid: device.serial_number for device in scene.world.devices}
    return {(names[udid], adam_id) for udid, adam_id in scene.world.ledger.installs_posted}


@contextmanager
def nothing_posted(scene: Scene) -> Iterator[None]:
    """Nothing is POSTed meanwhile; what only reads is."""
    before, read = posts(scene), scene.world.ledger.requests["apple.service_config"]
    yield
    assert posts(scene) == before
    assert scene.world.ledger.requests["apple.service_config"] > read, "reads go on"


@pytest.mark.parametrize("moment", MOMENTS)
def test_everything_is_paused_wherever_it_stands(make_scene: MakeScene, moment: str) -> None:
    scene = make_scene(devices=6, apps=2)
    scene.run(lambda: len(scene.bridge.list_devices().items) == 6)
    scene.apply()
    scene.run(lambda: MOMENTS[moment](scene))
    assert scene.bridge.pause("all")
    with nothing_posted(scene):
        scene.pass_time(900)
        scene.restart()
        scene.pass_time(900)
        assert scene.bridge.list_events(limit=1).items
    assert scene.states().get("installed INSTALLED", 0) < 12
    if moment != "accepted":
        assert scene.states()["waiting PAUSED"] > 0
    assert scene.bridge.resume("all")
    scene.run(scene.all_installed, limit=600)
    assert scene.world.missing(scene.world.everything()) == []
    assert scene.world.ledger.violations() == []


def test_decisions_and_hooks_go_on_and_what_is_reached_stays(make_scene: MakeScene) -> None:
    scene = make_scene(devices=2, apps=1, macs=0, policy=_lists_every(600.0))
    scene.apply()
    scene.run(scene.all_installed)
    scene.bridge.pause("all")
    asked = scene.world.ledger.requests["mdm.command"]
    scene.world.devices[0].user_deletes(scene.adam_ids[0])
    scene.pass_time(3600)
    assert scene.states() == {"installed INSTALLED": 2}
    scene.world.devices[1].check_out()
    scene.pass_time(1)
    assert scene.states() == {"installed INSTALLED": 1, "waiting NOT_ENROLLED": 1}
    assert scene.world.ledger.requests["mdm.command"] == asked
    scene.bridge.resume("all")
    scene.run(lambda: "needs_user APP_DELETED" in scene.states(), limit=60)


def _lists_every(seconds: float) -> Policy:
    return replace(Policy(), verify=replace(Policy().verify, installed_every=seconds))


def test_a_call_in_flight_is_finished_and_one_that_fails_waits(make_scene: MakeScene) -> None:
    scene = make_scene(devices=2, apps=1, faults=[Fault("apple.associate", "error", number=9646)])
    scene.apply()
    scene.run(lambda: "waiting APPLE_AWAY" in scene.states())
    scene.bridge.pause("all")
    scene.settle()
    assert scene.states() == {"waiting PAUSED": 2}
    scene.pass_time(3600)
    assert scene.world.ledger.requests["apple.associate"] == 1
    scene.bridge.resume("all")
    scene.run(scene.all_installed)
    assert scene.world.ledger.violations() == []


def test_a_request_in_doubt_is_looked_up_meanwhile(make_scene: MakeScene) -> None:
    scene = make_scene(devices=2, apps=1, faults=[Fault("apple.associate", "reply_lost")])
    scene.world.faults.add(Fault("apple.notification", "drop", times=0))
    scene.apply()
    scene.run(lambda: "associating ASSOCIATE_IN_DOUBT" in scene.states())
    scene.bridge.pause("all")
    scene.run(lambda: len(scene.world.location.library.assignments) == 2)
    scene.run(lambda: {i["state"] for i in scene.installs()} == {"waiting"}, limit=900)
    assert scene.world.ledger.requests["apple.assignments"] > 0
    evidence = {e["what"]: e["value"] for e in scene.install()["explanation"]["evidence"]}
    assert evidence["licence"] == "held, told by read"
    assert evidence["paused"].startswith("everything is paused since 2027-01-15 08:0")


def test_an_app_alone(make_scene: MakeScene) -> None:
    scene = make_scene(devices=4, apps=3)
    poor, *well = scene.adam_ids
    scene.apply()
    scene.run(lambda: "associating ASSOCIATE_COLLECTING" in scene.states())
    scene.bridge.pause("app", poor)
    scene.run(lambda: scene.states() == {"installed INSTALLED": 8, "waiting PAUSED": 4})
    assert {adam_id for _, adam_id in posted(scene)} == set(well)
    held = {pair.adam_id for pair in scene.world.location.library.assignments}
    assert held == set(well), "no licence either"
    scene.bridge.resume("app", poor)
    scene.run(scene.all_installed)
    assert scene.world.ledger.violations() == []


def test_a_request_that_stands_ready_is_cut_anew_without_the_app(make_scene: MakeScene) -> None:
    scene = make_scene(devices=4, apps=2, faults=[Fault("apple.associate", "error", number=9646)])
    poor, well = scene.adam_ids
    scene.apply()
    scene.run(lambda: "waiting APPLE_AWAY" in scene.states())
    scene.bridge.pause("app", poor)
    scene.run(lambda: scene.states() == {"installed INSTALLED": 4, "waiting PAUSED": 4})
    held = {pair.adam_id for pair in scene.world.location.library.assignments}
    assert held == {well}
    scene.bridge.resume("app", poor)
    scene.run(scene.all_installed)


def test_a_command_that_stands_ready_lets_other_apps_by(make_scene: MakeScene) -> None:
    """The MDM server refused it once, so that the paused app's command is first in the queue."""
    scene = make_scene(devices=1, apps=2, macs=0)
    scene.apply()
    scene.run(lambda: "sending COMMAND_READY" in scene.states())
    fault = Fault("mdm.command", "error", status=400, match="InstallApplication")
    scene.world.faults.add(fault)
    scene.run(lambda: bool(scene.world.faults.struck))
    (first,) = [i["adam_id"] for i in scene.installs() if i["attempts"] and _is_posting(scene, i)]
    scene.bridge.pause("app", first)
    scene.run(lambda: scene.states() == {"installed INSTALLED": 1, "waiting PAUSED": 1})
    scene.bridge.resume("app", first)
    scene.run(scene.all_installed)


def _is_posting(scene: Scene, install: Mapping[str, Any]) -> bool:
    with scene.bridge.database.read() as db:
        row = db.execute(
            "SELECT 1 FROM commands c JOIN installs i ON i.id = c.install_id "
            "WHERE c.state = 'posting' AND i.adam_id = ?",
            (install["adam_id"],),
        ).fetchone()
    return row is not None


def test_a_device_alone(make_scene: MakeScene) -> None:
    scene = make_scene(devices=3, apps=2)
    poor = scene.world.devices[1]
    scene.apply()
    scene.run(lambda: any(state.startswith("licensed") for state in scene.states()))
    scene.bridge.pause("serial", poor.serial_number)
    scene.run(lambda: scene.states() == {"installed INSTALLED": 4, "waiting PAUSED": 2})
    received = len(poor.received)
    poor.connect()
    scene.pass_time(3600)
    assert len(poor.received) == received, "not even a question"
    scene.bridge.resume("serial", poor.serial_number)
    scene.run(scene.all_installed)
    assert scene.world.ledger.violations() == []


def test_a_location_alone(make_scene: MakeScene) -> None:
    scene = make_scene(devices=2, apps=1)
    scene.apply()
    scene.run(lambda: any(state.startswith("licensed") for state in scene.states()))
    scene.bridge.pause("location", "hq")
    scene.pass_time(3600)
    assert scene.states() == {"waiting PAUSED": 2}
    assert scene.world.ledger.installs_posted == {}
    scene.bridge.resume("location", "hq")
    scene.run(scene.all_installed)


def test_removals_wait_too(make_scene: MakeScene) -> None:
    scene = make_scene(devices=2, apps=1)
    scene.apply(scene.desired(on_unwanted="remove"))
    scene.run(scene.all_installed)
    scene.bridge.pause("app", scene.adam_ids[0])
    scene.apply(replace(scene.desired(), apps=()))
    scene.pass_time(3600)
    assert scene.states() == {"waiting PAUSED": 2}
    assert scene.world.missing(scene.world.everything()) == []
    assert len(scene.world.location.library.assignments) == 2
    scene.bridge.resume("app", scene.adam_ids[0])
    scene.run(lambda: scene.states() == {"removed REMOVED": 2})


def test_pushes_wait_and_go_when_resumed(make_scene: MakeScene) -> None:
    scene = make_scene(devices=1, apps=1, macs=0)
    scene.world.devices[0].script.add(script.not_now(times=3))
    scene.world.devices[0].not_now_rest = 30 * DAY
    scene.apply()
    scene.run(lambda: "sent NOT_NOW" in scene.states())
    scene.bridge.pause("serial", scene.serials[0])
    pushed = scene.world.ledger.requests["mdm.push"]
    scene.pass_time(3 * 3600)
    assert scene.world.ledger.requests["mdm.push"] == pushed
    scene.bridge.resume("serial", scene.serials[0])
    scene.settle()
    assert scene.world.ledger.requests["mdm.push"] == pushed + 1, "one, however many were due"
    scene.run(scene.all_installed, limit=DAY)


def test_a_new_notification_token_is_told_nevertheless(make_scene: MakeScene) -> None:
    policy = replace(Policy(), sync=replace(SyncPolicy(), notification_token_every=3600.0))
    scene = make_scene(devices=1, apps=1, policy=policy)
    scene.apply()
    scene.run(scene.all_installed)
    told = scene.world.ledger.requests["apple.set_client_config"]
    scene.bridge.pause("all")
    scene.pass_time(3 * 3600)
    assert scene.world.ledger.requests["apple.set_client_config"] > told


def test_nobody_registers_where_it_is_paused(make_scene: MakeScene) -> None:
    scene = make_scene(devices=1, apps=1)
    scene.bridge.pause("location", "hq")
    scene.apply()
    scene.pass_time(3600)
    assert scene.world.ledger.requests["apple.set_client_config"] == 0
    scene.bridge.resume("location", "hq")
    scene.run(scene.all_installed)


def test_pauses_overlap(make_scene: MakeScene) -> None:
    scene = make_scene(devices=2, apps=1)
    scene.apply()
    for scope, name in _both(scene):
        assert scene.bridge.pause(scope, name)
        assert not scene.bridge.pause(scope, name), "it is paused already"
    scene.pass_time(600)
    scene.bridge.resume("all")
    scene.pass_time(600)
    assert scene.states() == {"waiting PAUSED": 2}
    assert "app 361309726 is paused" in scene.install()["explanation"]["sentence"]
    scene.bridge.resume("app", scene.adam_ids[0])
    scene.run(scene.all_installed)
    assert not scene.bridge.resume("all"), "nothing was paused"


def _both(scene: Scene) -> list[tuple[Scope, str]]:
    return [("all", ""), ("app", scene.adam_ids[0])]


def test_resuming_keeps_the_pace(make_scene: MakeScene) -> None:
    policy = replace(Policy(), install=InstallPolicy(max_per_minute=2))
    scene = make_scene(devices=4, apps=1, policy=policy)
    scene.apply()
    scene.run(lambda: "sending COMMAND_READY" in scene.states())
    scene.bridge.pause("all")
    scene.pass_time(3600)
    scene.bridge.resume("all")
    scene.run(scene.all_installed)
    times = sorted(p.at for some in scene.world.ledger.installs_posted.values() for p in some)
    assert min(later - earlier for earlier, later in itertools.pairwise(times)) >= 29.0


def test_it_is_shown_everywhere(make_scene: MakeScene) -> None:
    scene = make_scene(devices=1, apps=1)
    shell = Shell(scene)
    scene.apply()
    scene.run(scene.all_installed)
    sentence = "Everything is paused since 2027-01-15 08:00"
    result = shell.run("pause", "--all")
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.startswith(sentence)
    assert "by a person; vpp-bridge resume --all ends it. It is about 1 wanted" in result.stdout
    assert sentence.lower() in shell.run("status").stdout.lower()
    assert shell.json("status")["pauses"][0]["sentence"].startswith(sentence)
    assert "run vpp-bridge resume --all" in shell.run("doctor").stdout
    parts = scene.client.get("/readyz").get_json()["parts"]
    (part,) = [part for part in parts if part["name"] == "pause all"]
    assert (part["ok"], part["severity"]) == (False, "degraded")
    result = shell.run("resume", "--all")
    assert (result.exit_code, result.stdout) == (0, "Everything is resumed.\nNothing is paused.\n")
    assert shell.run("resume", "--all").stdout.startswith("Everything was not paused.")


def test_why_names_the_pause_and_how_to_end_it(make_scene: MakeScene) -> None:
    scene = make_scene(devices=1, apps=1)
    shell = Shell(scene)
    scene.apply()
    shell.run("pause", "--app", scene.adam_ids[0])
    scene.settle()
    result = shell.run("why", scene.serials[0], scene.adam_ids[0])
    assert result.exit_code == 1
    assert f"vpp-bridge resume --app {scene.adam_ids[0]} ends it" in result.stdout


@pytest.mark.parametrize(
    "options",
    [[], ["--all", "--app", "1"], ["--app", "x"], ["--serial", "a b"], ["--location", "nowhere"]],
)
def test_exactly_one_known_thing_is_paused(make_scene: MakeScene, options: list[str]) -> None:
    shell = Shell(make_scene(devices=0, apps=1))
    result = shell.run("pause", *options)
    assert result.exit_code == 2
    assert len(result.stderr.splitlines()) == 1
    assert shell.scene.bridge.paused() == []


def test_reads_that_need_a_post_say_so(make_scene: MakeScene) -> None:
    shell = Shell(make_scene(devices=1, apps=1))
    shell.run("pause", "--all")
    for works in (True, False):
        shell.engine_works = works
        result = shell.run("sync", "devices")
        assert result.exit_code == 1
        assert "it waits until vpp-bridge resume --all" in result.stdout + result.stderr


def test_the_api_pauses_and_resumes(make_scene: MakeScene) -> None:
    scene = make_scene(devices=1, apps=1)
    scene.apply()
    response = scene.client.post("/v1/pause", json={"app": scene.adam_ids[0]}, headers=KEY)
    assert response.status_code == 200
    body = response.get_json()
    assert body["paused"] is True
    (pause,) = body["pauses"]
    assert (pause["scope"], pause["name"], pause["by"]) == ("app", scene.adam_ids[0], "person")
    scene.pass_time(60)
    assert scene.states() == {"waiting PAUSED": 1}
    response = scene.client.post("/v1/resume", json={"app": scene.adam_ids[0]}, headers=KEY)
    assert response.get_json() == {"resumed": True, "pauses": []}
    scene.run(scene.all_installed)


def test_a_pause_is_told_once_and_alone_in_json(make_scene: MakeScene) -> None:
    shell = Shell(make_scene(devices=1, apps=1))
    told = shell.run("pause", "--all")
    assert told.stderr == ""
    assert len(told.stdout.splitlines()) == 1
    assert told.stdout.count("is paused since") == 1
    as_json = shell.run("pause", "--all", "--json")
    assert (json.loads(as_json.stdout)["paused"], as_json.stderr) == (False, "")


def test_an_apply_says_what_is_paused(make_scene: MakeScene) -> None:
    shell = Shell(make_scene(devices=1, apps=2))
    first, second = shell.scene.adam_ids
    shell.want(shell.scene.serials, [first])
    shell.run("pause", "--all")
    shell.run("pause", "--app", second)
    told = shell.run("apply", "--yes")
    assert told.exit_code == 0
    attention = [line for line in told.stdout.splitlines() if line.startswith("Attention")]
    assert len(attention) == 1, "the other app is not of this file"
    assert "Everything is paused since" in attention[0]
    assert "vpp-bridge resume --all ends it" in attention[0]
    assert [p["scope"] for p in shell.json("apply", "--yes")["pauses"]] == ["all"]
    shell.run("resume", "--all")
    assert "Attention" not in shell.run("apply", "--yes").stdout
