"""Nine things that others got wrong, by reading their code and their trackers.

What else shows one:

1  test_doubt.test_a_licence_that_is_never_visible_fails_alone
4  an empty database, and the first install: test_road.test_every_wanted_app_gets_onto_every_device
5  test_web_hooks.test_whatever_is_sent_gets_an_answer_of_the_contract, test_wire_mdm_webhook
   .test_noise_raises_shape_error_only, test_messages.test_garbage_in_a_payload_is_evidence
8  both ways, and the first one counts: test_road.test_notifications_alone_confirm,
   test_without_a_public_url_status_alone_confirms, test_lost_notifications_do_not_matter;
   a thousand devices and more: test_batches
"""

from __future__ import annotations

import base64
import json
import plistlib
import uuid
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from bridge.domain.policy import Policy
from bridge.simulator.devices import script
from bridge.simulator.faults import Fault
from tests.flow.scene import DAY, WEBHOOK_KEY, Scene, rarely

MakeScene = Callable[..., Scene]

INSTALL, LIST = "InstallApplication", "ManagedApplicationList"
HOUR = 3600.0
BASIC = "Basic " + base64.b64encode(f"any:{WEBHOOK_KEY}".encode()).decode()


def tell(scene: Scene, event: dict[str, Any], payload: object = None) -> None:
    """MicroMDM tells of a Connect with this payload, and the bridge deals with it."""
    raw = base64.b64encode(plistlib.dumps(payload)).decode() if payload is not None else ""
    webhook = {
        "topic": "mdm.Connect",
        "event_id": str(uuid.uuid4()),
        "created_at": "2027-01-15T08:00:01.5Z",
        "acknowledge_event": {"raw_payload": raw, **event},
    }
    body = json.dumps(webhook).encode()
    answer = scene.client.post("/hooks/mdm/main", data=body, headers={"Authorization": BASIC})
    assert answer.status_code == 200
    scene.settle()


@pytest.mark.slow
def test_1_an_error_that_stays_is_not_sent_over_and_over_in_one_session(
    make_scene: MakeScene,
) -> None:
    scene = make_scene(devices=1, apps=4)
    hopeless, *others = scene.adam_ids
    device = scene.world.devices[0]
    device.script.add(script.error("ASDServerErrorDomain", 9610, 0, hopeless))
    scene.apply()
    scene.run(lambda: len(scene.installs(state="installed")) == 3, 120)
    assert all(device.installed(adam_id) for adam_id in others), "no other app waits for it"
    for _ in range(500):
        device.connect()
        scene.pass_time(60)
    most = 1 + len(Policy().install.license_retry)
    assert [received.adam_id for received in device.received].count(hopeless) <= most


def test_2_many_check_ins_are_one_request_to_apple(make_scene: MakeScene) -> None:
    scene = make_scene(devices=2, apps=2, faults=[Fault("apple.event", "delay", delay=240.0)])
    scene.apply()
    scene.run(lambda: scene.states() == {"associating ASSOCIATE_REQUESTED": 4})
    for _ in range(100):
        for device in scene.world.devices:
            device.token_update()
            device.connect()
        scene.pass_time(2)
    assert scene.states() == {"associating ASSOCIATE_REQUESTED": 4}
    assert scene.world.ledger.requests["apple.associate"] == 1
    scene.run(scene.all_installed)
    assert scene.world.ledger.requests["apple.associate"] == 1


def test_3_a_notification_is_known_after_an_hour_and_after_a_restart(
    make_scene: MakeScene,
) -> None:
    scene = make_scene(devices=1, apps=1, policy=rarely())
    scene.apply()
    scene.run(scene.all_installed)
    count = {
        "notificationId": "6f8d1c0e-0000-4000-8000-5c4d9a2b7e11",
        "notificationType": "ASSET_COUNT",
        "uId": scene.world.location.uid,
        "notification": {"adamId": scene.adam_ids[0], "pricingParam": "STDQ", "countDelta": 7},
    }
    bearer = {"Authorization": f"Bearer {scene.world.location.client.notification_token}"}

    def notify() -> None:
        answer = scene.client.post("/hooks/apple/hq", data=json.dumps(count), headers=bearer)
        assert answer.status_code == 200
        scene.settle()

    before = available(scene)
    notify()
    assert available(scene) == before + 7
    scene.pass_time(HOUR)
    notify()
    scene.restart()
    notify()
    assert available(scene) == before + 7
    assert scene.counters()["apple.duplicate"] == 2


def available(scene: Scene) -> int:
    """How many seats the bridge thinks are free."""
    with scene.bridge.database.read() as db:
        return int(db.execute("SELECT available FROM assets").fetchone()[0])


