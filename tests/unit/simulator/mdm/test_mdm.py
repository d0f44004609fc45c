"""The simulated MDM server: MicroMDM's API and queue, with their traps."""

import base64
import plistlib
from typing import Any

import pytest

from bridge.simulator import templates
from bridge.simulator.devices.device import Device
from bridge.simulator.mdm.queue import Command, Queue, UnknownStatus
from tests.unit.simulator_kit import Outside, command, install

A = "361309726"


@pytest.fixture
def outside() -> Outside:
    return Outside(devices=2, apps=1)


@pytest.fixture
def device(outside: Outside) -> Device:
    return outside.world.devices[0]


def error_of(answer: Any) -> str:
    assert answer.status_code == 500
    assert answer.content_type == "application/json; charset=utf-8"
    text = answer.get_json()["error"]
    assert isinstance(text, str)
    return text


# The queue alone


def queue_of(*names: str) -> Queue:
    queue = Queue()
    for name in names:
        queue.add(Command(name, b""))
    return queue


def sent(queue: Queue, status: str, uuid: str = "") -> str | None:
    following = queue.next(status, uuid)
    return following.command_uuid if following else None


def names(queue: Queue) -> list[str]:
    return [command.command_uuid for command in queue]


def test_idle_rotates_so_an_unanswered_command_does_not_come_next() -> None:
    queue = queue_of("a", "b", "c")
    assert [sent(queue, "Idle") for _ in range(4)] == ["a", "b", "c", "a"]
    assert names(queue) == ["b", "c", "a"]


@pytest.mark.parametrize("status", ["Acknowledged", "Error", "CommandFormatError"])
def test_an_answer_removes_its_command_and_sends_the_next(status: str) -> None:
    queue = queue_of("a", "b")
    assert sent(queue, "Idle") == "a"
    assert sent(queue, status, "a") == "b"
    assert sent(queue, status, "unknown") == "b"
    assert sent(queue, status, "b") is None


def test_not_now_parks_and_comes_back_when_nothing_else_is_left() -> None:
    queue = queue_of("a", "b", "c")
    assert sent(queue, "Idle") == "a"
    assert sent(queue, "NotNow", "a") == "b"
    assert sent(queue, "NotNow", "b") == "c"
    assert names(queue) == ["c"]
    assert sent(queue, "Acknowledged", "c") == "a"  # one at a time
    assert sent(queue, "NotNow", "a") is None  # not while the device says NotNow
    assert sent(queue, "Idle") == "b"
    assert sent(queue, "Acknowledged", "b") == "a"


def test_a_repeated_uuid_needs_two_answers() -> None:
    queue = queue_of("a", "a")
    assert sent(queue, "Idle") == "a"
    assert sent(queue, "Acknowledged", "a") == "a"
    assert sent(queue, "Acknowledged", "a") is None


def test_an_unknown_status() -> None:
    with pytest.raises(UnknownStatus):
        queue_of("a").next("Sleepy", "")


# The API


def test_credentials_are_looked_at_after_the_body(outside: Outside, device: Device) -> None:
    path = f"/v1/commands/{device.udid}"
    for credentials in (None, ("bridge", "secret"), ("micromdm", "wrong")):
        answer = outside.mdm("POST", path, install("u", A), auth=credentials)
        assert answer.status_code == 401
        assert answer.get_json() == {"error": "Unauthorized"}
        assert answer.headers["WWW-Authenticate"] == 'Basic realm="micromdm"'
        assert outside.mdm("GET", path, auth=credentials).status_code == 401
    assert error_of(outside.mdm("POST", path, b"nonsense", auth=None)).startswith("parse payload")
    error_of(outside.mdm("POST", "/v1/devices", b"{", auth=None))


def test_version_needs_none(outside: Outside) -> None:
    answer = outside.mdm("GET", "/version", auth=None)
    assert answer.get_json()["version"] == "1.13.1"


@pytest.mark.parametrize("method", ["POST", "PUT"])
def test_a_raw_command_is_taken_before_it_is_queued(
    outside: Outside, device: Device, method: str
) -> None:
    outside.world.mdm.settings.store_delay = 1.0
    device.go_offline()
    payload = install("u-1", A)
    answer = outside.mdm(method, f"/v1/commands/{device.udid}", payload)
    assert answer.status_code == 201
    assert answer.get_json() == {
        "payload": {
            "udid": device.udid,
            "command_uuid": "u-1",
            "command": {"request_type": "InstallApplication"},
            "payload": base64.b64encode(payload).decode(),
        }
    }
    assert outside.queue(device.udid) == []
    outside.world.advance(1)
    assert outside.queue(device.udid) == ["u-1"]
    body = outside.mdm("GET", f"/v1/commands/{device.udid}").get_json()
    assert base64.b64decode(body["commands"][0]["payload"]) == payload


