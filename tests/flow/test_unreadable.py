"""Answers that come and cannot be read, and lists with odd entries: what they hold up, and not."""

import itertools
import logging
import re
from collections.abc import Callable
from typing import Any

import pytest

from bridge.domain.desired.desired import Desired
from bridge.engine.intake import answers
from bridge.simulator.devices import script
from bridge.simulator.faults import Fault
from tests.flow.cli_kit import Shell
from tests.flow.kit import is_in, kinds
from tests.flow.scene import DAY, Scene, rarely
from tests.flow.test_messages import connect, deliver

MakeScene = Callable[..., Scene]
Mangle = Callable[[str, bytes], bytes]

LIST, INSTALLED = "ManagedApplicationList", "InstalledApplicationList"
INSTALL, INFO, REMOVE = "InstallApplication", "DeviceInformation", "RemoveApplication"
MINUTE, HOUR = 60.0, 3600.0
STEPS = [10.0, 30.0, 2 * MINUTE, 10 * MINUTE, HOUR, 6 * HOUR]


def mangles(*request_types: str, by: Callable[[bytes], bytes]) -> Mangle:
    """Only the answers to these commands."""
    return lambda kind, answer: by(answer) if kind in request_types else answer


def without(key: str) -> Callable[[bytes], bytes]:
    """The answer without a dictionary in its outermost one."""
    pattern = rf"\n\t<key>{key}</key>\n\t<dict>.*?\n\t</dict>".encode()
    return lambda answer: re.sub(pattern, b"", answer, count=1, flags=re.DOTALL)


def instead(key: str, value: str) -> Callable[[bytes], bytes]:
    """The answer with another value under a key of its outermost dictionary."""
    pattern = rf"(\n\t<key>{key}</key>\n)\t<(dict|array)>.*?\n\t</\2>".encode()
    return lambda answer: re.sub(pattern, rb"\1" + value.encode(), answer, count=1, flags=re.DOTALL)


WRONG = {
    "a NUL in it": lambda answer: answer.replace(b"<dict>", b"<dict>\0", 1),
    "text inside true": lambda answer: answer.replace(
        b"<key>Status", b"<key>x</key><true>yes</true><key>Status", 1
    ),
    "a key without a value": lambda answer: answer.replace(
        b"<key>Status", b"<key>x</key><key>Status", 1
    ),
    "no plist around it": lambda answer: re.sub(rb"</?plist[^>]*>", b"", answer),
    "no list": without(LIST),
    "a list that is text": instead(LIST, "<string>none</string>"),
    "a list that is a filled array": instead(LIST, "<array><true/></array>"),
}

PLAIN = {
    "text after it": lambda answer: answer + b"and more",
    "NULs after it": lambda answer: answer + b"\0" * 7,
    "an empty real": lambda answer: answer.replace(
        b"<key>Status", b"<key>x</key><real/><key>Status", 1
    ),
    "a date with an offset": lambda answer: answer.replace(
        b"<key>Status", b"<key>x</key><date>2027-01-15T08:00:00+01:00</date><key>Status", 1
    ),
    "an empty array": lambda answer: re.sub(
        rb"(<key>ManagedApplicationList</key>)\s*<dict>\s*</dict>", rb"\1<array/>", answer
    ),
}


def answering(make_scene: MakeScene, mangle: Mangle, **arguments: Any) -> Scene:
    """One device, which makes this of its answers, and what all is wanted on it."""
    scene = make_scene(**{"devices": 1, "apps": 1, "macs": 0.0, "policy": rarely()} | arguments)
    scene.world.devices[0].mangle = mangle
    scene.apply()
    return scene


def asked(scene: Scene, kind: str) -> list[float]:
    """When the first device got commands of a kind."""
    return [each.at for each in scene.world.devices[0].received if each.request_type == kind]


def told(scene: Scene, **of: Any) -> tuple[str, str]:
    install = scene.install(**of)
    return install["state"], install["reason"]


@pytest.mark.sweep
@pytest.mark.parametrize("how", PLAIN)
def test_what_is_plain_is_read(make_scene: MakeScene, how: str) -> None:
    scene = answering(make_scene, mangles(LIST, INFO, INSTALL, by=PLAIN[how]))
    scene.run(scene.all_installed, 5 * MINUTE)
    assert scene.counters().get("mdm.unreadable", 0) == 0


