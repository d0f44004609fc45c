"""An MDM server without a queue view and a list of devices: what holds there instead."""

from __future__ import annotations

import pytest

from bridge.simulator.devices import script
from bridge.simulator.faults import Fault
from tests.flow.cli_kit import Shell
from tests.flow.kit import installs_sent, kinds
from tests.flow.scene import API_KEY, DAY, MakeScene, Scene, rarely

pytestmark = pytest.mark.usefixtures("plain")

INSTALL = "InstallApplication"
MINUTE, HOUR = 60.0, 3600.0


def uuids_of_installs(scene: Scene) -> list[set[str]]:
    """For each install that was posted, the CommandUUIDs it was posted under."""
    posted = scene.world.ledger.installs_posted.values()
    return [{each.command_uuid for each in postings} for postings in posted]


def test_a_command_that_the_server_lost_goes_out_again_under_a_new_uuid(
    make_scene: MakeScene,
) -> None:
    scene = make_scene(devices=1, apps=1, faults=[Fault("mdm.command", "lose", match=INSTALL)])
    scene.apply()
    began = scene.world.now
    scene.run(scene.all_installed)
    assert [len(each) for each in uuids_of_installs(scene)] == [2]
    assert installs_sent(scene) == 1
    assert scene.world.now - began < 5 * MINUTE, "a push, a minute to answer, a list"
    assert scene.counters()["command.posted_again"] == 1
    assert scene.counters()["command.queue_lost"] == 1
    states = [each["state"] for each in scene.bridge.list_commands().items]
    assert states.count("dropped") == 1, "the one that was lost"


def test_what_a_device_never_answers_holds_up_what_is_behind_it(make_scene: MakeScene) -> None:
    scene = make_scene(devices=1, apps=2, macs=0, policy=rarely())
    stuck, _ = scene.adam_ids
    device = scene.world.devices[0]
    device.script.add(script.silent(0, stuck))
    scene.apply(scene.desired(named=True))
    scene.run(lambda: scene.install(adam_id=stuck)["reason"] == "COMMAND_IN_DOUBT", HOUR)
    before = len(kinds(scene))
    scene.pass_time(2 * DAY)
    assert set(kinds(scene)[before:]) == {INSTALL}, "it is all that the device is offered"
    shown = scene.install(adam_id=stuck)
    assert (shown["state"], shown["reason"]) == ("unconfirmed", "COMMAND_IN_DOUBT")
    device.script = script.Script()
    scene.run(scene.all_installed, 2 * DAY)
    assert [len(each) for each in uuids_of_installs(scene)] == [1, 1]


def test_an_answer_that_the_server_does_not_take_costs_a_few_calls(make_scene: MakeScene) -> None:
    """It keeps the question, and whatever is asked besides would stand behind it."""
    scene = make_scene(devices=1, apps=1, macs=0, policy=rarely())
    device = scene.world.devices[0]
    device.mangle = lambda _kind, answer: answer.replace(b"Acknowledged", b"Odd")
    scene.apply(scene.desired(named=True))
    scene.pass_time(2 * DAY)
    assert scene.world.ledger.requests["mdm.command"] <= 5
    assert scene.world.ledger.requests["mdm.push"] <= 10
    device.mangle = lambda _kind, answer: answer
    scene.run(scene.all_installed, DAY + HOUR)


def test_a_device_that_is_off_is_pushed_to_after_a_minute_an_hour_and_two(
    make_scene: MakeScene,
) -> None:
    scene = make_scene(devices=1, apps=1)
    scene.apply()
    scene.world.devices[0].go_offline()
    pushes = []
    for _ in range(3):
        scene.pass_time(HOUR)
        pushes.append(scene.world.ledger.requests["mdm.push"])
    assert pushes == [1, 2, 3]
    scene.world.devices[0].go_online()  # the last push is kept for it
    scene.run(scene.all_installed, 5 * MINUTE)


def test_a_webhook_that_we_refused_has_the_device_pushed_to(make_scene: MakeScene) -> None:
    """Neither that the device came nor what it answered was heard."""
    scene = make_scene(devices=1, apps=1, macs=0)
    scene.apply(scene.desired(named=True))
    scene.run(lambda: "sending COMMAND_READY" in scene.states())
    for said in ("Idle", "Installing"):
        scene.world.faults.add(Fault("mdm.webhook", "drop", match=said))
    scene.run(lambda: "sent COMMAND_SENT" in scene.states())
    scene.pass_time(10)
    before = scene.world.ledger.requests["mdm.push"]
    head = {"Authorization": "Basic eDpob29rLXNlY3JldA=="}
    assert scene.client.post("/hooks/mdm/main", data=b"no", headers=head).status_code == 400
    scene.pass_time(5)
    assert scene.world.ledger.requests["mdm.push"] == before + 1
    scene.run(scene.all_installed, 3 * MINUTE)
    assert installs_sent(scene) == 1


