"""The road beside a NanoMDM and a NanoHUB, with the traps of their queues and answers."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Literal

import pytest

from bridge.simulator import templates
from bridge.simulator.devices import script
from bridge.simulator.devices.device import Device
from bridge.simulator.devices.script import Planned
from bridge.simulator.faults import Fault
from bridge.simulator.mdm.mdm import MdmSettings
from tests.flow.cli_kit import Shell
from tests.flow.kit import installs_sent, kinds
from tests.flow.scene import DAY, WEBHOOK_KEY, MakeScene, Scene, hourly

Kind = Literal["nanomdm", "nanohub"]
INSTALL, LIST = "InstallApplication", "ManagedApplicationList"
MINUTE, HOUR = 60.0, 3600.0


@pytest.fixture(params=["nanomdm", "nanohub"])
def kind(request: pytest.FixtureRequest) -> Kind:
    return request.param  # type: ignore[no-any-return]


def settings(kind: Kind, **more: Any) -> MdmSettings:
    return MdmSettings(kind=kind, **more)


def uuids(scene: Scene) -> list[set[str]]:
    """For each install that was posted, the CommandUUIDs it was posted under."""
    posted = scene.world.ledger.installs_posted.values()
    return [{each.command_uuid for each in postings} for postings in posted]


def outcomes(scene: Scene) -> list[str]:
    with scene.bridge.database.read() as db:
        return [row[0] for row in db.execute("SELECT outcome FROM events ORDER BY id")]


@pytest.mark.parametrize("storage", ["file", "sql"])
@pytest.mark.parametrize("certificate", [True, False])
def test_devices_that_enrol_get_their_apps(
    make_scene: MakeScene, kind: Kind, storage: Literal["file", "sql"], certificate: bool
) -> None:
    """Without a push certificate each command is answered 500, and stored."""
    mdm = settings(kind, storage=storage, push_certificate=certificate)
    scene = make_scene(devices=3, apps=2, enrol=False, mdm=mdm)
    scene.apply()
    scene.world.enrol_all()
    for device in scene.world.devices:
        if not certificate:
            connect_often(scene, device)
    scene.run(scene.all_installed)
    assert [len(each) for each in uuids(scene)] == [1] * 6
    assert scene.world.ledger.violations() == []
    assert "mdm.unknown_topic" not in scene.counters()
    requests = scene.world.ledger.requests
    assert not requests["mdm.devices"] and not requests["mdm.queue"]


def connect_often(scene: Scene, device: Device) -> None:
    def again() -> None:
        device.connect()
        scene.world.kernel.after(5.0, again)

    scene.world.kernel.after(5.0, again)


def test_a_device_that_the_database_does_not_know_is_waited_for(make_scene: MakeScene) -> None:
    scene = make_scene(devices=1, apps=1, mdm=settings("nanomdm", storage="sql"))
    device = scene.world.devices[0]
    scene.world.mdm._channels[device.key].pushable = False  # it was restored from an old backup
    scene.apply()
    scene.pass_time(10 * MINUTE)
    assert kinds(scene) == []
    (row,) = [each for each in scene.bridge.list_outbox().items if each["kind"] == "command"]
    assert "not enrolled there" in row["error"]
    device.reenrol(erased=False)
    scene.run(scene.all_installed, DAY)
    assert installs_sent(scene) == 1


def test_what_a_repeated_answer_wiped_off_the_queue_goes_again(
    make_scene: MakeScene, kind: Kind
) -> None:
    scene = make_scene(devices=1, apps=1, macs=0, mdm=settings(kind), policy=hourly())
    device = scene.world.devices[0]
    scene.apply()
    scene.run(lambda: LIST in kinds(scene))
    device.go_offline()
    scene.run(lambda: scene.world.ledger.installs_posted != {})
    scene.pass_time(5)
    listed = device.received[-1]
    with scene.world.lock:
        scene.world.mdm.connect(templates.answer(device, listed.command_uuid, "Acknowledged"))
    device.go_online()
    scene.run(scene.all_installed)
    assert [len(each) for each in uuids(scene)] == [2], "the first one was lost"
    assert installs_sent(scene) == 1
    assert scene.counters()["command.queue_lost"] == 1
    scene.pass_time(DAY)
    assert installs_sent(scene) == 1


def test_a_command_that_comes_back_is_answered_again_and_changes_nothing(
    make_scene: MakeScene, kind: Kind
) -> None:
    """Somebody else's command was put off, ours behind it was answered."""

    def puts_off(device: Device, request_type: str, adam_id: str) -> Planned | None:
        first = request_type == "DeviceInformation" and not seen
        seen.append(request_type)
        return script.not_now(request_type="DeviceInformation") if first else None

    seen: list[str] = []
    scene = make_scene(devices=1, apps=1, macs=0, mdm=settings(kind), policy=hourly())
    device = scene.world.devices[0]
    scene.apply()
    scene.run(lambda: LIST in kinds(scene))
    device.misbehave = puts_off
    device.go_offline()
    with scene.world.lock:
        foreign = templates.command("foreign", "DeviceInformation", "")
        scene.world.mdm.accept(device.key, foreign)
    scene.run(lambda: scene.world.ledger.installs_posted != {})
    scene.pass_time(5)
    device.go_online()
    device.connect()
    assert kinds(scene).count(INSTALL) == 2, "the server handed it out twice"
    scene.run(scene.all_installed)
    assert [len(each) for each in uuids(scene)] == [1]
    assert scene.states() == {"installed INSTALLED": 1}
    scene.pass_time(DAY)
    assert [len(each) for each in uuids(scene)] == [1]