@pytest.mark.sweep
@pytest.mark.parametrize("how", WRONG)
def test_a_list_that_cannot_be_read_is_asked_for_ever_less(
    make_scene: MakeScene, how: str, caplog: pytest.LogCaptureFixture
) -> None:
    scene = answering(make_scene, mangles(LIST, by=WRONG[how]))
    with caplog.at_level(logging.WARNING):
        scene.pass_time(3 * DAY)
    times = asked(scene, LIST)
    gaps = [later - sooner for sooner, later in itertools.pairwise(times)]
    for gap, step in zip(gaps, [*STEPS, DAY, DAY], strict=False):
        assert step <= gap < step + 5
    assert len(times) in (9, 10)
    assert told(scene) == ("licensed", "ANSWER_UNREADABLE")
    warnings = [each for each in caplog.records if "cannot be read" in each.message]
    assert [each.__dict__["request_type"] for each in warnings] == [LIST]
    assert asked(scene, INSTALL) == []
    scene.world.devices[0].mangle = lambda _kind, answer: answer
    scene.run(scene.all_installed, DAY + HOUR)


def test_why_says_what_is_wrong_and_an_admin_must_act(make_scene: MakeScene) -> None:
    scene = answering(make_scene, mangles(LIST, by=WRONG["a NUL in it"]))
    scene.run(lambda: len(asked(scene, LIST)) == 1)
    scene.settle()
    assert told(scene) == ("licensed", "LIST_FIRST"), "once is no reason yet"
    scene.run(is_in(scene, "licensed ANSWER_UNREADABLE"))
    shell = Shell(scene)
    result = shell.run("why", scene.serials[0], scene.adam_ids[0])
    assert result.exit_code == 1
    assert "cannot be read" in result.stdout.splitlines()[0]
    assert "not well-formed" in result.stdout
    assert "the admin" in result.stdout
    explained = shell.json("why", scene.serials[0], scene.adam_ids[0], code=1)["explanation"]
    assert explained["needs_someone"] is True
    (line,) = [e for e in explained["evidence"] if e["what"] == "its answer about its managed apps"]
    assert line["value"].startswith("cannot be read (2 in a row)")
    scene.world.devices[0].mangle = lambda _kind, answer: answer
    scene.run(lambda: len(asked(scene, LIST)) == 4, DAY)
    before = len(asked(scene, LIST))
    assert before == 4


def test_a_retry_asks_at_once(make_scene: MakeScene) -> None:
    scene = answering(make_scene, mangles(LIST, by=WRONG["a NUL in it"]))
    scene.pass_time(DAY)
    scene.world.devices[0].mangle = lambda _kind, answer: answer
    assert Shell(scene).run("retry", "--serial", scene.serials[0]).exit_code == 0
    scene.run(scene.all_installed, MINUTE)


def test_a_device_that_is_enrolled_anew_begins_anew(make_scene: MakeScene) -> None:
    scene = answering(make_scene, mangles(LIST, by=WRONG["a NUL in it"]))
    scene.pass_time(2 * DAY)
    device = scene.world.devices[0]
    device.mangle = lambda _kind, answer: answer
    device.reenrol()
    scene.run(scene.all_installed, MINUTE)


def test_an_unreadable_acknowledgement_is_one(make_scene: MakeScene) -> None:
    scene = answering(make_scene, mangles(INSTALL, by=WRONG["a NUL in it"]), apps=3)
    scene.run(scene.all_installed, 5 * MINUTE)
    assert kinds(scene).count(INSTALL) == 3
    assert [e["value"] for e in scene.install()["explanation"]["evidence"] if "answer" in e["what"]]


def test_an_unreadable_error_is_one_without_a_cause(make_scene: MakeScene) -> None:
    scene = make_scene(devices=1, apps=1, macs=0.0, policy=rarely())
    device = scene.world.devices[0]
    device.script.add(script.error("ASDServerErrorDomain", 9610, times=0))
    device.mangle = mangles(INSTALL, by=WRONG["a NUL in it"])
    scene.apply()
    scene.pass_time(DAY)
    assert told(scene) == ("failed", "ATTEMPTS_USED_UP")
    assert "cannot be read" in scene.install()["explanation"]["sentence"]
    assert kinds(scene).count(INSTALL) == 7


def test_an_unreadable_not_now_is_one(make_scene: MakeScene) -> None:
    scene = make_scene(devices=1, apps=1, macs=0.0, policy=rarely())
    scene.world.devices[0].script.add(script.not_now())
    scene.world.devices[0].mangle = mangles(INSTALL, by=WRONG["a NUL in it"])
    scene.apply()
    scene.run(is_in(scene, "sent NOT_NOW"))
    scene.run(scene.all_installed)
    assert kinds(scene).count(INSTALL) == 2
    assert (
        len({p.command_uuid for ps in scene.world.ledger.installs_posted.values() for p in ps}) == 1
    )