def test_an_erased_device_loses_its_queue_and_gets_all_again(make_scene: MakeScene) -> None:
    scene = make_scene(devices=1, apps=2, macs=0)
    scene.apply()
    scene.run(scene.all_installed)
    device = scene.world.devices[0]
    device.go_offline()
    scene.bridge.retry()
    device.go_online()
    device.reenrol(erased=True)
    scene.run(lambda: not scene.all_installed())
    scene.run(scene.all_installed)
    assert len(device.installs) == 4
    assert scene.world.ledger.violations() == []


def test_a_new_database_knows_devices_once_they_check_in(make_scene: MakeScene) -> None:
    scene = make_scene(devices=2, apps=1, macs=0, enrol=False)
    scene.world.mdm.webhook.url, url = None, scene.world.mdm.webhook.url
    scene.world.enrol_all()
    scene.world.advance(MINUTE)
    scene.world.mdm.webhook.url = url
    scene.apply()
    scene.pass_time(DAY)
    assert scene.states() == {}, "nobody told of them"
    for device in scene.world.devices:
        device.connect()
    scene.run(scene.all_installed)


@pytest.mark.parametrize("lost", ["mdm.TokenUpdate", "mdm.Authenticate"])
def test_a_device_whose_check_in_was_lost_is_enrolled_once_it_connects(
    make_scene: MakeScene, lost: str
) -> None:
    fault = Fault("mdm.webhook", "drop", match=lost, times=1)
    scene = make_scene(devices=1, apps=1, macs=0, enrol=False, faults=[fault])
    scene.apply()
    device = scene.world.devices[0]
    device.enrol()
    scene.pass_time(MINUTE)
    device.connect()
    scene.run(scene.all_installed)


def test_one_that_left_and_does_not_connect_stays_away(make_scene: MakeScene) -> None:
    scene = make_scene(devices=2, apps=1, macs=0)
    scene.apply()
    scene.run(scene.all_installed)
    scene.world.devices[0].check_out()
    scene.pass_time(DAY)
    assert [d["enrolled"] for d in scene.bridge.list_devices().items].count(True) == 1
    assert scene.states() == {"installed INSTALLED": 1, "waiting NOT_ENROLLED": 1}


def test_nobody_who_is_silent_is_taken_for_gone(make_scene: MakeScene) -> None:
    scene = make_scene(devices=2, apps=1, macs=0, policy=rarely(devices_every=HOUR))
    scene.apply()
    scene.run(scene.all_installed)
    scene.world.devices[0].go_offline()
    scene.pass_time(5 * DAY)
    assert scene.states() == {"installed INSTALLED": 2}
    assert scene.world.ledger.requests["mdm.devices"] == 0, "a list is not even asked for"
    assert scene.world.ledger.requests["mdm.queue"] == 0


def test_sync_says_that_there_is_no_list(make_scene: MakeScene) -> None:
    scene = make_scene(devices=3, apps=1)
    shell = Shell(scene)
    result = shell.run("sync", "devices")
    assert (result.exit_code, result.stderr) == (0, "")
    first, second = result.stdout.splitlines()
    assert first == (
        "devices of main: 3 known by what they sent; this server has no list of them to read"
    )
    assert second.startswith("Who else is enrolled there is not known: name them in its devices_f")
    (read,) = shell.json("sync", "devices")["reads"]
    assert read == {"what": "devices", "of": "main", "ok": True, "count": 3, "error": None}
    asked = scene.client.post("/v1/sync", json={"what": "devices"}, auth=("bridge", API_KEY))
    assert asked.get_json()["reads"] == [{"what": "devices", "of": "main", "asked": False}]


def test_no_plan_is_blind_for_a_list_that_there_is_not(make_scene: MakeScene) -> None:
    scene = make_scene(devices=2, apps=1)
    shell = Shell(scene)
    rule = "groups: {{all: {{all: true}}}}\napps: [{{adam_id: '{app}', groups: [all]}}]\n"
    shell.write(desired=rule.format(app=scene.adam_ids[0]))
    assert shell.json("plan")["blind"] == []
    assert shell.run("apply", "--yes").exit_code == 0
    scene.run(scene.all_installed)


def test_health_and_doctor_miss_nothing(make_scene: MakeScene) -> None:
    scene = make_scene(devices=1, apps=1)
    scene.apply()
    scene.run(scene.all_installed)
    shell = Shell(scene)
    doctor = shell.run("doctor")
    assert "MDM main: http://127.0.0.1:9999 answers, version 1.13.1; key accepted" in doctor.stdout
    assert "warn  MDM main: it cannot list its devices: 1 known by what they sent" in doctor.stdout
    assert "does not show a device's queue" not in doctor.stdout
    parts = {part.name: part for part in scene.bridge.health()}
    assert parts["server main"].ok
    assert parts["server main"].age_s is not None, "since its newest webhook"