@pytest.mark.parametrize("fault", ["reply_lost", "gateway", "request_lost"])
def test_an_enqueue_of_unknown_outcome_is_settled_by_the_device(
    make_scene: MakeScene, kind: Kind, fault: Any
) -> None:
    lost = Fault("mdm.command", fault, match=INSTALL, times=1)
    scene = make_scene(devices=1, apps=1, macs=0, mdm=settings(kind), faults=[lost])
    scene.apply()
    scene.run(scene.all_installed)
    assert installs_sent(scene) == 1
    assert scene.world.ledger.violations() == []


def test_an_authenticate_that_was_lost_shows_in_the_tally(
    make_scene: MakeScene, kind: Kind
) -> None:
    scene = make_scene(devices=1, apps=1, macs=0, mdm=settings(kind))
    scene.world.devices[0].reenrol(erased=False)
    scene.apply()
    scene.run(scene.all_installed)
    scene.world.faults.add(Fault("mdm.webhook", "drop", match="mdm.Authenticate"))
    scene.world.devices[0].reenrol(erased=True)
    scene.run(lambda: not scene.all_installed())
    scene.run(scene.all_installed)
    assert "enrolled anew" in outcomes(scene)
    assert installs_sent(scene) == 2


def test_a_token_that_is_renewed_is_no_enrolment(make_scene: MakeScene, kind: Kind) -> None:
    scene = make_scene(devices=1, apps=1, macs=0, mdm=settings(kind))
    scene.world.devices[0].reenrol(erased=False)
    scene.apply()
    scene.run(scene.all_installed)
    before = len(kinds(scene))
    scene.world.devices[0].token_update()
    scene.pass_time(MINUTE)
    assert outcomes(scene)[-1] == "token renewed"
    assert kinds(scene)[before:] == []


def test_a_user_s_channel_does_not_speak_for_the_device(make_scene: MakeScene, kind: Kind) -> None:
    scene = make_scene(devices=1, apps=1, macs=1, mdm=settings(kind), traits={"user_id": "U-1"})
    scene.apply()
    scene.run(scene.all_installed)
    assert "not the device channel (user): idle" in outcomes(scene)
    assert len(scene.bridge.list_devices().items) == 1


