"""Messages that come twice, early, late, broken, hostile or for somebody else."""

import base64
import json
import uuid
from collections.abc import Callable
from typing import Any

import pytest

from bridge.engine.context import Context
from bridge.engine.intake import inbox
from bridge.simulator.faults import Fault
from bridge.store.bodies import unpacked
from bridge.store.events import Event
from tests.flow import kit
from tests.flow.scene import WEBHOOK_KEY, Scene

MakeScene = Callable[..., Scene]

BASIC = "Basic " + base64.b64encode(f"any:{WEBHOOK_KEY}".encode()).decode()


def connect(udid: str, payload: bytes | str, **members: Any) -> dict[str, Any]:
    """A mdm.Connect webhook; a text payload is taken for base64 as it is."""
    raw = payload if isinstance(payload, str) else base64.b64encode(payload).decode()
    return {
        "topic": "mdm.Connect",
        "event_id": str(uuid.uuid4()),
        "created_at": "2027-01-15T08:00:01.5Z",
        "acknowledge_event": {"udid": udid, "status": "Idle", "raw_payload": raw} | members,
    }


def idle(udid: str) -> bytes:
    return (
        b'<?xml version="1.0"?><plist version="1.0"><dict><key>Status</key><string>Idle</string>'
        b"<key>UDID</key><string>" + udid.encode() + b"</string></dict></plist>"
    )


def deliver(scene: Scene, webhook: dict[str, Any]) -> int:
    body = json.dumps(webhook).encode()
    answer = scene.client.post("/hooks/mdm/main", data=body, headers={"Authorization": BASIC})
    return answer.status_code


def notify(scene: Scene, notification: dict[str, Any]) -> int:
    token = scene.world.location.client.notification_token
    answer = scene.client.post(
        "/hooks/apple/hq",
        data=json.dumps(notification).encode(),
        headers={"Authorization": f"Bearer {token}"},
    )
    return answer.status_code


def everything_stored(scene: Scene) -> dict[str, list[tuple[Any, ...]]]:
    """Every table but the counters, which count duplicates, the inbox, from which they are not
    taken, and how far it was taken."""
    with scene.bridge.database.read() as db:
        return {
            table: [
                tuple(row)
                for row in db.execute(f"SELECT * FROM {table} ORDER BY 1")
                if row[0] != "inbox_taken"
            ]
            for table in kit.tables(db)
            if table not in ("counters", "inbox")
        }


def settled(make_scene: MakeScene, **arguments: Any) -> Scene:
    scene = make_scene(**{"devices": 1, "apps": 1} | arguments)
    scene.apply()
    scene.run(scene.all_installed)
    return scene


def test_a_webhook_posted_a_hundred_times_is_one(make_scene: MakeScene) -> None:
    scene = settled(make_scene)
    device = scene.world.devices[0]
    webhook = connect(device.udid, idle(device.udid))
    assert deliver(scene, webhook) == 200
    scene.settle()
    before = everything_stored(scene)
    for _ in range(99):
        assert deliver(scene, webhook) == 200
        scene.settle()
    assert everything_stored(scene) == before
    assert scene.counters()["mdm.duplicate"] == 99


def test_a_notification_posted_a_hundred_times_is_one(make_scene: MakeScene) -> None:
    scene = settled(make_scene)
    notification = asset_count(scene, delta=-1)
    assert notify(scene, notification) == 200
    scene.settle()
    before = everything_stored(scene)
    for _ in range(99):
        assert notify(scene, notification) == 200
        scene.settle()
    assert everything_stored(scene) == before
    assert scene.counters()["apple.duplicate"] == 99


def asset_count(scene: Scene, delta: int) -> dict[str, Any]:
    return {
        "notificationId": "6f8d1c0e-0000-4000-8000-5c4d9a2b7e11",
        "notificationType": "ASSET_COUNT",
        "uId": scene.world.location.uid,
        "notification": {
            "adamId": scene.adam_ids[0],
            "pricingParam": "STDQ",
            "countDelta": delta,
        },
    }