def test_a_device_whose_description_cannot_be_read_is_not_taken_for_no_mac(
    make_scene: MakeScene,
) -> None:
    scene = make_scene(devices=1, apps=1, macs=1.0, policy=rarely(), enrol=False)
    device = scene.world.devices[0]
    device.mangle = mangles(INFO, by=without("QueryResponses"))
    scene.reachable = False
    device.enrol()
    scene.world.advance(MINUTE)
    scene.reachable = True
    scene.apply(scene.wanted_for(scene.serials))
    scene.pass_time(3 * DAY)
    assert told(scene) == ("licensed", "ANSWER_UNREADABLE")
    assert kinds(scene).count(INFO) in (8, 9, 10)
    assert INSTALL not in kinds(scene)
    device.mangle = lambda _kind, answer: answer
    scene.run(scene.all_installed, DAY + HOUR)


def test_a_removal_goes_on_by_its_envelope(make_scene: MakeScene) -> None:
    scene = make_scene(devices=1, apps=1, macs=0.0, policy=rarely())
    scene.apply(scene.desired(on_unwanted="remove"))
    scene.run(scene.all_installed)
    device = scene.world.devices[0]
    device.mangle = mangles(REMOVE, by=WRONG["a NUL in it"])
    scene.apply(Desired())
    scene.run(lambda: not device.has(scene.adam_ids[0]))
    scene.run(is_in(scene, "removed REMOVED"))
    assert kinds(scene).count(REMOVE) == 1


def entry(bundle_id: str, value: str) -> Callable[[bytes], bytes]:
    """A list with one more entry, or another one."""

    def change(answer: bytes) -> bytes:
        had = rf"\t<key>{bundle_id}</key>\n\t<dict>.*?</dict>\n".encode()
        answer = re.sub(had, b"", answer, flags=re.DOTALL)
        head = rb"(<key>ManagedApplicationList</key>\s*<dict>)"
        new = f"<key>{bundle_id}</key>{value}".encode()
        return re.sub(head, rb"\1" + new, answer)

    return change


ODD_ENTRIES = ["<string>Managed</string>", "<array/>", "<integer>5</integer>", "<dict/>", "<true/>",
               "<dict><key>Status</key><integer>1</integer></dict>"]  # fmt: skip


@pytest.mark.sweep
@pytest.mark.parametrize("odd", ODD_ENTRIES)
def test_an_odd_entry_of_a_foreign_app_counts_for_nothing(make_scene: MakeScene, odd: str) -> None:
    scene = answering(make_scene, mangles(LIST, by=entry("org.example.foreign", odd)), apps=2)
    scene.run(scene.all_installed, 5 * MINUTE)


@pytest.mark.sweep
@pytest.mark.parametrize("odd", ODD_ENTRIES)
def test_an_odd_entry_of_ours_holds_up_that_app_alone(make_scene: MakeScene, odd: str) -> None:
    scene = make_scene(devices=1, apps=3, macs=0.0, policy=rarely())
    stuck, *others = scene.adam_ids
    bundle_id = scene.world.catalogue[stuck][0]
    scene.world.devices[0].mangle = mangles(LIST, by=entry(bundle_id, odd))
    scene.apply(scene.desired(named=True))
    scene.run(lambda: len(scene.installs(state="installed")) == 2, 5 * MINUTE)
    scene.pass_time(DAY)
    assert told(scene, adam_id=stuck) == ("licensed", "ANSWER_UNREADABLE")
    assert bundle_id in scene.install(adam_id=stuck)["explanation"]["sentence"]
    assert all(told(scene, adam_id=each) == ("installed", "INSTALLED") for each in others)
    assert len(asked(scene, LIST)) < 16
    scene.world.devices[0].mangle = lambda _kind, answer: answer
    scene.run(scene.all_installed, DAY + HOUR)


def test_an_app_that_was_accepted_and_whose_entry_is_odd_is_unconfirmed(
    make_scene: MakeScene,
) -> None:
    scene = make_scene(devices=1, apps=2, macs=0.0, policy=rarely())
    stuck = scene.adam_ids[0]
    bundle_id = scene.world.catalogue[stuck][0]
    change = entry(bundle_id, "<string>Managed</string>")
    device = scene.world.devices[0]
    device.mangle = mangles(
        LIST, by=lambda answer: change(answer) if bundle_id.encode() in answer else answer
    )
    scene.apply(scene.desired(named=True))
    scene.pass_time(HOUR)
    assert told(scene, adam_id=stuck) == ("unconfirmed", "ANSWER_UNREADABLE")
    assert told(scene, adam_id=scene.adam_ids[1]) == ("installed", "INSTALLED")
    assert kinds(scene).count(INSTALL) == 2
    device.mangle = lambda _kind, answer: answer
    scene.run(scene.all_installed, DAY)