def test_commands_are_stored_one_after_the_other(outside: Outside) -> None:
    outside.world.mdm.settings.store_delay = 0.5
    for uuid, udid in (("1", "X"), ("2", "Y"), ("3", "X")):
        outside.post(udid, install(uuid, A))
    outside.world.advance(1.2)
    assert (outside.queue("X"), outside.queue("Y")) == (["1"], ["2"])
    outside.world.advance(0.5)
    assert outside.queue("X") == ["1", "3"]


def test_an_empty_queue_and_an_unknown_device_look_alike(outside: Outside, device: Device) -> None:
    for udid in (device.udid, "NEVER-ENROLLED"):
        answer = outside.mdm("GET", f"/v1/commands/{udid}")
        assert (answer.status_code, answer.get_json()) == (200, {})


def test_an_unknown_device_is_welcome_and_a_uuid_is_queued_twice(outside: Outside) -> None:
    for _ in range(2):
        outside.post("NOBODY", install("same", A))
    outside.world.advance(1)
    assert outside.queue("NOBODY") == ["same", "same"]


@pytest.mark.parametrize(
    ("payload", "words"),
    [
        (command("", "InstallApplication"), "request is malformed"),
        (command("u", ""), "request is malformed"),
        (plistlib.dumps({"CommandUUID": "u"}), "request is malformed"),
        (b"{}", "parse payload as plist"),
        (plistlib.dumps({"CommandUUID": "u"}, fmt=plistlib.FMT_BINARY), "parse payload as plist"),
    ],
)
def test_malformed_raw_commands(
    outside: Outside, device: Device, payload: bytes, words: str
) -> None:
    assert words in error_of(outside.mdm("POST", f"/v1/commands/{device.udid}", payload))


def test_the_json_form_drops_what_it_does_not_know(outside: Outside, device: Device) -> None:
    device.go_offline()
    body = {
        "udid": device.udid,
        "request_type": "InstallApplication",
        "command_uuid": "mine",
        "itunes_store_id": int(A),
        "options": {"purchase_method": 1},
        "install_as_managed": True,
        "configuration": {"a": 1},
    }
    answer = outside.mdm("POST", "/v1/commands", body)
    assert answer.status_code == 201
    assert answer.get_json()["payload"] == {
        "command_uuid": "mine",
        "command": {
            "request_type": "InstallApplication",
            "itunes_store_id": int(A),
            "options": {"purchase_method": 1},
        },
    }
    outside.world.advance(1)
    [queued] = outside.mdm("GET", f"/v1/commands/{device.udid}").get_json()["commands"]
    content = plistlib.loads(base64.b64decode(queued["payload"]))["Command"]
    assert "InstallAsManaged" not in content
    assert content["Configuration"] == {}


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"request_type": "DeviceInformation"}, "request must contain UDID"),
        ({"udid": "D"}, "request must contain UDID"),
        ({"udid": "D", "request_type": "Nope"}, "mdm: unknown RequestType: Nope"),
        (
            {"udid": "D", "request_type": "InstallApplication", "itunes_store_id": "1"},
            "cannot unmarshal string",
        ),
        (b"", "EOF"),
        (b"{", "invalid character"),
    ],
)
def test_malformed_json_commands(outside: Outside, body: object, words: str) -> None:
    assert words in error_of(outside.mdm("POST", "/v1/commands", body))


def test_clearing_a_queue_takes_parked_commands_too(outside: Outside, device: Device) -> None:
    device.go_offline()
    outside.post(device.udid, install("a", A))
    outside.post(device.udid, install("b", A))
    outside.world.advance(1)
    channel = outside.world.mdm
    assert channel.connect(templates.idle(device))[1] == install("a", A)
    assert channel.connect(templates.answer(device, "a", "NotNow"))[1] == install("b", A)
    assert outside.queue(device.udid) == ["b"]
    assert outside.mdm("DELETE", f"/v1/commands/{device.udid}").get_json() == {}
    assert channel.connect(templates.idle(device)) == (200, b"")