@pytest.mark.parametrize(
    "event",
    [{}, {"status": "Acknowledged"}, {"udid": ""}, {"udid": None, "enrollment_id": 5}],
    ids=["nothing", "a status", "an empty UDID", "no text"],
)
def test_5_a_message_without_a_udid_stops_nothing(
    make_scene: MakeScene, event: dict[str, Any]
) -> None:
    scene = make_scene(devices=1, apps=1)
    scene.apply()
    for payload in ({"Status": "Idle"}, {}, [], "text", None):
        tell(scene, event, payload)
    scene.run(scene.all_installed)
    assert len(scene.bridge.list_devices().items) == 1, "nobody was made up"


def test_6_a_verification_that_is_never_answered_ends_by_the_clock(make_scene: MakeScene) -> None:
    scene = make_scene(devices=1, apps=1, install_time=600.0, policy=rarely())
    scene.apply(scene.desired(named=True))
    scene.run(lambda: bool(scene.installs(state="acknowledged")))
    began = scene.world.now
    scene.world.devices[0].script.add(script.silent(0, request_type=LIST))
    scene.run(lambda: "unconfirmed NOT_SEEN" in scene.states(), 2 * DAY)
    assert DAY - 60 <= scene.world.now - began <= DAY + 60
    scene.world.devices[0].script = script.Script()
    scene.run(scene.all_installed, 8 * DAY)


def test_6_nor_does_a_command_stay_in_doubt_whose_device_lists_nothing(
    make_scene: MakeScene,
) -> None:
    lost = Fault("mdm.command", "lose", match=INSTALL)
    scene = make_scene(devices=1, apps=1, faults=[lost], policy=rarely())
    device = scene.world.devices[0]
    scene.apply()
    scene.run(lambda: "sent COMMAND_SENT" in scene.states())
    device.script.add(script.silent(0, request_type=LIST))
    scene.run(lambda: "sent COMMAND_IN_DOUBT" in scene.states())
    began = scene.world.now
    scene.run(lambda: "unconfirmed COMMAND_IN_DOUBT" in scene.states(), 2 * DAY)
    assert scene.world.now - began == pytest.approx(DAY, abs=60)
    device.script = script.Script()
    scene.run(scene.all_installed, 2 * DAY)
    assert scene.world.ledger.violations() == []


def test_7_another_version_than_the_stores_is_installed_all_the_same(
    make_scene: MakeScene,
) -> None:
    scene = make_scene(devices=1, apps=1, policy=rarely())
    device, adam_id = scene.world.devices[0], scene.adam_ids[0]
    device.script.add(script.silent(0, request_type=LIST))
    scene.apply(scene.desired(named=True))
    scene.run(lambda: any(r.request_type == LIST for r in device.received))
    (asked,) = {r.command_uuid for r in device.received if r.request_type == LIST}
    app = {"Status": "Managed", "ExternalVersionIdentifier": 1, "IsValidated": False}
    answer = {"CommandUUID": asked, "Status": "Acknowledged", "UDID": device.udid}
    tell(
        scene,
        {"udid": device.udid, "status": "Acknowledged", "command_uuid": asked},
        {**answer, LIST: {scene.world.catalogue[adam_id][0]: app}},
    )
    assert scene.states() == {"installed INSTALLED": 1}
    scene.pass_time(6 * DAY)
    assert scene.states() == {"installed INSTALLED": 1}
    assert device.installs == [], "nothing is sent for the sake of a version"


def test_9_what_apple_calls_complete_is_not_yet_installed(make_scene: MakeScene) -> None:
    scene = make_scene(devices=1, apps=1)
    scene.world.devices[0].licensed = lambda serial_number, adam_id: False
    scene.apply()
    scene.run(lambda: "licensed LICENSE_NOT_VISIBLE" in scene.states())
    assert scene.world.location.library.assignments, "Apple has it"
    scene.run(lambda: "failed LICENSE_NEVER_VISIBLE" in scene.states(), DAY)


def test_9_a_nonsense_serial_number_takes_no_seat(make_scene: MakeScene) -> None:
    scene = make_scene(devices=0, apps=1, seats=5)
    scene.apply(scene.wanted_for(["NONSENSE1"]))
    scene.pass_time(HOUR)
    assert scene.states() == {"waiting NOT_ENROLLED": 1}
    assert scene.world.ledger.requests["apple.associate"] == 0


def test_9_a_nonsense_serial_number_that_apple_took_is_never_done(make_scene: MakeScene) -> None:
    early = replace(Policy(), associate=replace(Policy().associate, before_enrolment=True))
    scene = make_scene(devices=0, apps=1, seats=5, policy=early)
    scene.apply(scene.wanted_for(["NONSENSE1"]))
    scene.pass_time(HOUR)
    assert scene.world.location.library.assignments, "Apple says that it is complete"
    assert scene.states() == {"waiting NOT_ENROLLED": 1}
