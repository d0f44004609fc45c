"""Answers with a Status that nobody knows: what stands, what mends it, and what waits behind it."""

import logging
import plistlib
from collections.abc import Callable
from typing import Any

import pytest

from bridge.domain.desired.desired import Desired
from bridge.simulator.devices import script
from tests.flow.cli_kit import Shell
from tests.flow.kit import is_in
from tests.flow.scene import DAY, Scene, rarely
from tests.flow.test_messages import connect, deliver

MakeScene = Callable[..., Scene]

LIST, INSTALL, INFO = "ManagedApplicationList", "InstallApplication", "DeviceInformation"
REMOVE = "RemoveApplication"
MINUTE, HOUR = 60.0, 3600.0


def says(scene: Scene, kind: str, status: str, adam_id: str = "") -> None:
    """From now on the device answers commands of a kind, for one app if any, with this status."""
    bundle_id = scene.world.catalogue[adam_id][0] if adam_id else ""

    def mangle(of: str, answer: bytes) -> bytes:
        message = plistlib.loads(answer)
        if of != kind or (bundle_id and message.get("Identifier") != bundle_id):
            return answer
        return plistlib.dumps(message | {"Status": status})

    scene.world.devices[0].mangle = mangle


def says_well(scene: Scene) -> None:
    scene.world.devices[0].mangle = lambda _kind, answer: answer


def odd(make_scene: MakeScene, kind: str, **arguments: Any) -> Scene:
    scene = make_scene(**{"devices": 1, "apps": 1, "macs": 0.0, "policy": rarely()} | arguments)
    scene.pass_time(MINUTE)
    says(scene, kind, "Odd")
    scene.apply(scene.desired(named=True))
    return scene


def queue(scene: Scene) -> list[str]:
    """What the server has for the device."""
    return [each.command_uuid for each in scene.world.mdm.queued(scene.world.devices[0].key)]