def test_devices(outside: Outside, device: Device) -> None:
    assert outside.mdm("GET", "/v1/devices").status_code == 405
    assert error_of(outside.mdm("POST", "/v1/devices", b"")) == "EOF"
    wish = {"filter_serial": [device.serial_number], "filter_udid": ["ignored"], "per_page": 0}
    assert outside.mdm("POST", "/v1/devices", wish).get_json() == {
        "devices": [
            {
                "serial_number": device.serial_number,
                "udid": device.udid,
                "enrollment_status": True,
                "last_seen": "2027-01-15T08:00:00Z",
                "dep_profile_status": "",
            }
        ]
    }
    nobody = outside.mdm("POST", "/v1/devices", {"filter_serial": ["X"]}).get_json()
    assert nobody == {"devices": None}
    assert len(outside.mdm("POST", "/v1/devices", {}).get_json()["devices"]) == 2


def test_dep_only_devices_have_no_udid_and_were_never_seen(outside: Outside) -> None:
    outside.world.mdm.add_dep_device("DEP1")

    def listed() -> dict[str, Any]:
        wish = {"filter_serial": ["DEP1"]}
        [row] = outside.mdm("POST", "/v1/devices", wish).get_json()["devices"]
        assert isinstance(row, dict)
        return row

    assert listed()["udid"] == ""
    assert listed()["last_seen"] == "0001-01-01T00:00:00Z"
    outside.world.new_device("DEP1").enrol()
    assert listed()["udid"]
    assert listed()["enrollment_status"]


def test_enrolment_status_and_a_serial_number_that_is_lost(
    outside: Outside, device: Device
) -> None:
    def row() -> dict[str, Any]:
        rows = outside.mdm("POST", "/v1/devices", {}).get_json()["devices"]
        found: list[dict[str, Any]] = [row for row in rows if row["udid"] == device.udid]
        return found[0]

    assert row()["enrollment_status"]
    device.tells_serial = False
    device.authenticate()
    assert row()["serial_number"] == ""
    assert not row()["enrollment_status"]
    device.token_update("USER-1")
    assert not row()["enrollment_status"]
    device.token_update()
    assert row()["enrollment_status"]
    device.check_out()
    assert not row()["enrollment_status"]


def test_push(outside: Outside, device: Device) -> None:
    for method, path in (("POST", "/v1/push/"), ("GET", "/push/")):
        answer = outside.mdm(method, path + device.udid)
        assert answer.get_json()["status"] == "success"
        assert answer.get_json()["push_notification_id"]
    assert outside.mdm("POST", f"/push/{device.udid}").status_code == 405
    assert error_of(outside.mdm("POST", "/v1/push/X")) == (
        "retrieving PushInfo by UDID: not found: PushInfo udid X"
    )


def test_a_device_can_be_pushed_after_its_token_update_only(outside: Outside) -> None:
    device = outside.world.new_device()
    device.authenticate()
    error_of(outside.mdm("POST", f"/v1/push/{device.udid}"))
    device.token_update()
    assert outside.mdm("POST", f"/v1/push/{device.udid}").status_code == 200


def test_queueing_a_command_pushes_the_device(outside: Outside, device: Device) -> None:
    outside.post(device.udid, command("u", "DeviceInformation", Queries=["UDID"]))
    outside.world.advance(1)
    assert [received.command_uuid for received in device.received] == ["u"]
    assert outside.queue(device.udid) == []


def test_a_push_for_an_offline_device_is_kept_only_with_an_expiration(
    outside: Outside, device: Device
) -> None:
    device.go_offline()
    outside.post(device.udid, command("u", "DeviceInformation", Queries=["UDID"]))
    outside.world.advance(1)
    device.go_online()
    outside.world.advance(10)
    assert device.received == []
    device.go_offline()
    until = int(outside.world.now + 60)
    outside.mdm("POST", f"/v1/push/{device.udid}?expiration={until}")
    outside.world.advance(59)
    device.go_online()
    outside.world.advance(1)
    assert len(device.received) == 1
    device.go_offline()
    outside.post(device.udid, command("v", "DeviceInformation", Queries=["UDID"]))
    outside.mdm("POST", f"/v1/push/{device.udid}?expiration={int(outside.world.now + 60)}")
    outside.world.advance(61)
    device.go_online()
    outside.world.advance(10)
    assert len(device.received) == 1