def test_one_id_in_two_types_is_two_notifications(make_scene: MakeScene) -> None:
    scene = settled(make_scene)
    first = asset_count(scene, delta=3)
    second = {
        **first,
        "notificationType": "SUBSCRIPTION_COUNT",
        "notification": {"parentAdamId": 5, "adamId": 6, "counts": {}},
    }
    before = len(scene.bridge.list_events(source="apple", limit=1000).items)
    assert notify(scene, first) == notify(scene, second) == 200
    scene.settle()
    assert len(scene.bridge.list_events(source="apple", limit=1000).items) == before + 2
    assert "apple.duplicate" not in scene.counters()


def test_a_notification_may_beat_the_reply_that_names_its_event(make_scene: MakeScene) -> None:
    scene = make_scene(devices=2, apps=2)
    send = scene.apple_adapter.send

    def slow(request: Any, **arguments: Any) -> Any:
        reply = send(request, **arguments)
        if request.path_url.endswith("/assets/associate"):
            scene.world.advance(10)  # Apple is done, and has told us, before it answers
            assert scene.bridge.list_events(topic="ASSET_MANAGEMENT").items
            scene.engine.run_once()
        return reply

    scene.apple_adapter.send = slow  # type: ignore[method-assign]
    scene.apply()
    scene.run(scene.all_installed)
    assert scene.world.ledger.violations() == []
    assert scene.world.ledger.requests["apple.associate"] == 1
    assert scene.world.ledger.requests["apple.status"] == 0
    assert scene.install()["trail"][1]["apple_event_id"]


def test_a_token_update_may_overtake_its_authenticate(make_scene: MakeScene) -> None:
    fault = Fault("mdm.webhook", "delay", match="mdm.Authenticate", delay=1.0)
    scene = make_scene(devices=1, apps=1, enrol=False, faults=[fault])
    scene.apply()
    scene.settle()
    scene.world.enrol_all()
    scene.run(scene.all_installed)
    topics = [e["topic"] for e in scene.bridge.list_events(source="mdm", limit=1000).items]
    assert topics.index("mdm.Authenticate") < topics.index("mdm.TokenUpdate"), "the newest first"
    assert scene.world.ledger.violations() == []


def test_a_device_whose_authenticate_never_came_is_asked_for(make_scene: MakeScene) -> None:
    fault = Fault("mdm.webhook", "drop", match="mdm.Authenticate")
    scene = make_scene(devices=1, apps=1, enrol=False, faults=[fault])
    scene.apply()
    scene.settle()
    scene.world.enrol_all()
    scene.run(scene.all_installed)


def test_an_answer_to_somebody_elses_command_changes_nothing(make_scene: MakeScene) -> None:
    scene = settled(make_scene)
    device = scene.world.devices[0]
    before = scene.installs()
    answer = idle(device.udid).replace(b"Idle", b"Error")
    webhook = connect(device.udid, answer, status="Error", command_uuid="not-ours")
    assert deliver(scene, webhook) == 200
    scene.pass_time(5)
    assert scene.installs() == before
    newest = scene.bridge.list_events(limit=1).items[0]
    assert newest["outcome"] == "an answer to a command of somebody else"


def test_a_users_answer_is_not_the_devices(make_scene: MakeScene) -> None:
    scene = make_scene(devices=1, apps=1)
    device = scene.world.devices[0]
    scene.apply()
    scene.run(lambda: "sent COMMAND_SENT" in scene.states())
    with scene.bridge.database.read() as db:
        command_uuid = db.execute(
            "SELECT command_uuid FROM commands WHERE request_type = 'InstallApplication'"
        ).fetchone()[0]
    answer = (
        b'<?xml version="1.0"?><plist version="1.0"><dict><key>Status</key><string>Error</string>'
        b"<key>UserID</key><string>A-USER</string><key>CommandUUID</key><string>"
        + command_uuid.encode()
        + b"</string><key>UDID</key><string>"
        + device.udid.encode()
        + b"</string></dict></plist>"
    )
    webhook = connect(device.udid, answer, status="Error", command_uuid=command_uuid)
    assert deliver(scene, webhook) == 200
    scene.settle()
    assert "sent COMMAND_SENT" in scene.states()
    scene.run(scene.all_installed)