def test_a_device_that_refuses_to_list_its_apps_is_told_as_such(make_scene: MakeScene) -> None:
    scene = make_scene(devices=1, apps=1, macs=0.0, policy=rarely())
    no = script.error("MCMDMErrorDomain", 12021, times=0, request_type=LIST)
    scene.world.devices[0].script.add(no)
    scene.apply()
    scene.run(is_in(scene, "licensed LIST_REFUSED"), 2 * DAY)
    scene.pass_time(20 * DAY)
    shown = Shell(scene).run("why", scene.serials[0], scene.adam_ids[0])
    assert shown.exit_code == 1
    assert "MCMDMErrorDomain 12021" in shown.stdout.splitlines()[0]
    assert told(scene) == ("licensed", "LIST_REFUSED")
    scene.world.devices[0].script = script.Script()
    scene.run(scene.all_installed, 30 * DAY)


@pytest.mark.parametrize("topic", ["Authenticate", "TokenUpdate", "CheckOut"])
def test_a_check_in_that_cannot_be_read_takes_effect(make_scene: MakeScene, topic: str) -> None:
    scene = make_scene(devices=1, apps=1, macs=0.0, policy=rarely())
    scene.apply()
    scene.run(scene.all_installed)
    device = scene.world.devices[0]
    if topic == "TokenUpdate":
        device.check_out()
        scene.world.advance(1)
        scene.settle()
    with scene.bridge.database.read() as db:
        before = db.execute("SELECT enrolled, enrolment FROM devices").fetchone()
    webhook = connect(device.udid, "%%%")
    webhook["topic"] = f"mdm.{topic}"
    webhook["created_at"] = "2040-01-01T00:00:00Z"
    event = webhook.pop("acknowledge_event")
    webhook["checkin_event"] = {"udid": event["udid"], "raw_payload": event["raw_payload"]}
    assert deliver(scene, webhook) == 200
    scene.engine.run_once()
    with scene.bridge.database.read() as db:
        enrolled, enrolment = db.execute("SELECT enrolled, enrolment FROM devices").fetchone()
    assert bool(enrolled) is (topic == "TokenUpdate")
    assert enrolment == before[1] + (topic == "Authenticate")
    assert scene.bridge.list_events(limit=1).items[0]["status"] == "done"


def test_a_command_whose_answer_makes_the_handler_fail_is_settled(
    make_scene: MakeScene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever mistake of ours it meets, an answer was given."""

    def fails(*_: object) -> None:
        raise KeyError("made to fail")

    monkeypatch.setitem(answers._OBSERVERS, LIST, fails)
    scene = make_scene(devices=1, apps=1, macs=0.0, policy=rarely())
    scene.apply()
    scene.pass_time(DAY)
    assert scene.counters()["mdm.set_aside"] == len(asked(scene, LIST))
    assert len(asked(scene, LIST)) <= 8
    assert told(scene) == ("licensed", "ANSWER_UNREADABLE")
    assert "made to fail" in scene.install()["detail"]
    monkeypatch.undo()
    scene.run(scene.all_installed, DAY + HOUR)


@pytest.mark.parametrize("kind", [LIST, INFO])
def test_a_question_whose_answer_is_never_heard_is_asked_ever_less(
    make_scene: MakeScene, kind: str
) -> None:
    """Its other messages come, so that it is no outage."""
    scene = make_scene(devices=1, apps=1, macs=0.0, policy=rarely())
    scene.pass_time(MINUTE)
    word = {LIST: "ManagedApplicationList", INFO: "QueryResponses"}[kind]
    scene.world.faults.add(Fault("mdm.webhook", "drop", match=word, times=0))
    scene.apply()
    scene.pass_time(DAY)
    assert 5 <= len(asked(scene, kind)) <= 10
    assert len(asked(scene, INSTALL)) == 0


def test_an_answer_that_can_be_read_after_all_counts(make_scene: MakeScene) -> None:
    """A device tells the same answer again, and this time it can be read."""
    scene = make_scene(devices=1, apps=1, macs=0)
    scene.apply()
    scene.run(lambda: scene.received("InstallApplication") == 1)
    device = scene.world.devices[0]
    command = next(c for c in device.received if c.request_type == "InstallApplication")
    about = {"command_uuid": command.command_uuid, "status": "Acknowledged"}
    assert deliver(scene, connect(device.udid, b"no property list", **about)) == 200
    scene.settle()
    plist = (
        '<?xml version="1.0"?><plist version="1.0"><dict><key>Status</key>'
        f"<string>Acknowledged</string><key>UDID</key><string>{device.udid}</string>"
        f"<key>CommandUUID</key><string>{command.command_uuid}</string>"
        "<key>Identifier</key><string>com.example.told</string>"
        "<key>State</key><string>Installing</string></dict></plist>"
    )
    assert deliver(scene, connect(device.udid, plist.encode(), **about)) == 200
    scene.settle()
    (found,) = [
        each
        for each in scene.bridge.list_commands().items
        if each["request_type"] == "InstallApplication"
    ]
    assert found["app_state"] == "Installing"