def test_without_a_push_certificate_commands_are_queued_and_wait(
    outside: Outside, device: Device
) -> None:
    outside.world.mdm.settings.push_certificate = False
    with pytest.raises(ConnectionError):
        outside.mdm("POST", f"/v1/push/{device.udid}")
    outside.post(device.udid, install("u", A))
    outside.world.advance(60)
    assert outside.queue(device.udid) == ["u"]


def test_an_old_server_has_no_queue_view(outside: Outside, device: Device) -> None:
    outside.world.mdm.settings.queue_view = False
    answer = outside.mdm("GET", f"/v1/commands/{device.udid}")
    assert (answer.status_code, answer.data) == (405, b"")


# Devices


def test_authenticate_clears_the_queue_and_a_token_update_does_not(
    outside: Outside, device: Device
) -> None:
    device.go_offline()
    outside.post(device.udid, install("u", A))
    outside.world.advance(1)
    device.token_update()
    assert outside.queue(device.udid) == ["u"]
    device.authenticate()
    assert outside.queue(device.udid) == []


def test_a_restart_loses_commands_that_are_not_stored(outside: Outside, device: Device) -> None:
    device.go_offline()
    outside.world.mdm.settings.store_delay = 1.0
    outside.post(device.udid, install("stored", A))
    outside.world.advance(1)
    outside.post(device.udid, install("lost", A))
    outside.world.mdm.restart()
    outside.world.advance(10)
    assert outside.queue(device.udid) == ["stored"]
    outside.post(device.udid, install("new", A))
    outside.world.advance(1)
    assert outside.queue(device.udid) == ["stored", "new"]


def test_a_command_stored_while_the_device_connects_may_be_lost_or_repeat_another(
    outside: Outside, device: Device
) -> None:
    settings = outside.world.mdm.settings
    settings.race_window, settings.race_loss = 0.05, 1.0
    device.connect()
    outside.post(device.udid, install("lost", A))
    outside.world.advance(0.04)
    assert outside.queue(device.udid) == []
    settings.race_loss = 0.0
    settings.push_delay = 60
    outside.world.advance(1)
    outside.post(device.udid, install("first", A))
    outside.world.advance(1)
    device.connect()
    assert outside.queue(device.udid) == []
    outside.post(device.udid, install("second", A))
    outside.world.advance(1)
    assert outside.queue(device.udid) == ["first", "second"]
    device.connect()
    outside.world.advance(0.06)
    outside.post(device.udid, install("third", A))
    outside.world.advance(0.01)
    assert outside.queue(device.udid) == ["third"]


@pytest.mark.parametrize(
    ("message", "status"),
    [
        (b"nonsense", 500),
        (templates.document(templates.string("MessageType", "UserAuthenticate")), 410),
        (templates.document(templates.string("MessageType", "GetToken")), 500),
    ],
)
def test_check_ins_that_are_refused_make_no_webhook(
    outside: Outside, message: bytes, status: int
) -> None:
    outside.world.mdm.webhook.url = "http://127.0.0.1/hook"
    assert outside.world.mdm.checkin(message) == status
    outside.world.advance(1)
    assert outside.mail.letters == []


def test_an_unreadable_answer_gets_500_and_blocks_its_command(
    outside: Outside, device: Device
) -> None:
    outside.world.mdm.settings.push_delay = 60
    outside.post(device.udid, install("u", A))
    outside.world.advance(1)
    assert outside.world.mdm.connect(b"nonsense") == (500, b"")
    odd = templates.answer(device, "u", "Sleepy")
    assert outside.world.mdm.connect(odd) == (500, b"")
    assert outside.queue(device.udid) == ["u"]


def test_queues_are_keyed_by_user_then_udid_then_enrolment_id(outside: Outside) -> None:
    byod = outside.world.new_device(enrollment_id="E-1")
    mac = outside.world.new_device(user_id="U-1", product_name="Mac14,2")
    byod.enrol()
    mac.enrol()
    for key in ("E-1", "U-1"):
        outside.post(key, command(f"for {key}", "DeviceInformation", Queries=["UDID"]))
    outside.world.advance(1)
    assert [received.command_uuid for received in byod.received] == ["for E-1"]
    assert [received.command_uuid for received in mac.received] == ["for U-1"]
    rows = outside.mdm("POST", "/v1/devices", {}).get_json()["devices"]
    assert byod.udid not in {row["udid"] for row in rows}