@pytest.mark.parametrize(
    ("type_", "payload"),
    [
        ("User", "<key>UserID</key><string>U-1</string>"),
        ("Shared iPad", "<key>UserID</key><string>FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFF</string>"),
        ("Shared iPad", ""),
        ("User Enrollment", ""),
    ],
)
def test_whose_channel_it_is_tells_the_envelope(
    make_scene: MakeScene, type_: str, payload: str
) -> None:
    """A user who leaves takes nobody along, nor does one who comes bring the device back."""
    scene = make_scene(devices=1, apps=1, macs=0, mdm=settings("nanomdm"), policy=hourly())
    scene.apply()
    scene.run(scene.all_installed)
    udid = scene.world.devices[0].udid
    seen_at = scene.bridge.list_devices().items[0]["last_seen_at"]
    scene.pass_time(MINUTE)
    for number, topic in enumerate(("CheckOut", "Authenticate", "TokenUpdate", "Connect")):
        plist = f"<plist><dict><key>UDID</key><string>{udid}</string>{payload}</dict></plist>"
        raw = base64.b64encode(plist.encode()).decode()
        who = {"id": f"{udid}:{number}", "parent_id": udid, "type": type_}
        event = {"udid": udid, "ids": who, "raw_payload": raw, "token_update_tally": 1}
        if topic == "Connect":
            told = {"acknowledge_event": event | {"status": "Idle"}}
        else:
            told = {"checkin_event": event}
        body = json.dumps({"topic": f"mdm.{topic}", "created_at": _stamp(scene)} | told)
        credentials = ("mdm", WEBHOOK_KEY)
        answer = scene.client.post("/hooks/mdm/main", data=body, auth=credentials)
        assert answer.status_code == 200
    scene.settle()
    assert all(each.startswith("not the device channel") for each in outcomes(scene)[-4:])
    (device,) = scene.bridge.list_devices().items
    assert (device["enrolled"], device["last_seen_at"]) == (True, seen_at)
    scene.pass_time(DAY)
    assert scene.states() == {"installed INSTALLED": 1} and installs_sent(scene) == 1


def _stamp(scene: Scene) -> str:
    return datetime.fromtimestamp(scene.now(), UTC).isoformat().replace("+00:00", "Z")


def test_webhooks_that_are_the_same_bytes_are_one(make_scene: MakeScene) -> None:
    """NanoHUB's have no event_id: the digest of the body counts."""
    scene = make_scene(devices=1, apps=0, mdm=settings("nanohub"))
    udid = scene.world.devices[0].udid
    event = {"udid": udid, "status": "Idle", "ids": {"id": udid, "type": "Device"}}
    event["raw_payload"] = base64.b64encode(templates.idle(scene.world.devices[0])).decode()
    sent = {"topic": "mdm.Connect", "created_at": "2027-01-15T08:00:01Z"}
    body = json.dumps(sent | {"acknowledge_event": event})
    head = {"Authorization": "Basic " + base64.b64encode(f"x:{WEBHOOK_KEY}".encode()).decode()}
    for data in (body, body, body.replace(":01Z", ":02Z")):
        assert scene.client.post("/hooks/mdm/main", data=data, headers=head).status_code == 200
    scene.pass_time(1)
    assert scene.counters()["mdm.duplicate"] == 1


def test_everything_is_paused_a_push_by_get_too(make_scene: MakeScene, kind: Kind) -> None:
    scene = make_scene(devices=2, apps=1, macs=0, mdm=settings(kind))
    scene.apply()
    scene.run(lambda: scene.world.ledger.installs_posted != {})
    for device in scene.world.devices:
        device.go_offline()
    scene.bridge.pause("all", "")
    before = dict(scene.world.ledger.requests)
    scene.pass_time(3 * HOUR)
    after = scene.world.ledger.requests
    assert {n: after[n] - before.get(n, 0) for n in ("mdm.command", "mdm.push")} == {
        "mdm.command": 0,
        "mdm.push": 0,
    }
    scene.bridge.resume("all", "")
    for device in scene.world.devices:
        device.go_online()
    scene.run(scene.all_installed, DAY)