@pytest.mark.parametrize("kind", [LIST, INFO])
def test_why_says_who_must_act_and_the_log_warns_once(
    make_scene: MakeScene, kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        scene = odd(make_scene, kind)
        scene.pass_time(3 * DAY)
    shown = Shell(scene).run("why", scene.serials[0], scene.adam_ids[0])
    assert shown.exit_code == 1
    assert "its answer cannot be read" in shown.stdout
    assert "its status is unknown: Odd; its MDM server keeps the command" in shown.stdout
    assert "the admin" in shown.stdout and "DELETE /v1/commands/" in shown.stdout
    assert [r.message for r in caplog.records if "cannot be read" in r.message] == [
        "a device answers again and again what cannot be read: its status is unknown: Odd; "
        "its MDM server keeps the command and offers it again"
    ]
    assert len(queue(scene)) == 1, "asked anew, it would only stand there twice"


@pytest.mark.parametrize("kind", [LIST, INFO, INSTALL])
def test_an_answer_of_the_next_time_settles_it(make_scene: MakeScene, kind: str) -> None:
    scene = odd(make_scene, kind)
    scene.pass_time(3 * MINUTE)
    says_well(scene)
    scene.run(scene.all_installed, HOUR)
    scene.world.devices[0].connect()
    scene.pass_time(1)
    assert queue(scene) == []
    with scene.bridge.database.read() as db:
        assert not db.execute(
            "SELECT 1 FROM commands WHERE look_at IS NOT NULL OR push_at IS NOT NULL"
        ).fetchall()


@pytest.mark.parametrize("retried", [True, False])
@pytest.mark.parametrize("kind", [LIST, INFO])
def test_a_cleared_queue_is_seen(make_scene: MakeScene, kind: str, retried: bool) -> None:
    """`retry` looks at once, and the bridge by itself once a day."""
    scene = odd(make_scene, kind)
    scene.pass_time(3 * DAY)
    scene.world.mdm.clear(scene.world.devices[0].key)
    says_well(scene)
    if retried:
        assert Shell(scene).run("retry", "--serial", scene.serials[0]).exit_code == 0
    scene.run(scene.all_installed, MINUTE if retried else DAY + HOUR)


def test_retry_has_the_device_come_for_what_the_server_still_has(make_scene: MakeScene) -> None:
    scene = odd(make_scene, LIST)
    scene.pass_time(3 * DAY)
    says_well(scene)
    Shell(scene).run("retry", "--serial", scene.serials[0])
    scene.run(scene.all_installed, MINUTE)


def test_an_install_is_not_sent_twice_and_holds_up_no_other(make_scene: MakeScene) -> None:
    scene = make_scene(devices=1, apps=5, macs=0.0, policy=rarely())
    scene.pass_time(MINUTE)
    stuck, *others = scene.adam_ids
    device = scene.world.devices[0]
    says(scene, INSTALL, "Odd", stuck)
    device.script.add(script.Planned("never_arrives", stuck, 0))
    scene.apply(scene.desired(named=True))
    scene.run(lambda: len(scene.installs(state="installed")) == len(others), 15 * MINUTE)
    stands = scene.install(adam_id=stuck)
    assert (stands["state"], stands["reason"]) == ("unconfirmed", "ANSWER_UNREADABLE")
    scene.pass_time(DAY)
    assert len(scene.world.ledger.installs_posted[device.key, stuck]) == 1


def test_after_the_queue_is_cleared_the_install_is_sent_again(make_scene: MakeScene) -> None:
    scene = odd(make_scene, INSTALL)
    device = scene.world.devices[0]
    device.script.add(script.Planned("never_arrives", times=0))
    scene.pass_time(HOUR)
    scene.world.mdm.clear(device.key)
    device.script = script.Script()
    says_well(scene)
    Shell(scene).run("retry", "--serial", scene.serials[0])
    scene.run(scene.all_installed, 10 * MINUTE)


def test_a_removal_that_does_not_come_says_so(make_scene: MakeScene) -> None:
    scene = make_scene(devices=1, apps=1, macs=0.0, policy=rarely())
    scene.apply(scene.desired(on_unwanted="remove"))
    scene.run(scene.all_installed)
    device, bundle_id = scene.world.devices[0], next(iter(scene.world.catalogue.values()))[0]

    def keeps(kind: str, answer: bytes) -> bytes:
        message = plistlib.loads(answer)
        if kind == LIST:
            message[LIST][bundle_id] = {"Status": "Managed", "ManagementFlags": 1}
        return plistlib.dumps(message | ({"Status": "Odd"} if kind == REMOVE else {}))

    device.mangle = keeps
    scene.apply(Desired())
    scene.run(is_in(scene, "removing ANSWER_UNREADABLE"), HOUR)
    scene.pass_time(DAY)
    assert scene.states() == {"removing ANSWER_UNREADABLE": 1}
    says_well(scene)
    scene.run(lambda: scene.installs()[0]["state"] == "removed", DAY + HOUR)


@pytest.mark.parametrize("status", ["Odd", "", None, 5, True, ["x"], {}])
def test_an_odd_envelope_gives_way_to_the_message(make_scene: MakeScene, status: object) -> None:
    scene = make_scene(devices=1, apps=1, macs=0.0, policy=rarely())
    scene.pass_time(MINUTE)
    scene.reachable = False
    scene.apply(scene.desired(named=True))
    scene.run(lambda: scene.received(INFO) == 1, MINUTE)
    scene.reachable = True
    device = scene.world.devices[0]
    command_uuid = device.received[-1].command_uuid
    message = {"UDID": device.udid, "CommandUUID": command_uuid, "Status": "Acknowledged"}
    about = {"SerialNumber": device.serial_number, "ProductName": device.product_name}
    body = plistlib.dumps(message | {"QueryResponses": about})
    members = {"command_uuid": command_uuid, "status": status}
    assert deliver(scene, connect(device.udid, body, **members)) == 200
    scene.run(scene.all_installed, 5 * MINUTE)
    assert scene.received(INFO) == 1
    assert scene.counters().get("mdm.unknown_status", 0) == 0