@pytest.mark.parametrize(
    "payload", ["%%% not base64", base64.b64encode(b"<plist><dict>").decode(), ""]
)
def test_garbage_in_a_payload_is_evidence(make_scene: MakeScene, payload: str) -> None:
    scene = settled(make_scene)
    webhook = connect(scene.world.devices[0].udid, payload)
    assert deliver(scene, webhook) == 200
    scene.settle()
    newest = scene.bridge.list_events(limit=1).items[0]
    assert newest["status"] == "done"
    assert newest["outcome"].startswith("unreadable, no effect")
    assert scene.counters()["mdm.unreadable"] == 1
    with scene.bridge.database.read() as db:
        kept = json.loads(
            unpacked(db.execute("SELECT body FROM events ORDER BY id DESC").fetchone()[0])
        )
    assert set(kept["payload"]) == {"length", "sha256", "error"}


def test_another_librarys_notification_has_no_effect(make_scene: MakeScene) -> None:
    scene = settled(make_scene)
    foreign = asset_count(scene, delta=100) | {"uId": "999"}
    assert notify(scene, foreign) == 200
    scene.settle()
    assert scene.counters()["apple.other_library"] == 1
    assert scene.bridge.list_events(limit=1).items[0]["outcome"] == "another library's, no effect"


def test_a_message_that_cannot_be_handled_is_set_aside_and_the_others_go_on(
    make_scene: MakeScene, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene = make_scene(devices=1, apps=1)
    handled: list[str] = []
    original = inbox.HANDLERS["mdm"]

    def handle(context: Context, event: Event) -> str:
        if event.message_id == "poison":
            handled.append(event.message_id)
            context.db.execute("DELETE FROM devices")  # undone with the rest of what it did
            raise ZeroDivisionError("made to fail")
        return original(context, event)

    monkeypatch.setitem(inbox.HANDLERS, "mdm", handle)
    poison = connect(scene.world.devices[0].udid, idle(scene.world.devices[0].udid))
    assert deliver(scene, poison | {"event_id": "poison"}) == 200
    scene.apply()
    scene.run(scene.all_installed)
    assert len(handled) == 3
    aside = scene.bridge.list_events(status="set_aside", limit=10).items
    assert [(e["message_id"], e["tries"], e["error"]) for e in aside] == [
        ("poison", 3, "ZeroDivisionError: made to fail")
    ]
    assert scene.counters()["mdm.set_aside"] == 1
    inbox_part = next(part for part in scene.bridge.health() if part.name == "inbox")
    assert (inbox_part.ok, inbox_part.severity) == (False, "degraded")


def test_apples_test_is_answered_while_our_own_call_is_in_flight(make_scene: MakeScene) -> None:
    scene = settled(make_scene)
    tests = scene.bridge.list_events(topic="TEST_NOTIFICATION", limit=10).items
    assert [event["status"] for event in tests] == ["done"]
    client = scene.world.location.client
    assert client.notification_url == "https://bridge.example.org/hooks/apple/hq"
    with scene.bridge.database.read() as db:
        stored = "\n".join(str(tuple(row)) for row in db.execute("SELECT * FROM locations"))
    assert client.notification_token not in stored, "only its SHA-256 is kept"


def test_when_apple_cannot_reach_us_status_does_it(make_scene: MakeScene) -> None:
    scene = make_scene(devices=1, apps=1)
    scene.reachable = False
    scene.apply(scene.wanted_for(scene.serials))
    scene.pass_time(20)
    scene.reachable = True
    scene.run(scene.all_installed)
    assert scene.counters()["apple.url_refused"] == 1
    assert scene.world.location.client.mdm_info is not None


def test_events_of_somebody_else_end_as_apples_assignments_say(make_scene: MakeScene) -> None:
    scene = settled(make_scene)
    taken = {
        "notificationId": "a-foreign-one",
        "notificationType": "ASSET_MANAGEMENT",
        "uId": scene.world.location.uid,
        "notification": {
            "type": "DISASSOCIATE",
            "result": "SUCCESS",
            "eventId": "somebody-elses",
            "assignments": [
                {
                    "adamId": int(scene.adam_ids[0]),
                    "pricingParam": "STDQ",
                    "serialNumber": scene.serials[0],
                }
            ],
        },
    }
    assert notify(scene, taken) == 200
    scene.settle()
    assert scene.all_installed(), "Apple still lists it, whatever the message says"
    assert scene.world.ledger.requests["apple.assignments"] == 2