def test_signed_webhooks_are_believed_by_their_signature(make_scene: MakeScene) -> None:
    scene = make_scene(devices=1, apps=1, mdm=settings("nanomdm"))
    server = replace(
        scene.config.servers["main"], webhook_keys=(), webhook_hmac_keys=("new", "sign/key")
    )
    scene.config = replace(scene.config, servers={"main": server})
    scene.restart()
    scene.world.mdm.webhook.url = "http://bridge.example.org/hooks/mdm/main"
    scene.world.mdm.webhook.hmac_key = "sign/key"
    scene.apply()
    scene.run(scene.all_installed)
    scene.world.mdm.webhook.hmac_key = "another"
    scene.world.devices[0].connect()
    scene.pass_time(30)
    assert scene.counters()["mdm.401"] == 1


def test_doctor_and_status_speak_of_the_server_that_it_is(
    make_scene: MakeScene, kind: Kind
) -> None:
    scene = make_scene(devices=1, apps=1, mdm=settings(kind))
    shell = Shell(scene)
    name = {"nanomdm": "NanoMDM", "nanohub": "NanoHUB"}[kind]
    doctor = shell.run("doctor").stdout
    assert f"webhook main: {name}'s -webhook-url is to be https://mdm:<webhook_key>@" in doctor
    assert f'stands in {name}\'s log: "unexpected HTTP status"' in doctor
    assert "MDM main: http://127.0.0.1:9999 answers, version 1.13.1; key accepted" in doctor
    assert "MicroMDM" not in doctor
    assert "main: -webhook-url https://mdm:<webhook_key>@" in shell.run("status").stdout
    refused = scene.client.post("/hooks/mdm/main", data=b"{}")
    assert refused.status_code == 401
    scene.bridge.refusals.flush()
    assert f"set the password in {name}'s -webhook-url" in shell.run("doctor").stdout


def test_sync_says_that_it_has_no_list(make_scene: MakeScene, kind: Kind) -> None:
    scene = make_scene(devices=3, apps=1, mdm=settings(kind))
    result = Shell(scene).run("sync", "devices")
    assert (result.exit_code, result.stderr) == (0, "")
    assert "this server has no list of them to read" in result.stdout


@pytest.mark.parametrize("with_password", [False, True])
def test_doctor_signs_what_it_posts(make_scene: MakeScene, with_password: bool) -> None:
    scene = make_scene(devices=1, apps=1, mdm=settings("nanomdm"))
    shell = Shell(scene)
    keys = f"webhook_key: {WEBHOOK_KEY}, " if with_password else ""
    written = shell.config.read_text()
    text = written.replace(f"webhook_key: {WEBHOOK_KEY}", f"{keys}webhook_hmac_key: [new, old]")
    shell.write(text)
    server = replace(
        scene.config.servers["main"],
        webhook_keys=(WEBHOOK_KEY,) if with_password else (),
        webhook_hmac_keys=("new", "old"),
        signs_only=not with_password,
    )
    scene.config = replace(scene.config, servers={"main": server})
    scene.restart()
    said = shell.run("doctor").stdout
    assert "ok    webhook main: /hooks/mdm/main takes messages in" in said
    userinfo = "mdm:<webhook_key>@" if with_password else ""
    url = f"https://{userinfo}bridge.example.org/hooks/mdm/main"
    told = f"is to be {url}; its -webhook-hmac-key is to be webhook_hmac_key"
    assert f"NanoMDM's -webhook-url {told}" in said
    shell.write(text.replace("[new, old]", "another"))
    doctor = shell.run("doctor").stdout
    named = "webhook_key and webhook_hmac_key" if with_password else "webhook_hmac_key"
    assert f"its hook does not accept {named}" in doctor
