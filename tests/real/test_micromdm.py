"""How MicroMDM queues, delivers and reports, asked of a real one with real device identities."""

import http.client
import uuid

import pytest

from bridge.domain.reasons import REASONS
from bridge.simulator import templates
from bridge.simulator.devices import script
from bridge.simulator.devices.device import Device
from bridge.simulator.mdm.real_mdm import RealMicroMdm
from tests.real.lab import (
    Webhook,
    a_device,
    answer,
    enrol,
    eventually,
    idle,
    install_command,
    listed,
    offered,
    post_and_wait,
    post_command,
    queued,
    raw_of,
)

pytestmark = pytest.mark.real


def test_an_enrolment_is_reported_with_the_device_s_own_bytes(
    mdm: RealMicroMdm, webhook: Webhook
) -> None:
    device = a_device(mdm)
    assert device.authenticate() == 200
    event = webhook.next(device.udid, "mdm.Authenticate")
    raw = raw_of(event)
    assert (raw["UDID"], raw["SerialNumber"]) == (device.udid, device.serial_number)
    assert event["checkin_event"].keys() == {"udid", "url_params", "raw_payload"}
    assert event["checkin_event"]["url_params"] is None
    assert event["created_at"].endswith("Z")
    assert str(uuid.UUID(event["event_id"])) == event["event_id"]

    assert device.token_update() == 200
    assert "SerialNumber" not in raw_of(webhook.next(device.udid, "mdm.TokenUpdate"))

    assert device.connect() == 0
    event = webhook.next(device.udid, "mdm.Connect")
    assert event["acknowledge_event"]["status"] == "Idle"
    assert event["acknowledge_event"].keys() == {"udid", "status", "raw_payload"}

    assert device.check_out() == 200
    webhook.next(device.udid, "mdm.CheckOut")


def test_the_user_channel_looks_like_the_device_but_for_the_payload(
    mdm: RealMicroMdm, webhook: Webhook
) -> None:
    device = a_device(mdm, user_id="6F3C6F9A-0001", product_name="Mac14,2")
    device.enrol()
    # MicroMDM 1.13.1 hands each event to a goroutine of its own (platform/pubsub/inmem): the order
    # in which they were sent is not always that in which they are posted.
    one, other = (webhook.next(device.udid, "mdm.TokenUpdate") for _ in range(2))
    assert one["checkin_event"].keys() == other["checkin_event"].keys()
    assert {raw_of(event).get("UserID") for event in (one, other)} == {None, device.user_id}


def test_a_user_enrolled_device_has_an_enrolment_id_and_is_in_no_list(
    mdm: RealMicroMdm, webhook: Webhook, device: Device
) -> None:
    byod = enrol(mdm, webhook, enrollment_id=str(uuid.uuid4()))
    byod.connect()
    event = webhook.next(byod.enrollment_id, "mdm.Connect")
    assert event["acknowledge_event"].keys() == {"enrollment_id", "status", "raw_payload"}
    later = enrol(mdm, webhook)
    eventually(lambda: later.udid in {one["udid"] for one in listed(mdm)}, True)
    assert not {byod.udid, byod.enrollment_id} & {one["udid"] for one in listed(mdm)}


ANSWERS = {
    "Acknowledged": script.answers_twice(),
    "Error": script.error(script.LICENCE_ERROR, 9610),
    "NotNow": script.not_now(),
    "CommandFormatError": script.command_format_error(),
}


@pytest.mark.parametrize("status", ANSWERS)
def test_a_command_is_delivered_and_its_answer_reported(
    mdm: RealMicroMdm, webhook: Webhook, device: Device, status: str
) -> None:
    code, reply = post_command(mdm, device.udid, install_command("install-1"))
    assert (code, reply["payload"]["command_uuid"]) == (201, "install-1")
    eventually(lambda: queued(mdm, device.udid), ["install-1"])
    device.script.add(ANSWERS[status])
    assert device.connect() == 1
    webhook.next(device.udid, "mdm.Connect")

    event = webhook.next(device.udid, "mdm.Connect")
    answered = event["acknowledge_event"]
    assert (answered["status"], answered["command_uuid"]) == (status, "install-1")
    if status == "Acknowledged":
        assert raw_of(event)["State"] == "Installing"
        again = webhook.next(device.udid, "mdm.Connect")
        assert again["event_id"] != event["event_id"]
        assert again["acknowledge_event"] == answered
    if status == "Error":
        assert raw_of(event)["ErrorChain"][0]["ErrorCode"] == 9610
    assert queued(mdm, device.udid) == []


def test_the_queue_view_shows_what_was_sent_and_hides_what_was_not_now(
    mdm: RealMicroMdm, device: Device
) -> None:
    post_and_wait(mdm, device.udid, "a")
    assert offered(device, templates.idle(device)) == install_command("a")
    assert queued(mdm, device.udid) == ["a"]
    assert answer(device, "a", "NotNow") == ""
    assert queued(mdm, device.udid) == []
    assert idle(device) == "a"


def test_the_inmem_queue_shows_what_was_not_now(inmem: RealMicroMdm, webhook: Webhook) -> None:
    device = enrol(inmem, webhook)
    post_and_wait(inmem, device.udid, "a")
    assert idle(device) == "a"
    answer(device, "a", "NotNow")
    assert queued(inmem, device.udid) == ["a"]


def test_every_command_is_stored_and_offered_in_hardly_any_sure_order(
    mdm: RealMicroMdm, device: Device
) -> None:
    """Commands posted one after the other may be swapped: each passes two goroutines on its way
    to the queue (platform/pubsub/inmem)."""
    uuids = [f"c{number}" for number in range(20)]
    post_and_wait(mdm, device.udid, *uuids)
    got = [idle(device)]
    while command_uuid := answer(device, got[-1]):
        got.append(command_uuid)
    assert sorted(got) == sorted(uuids)


def test_an_idle_device_is_offered_one_command_after_the_other_in_a_circle(
    mdm: RealMicroMdm, device: Device
) -> None:
    for command_uuid in ("a", "b", "c"):
        post_and_wait(mdm, device.udid, command_uuid)
    assert [idle(device) for _ in range(4)] == ["a", "b", "c", "a"]


def test_authenticate_clears_the_queue_and_a_token_update_does_not(
    mdm: RealMicroMdm, device: Device
) -> None:
    post_and_wait(mdm, device.udid, "a")
    assert device.token_update() == 200
    assert queued(mdm, device.udid) == ["a"]
    assert device.authenticate() == 200
    assert queued(mdm, device.udid) == []
    assert idle(device) == ""


def test_a_uuid_posted_twice_is_queued_twice_and_one_answer_removes_one(
    mdm: RealMicroMdm, device: Device
) -> None:
    post_and_wait(mdm, device.udid, "same", "same")
    assert idle(device) == "same"
    assert answer(device, "same") == "same"
    assert queued(mdm, device.udid) == ["same"]
    assert answer(device, "same") == ""


def test_a_renewed_identity_is_refused_and_looks_silent(
    mdm: RealMicroMdm, webhook: Webhook, device: Device
) -> None:
    """What DEVICE_SILENT tells of: HTTP 500, no webhook, and these words in the log alone."""
    while not webhook.events.empty():
        webhook.events.get()
    body = templates.idle(device)
    headers = {"Content-Type": "application/x-apple-aspen-mdm"}
    headers |= mdm.identity(f"renewed {device.udid}").headers(body)
    connection = http.client.HTTPConnection("127.0.0.1", mdm.port, timeout=20)
    try:
        connection.request("PUT", "/mdm/connect", body, headers)
        assert connection.getresponse().status == 500
    finally:
        connection.close()
    refused = [line for line in mdm.log.read_text().splitlines() if device.udid in line]
    words = "device cert hash mismatch"
    assert any(words in line for line in refused)
    assert words in REASONS["DEVICE_SILENT"].next
    device.check_out()
    topics = [webhook.events.get(timeout=20)["topic"]]
    assert topics == ["mdm.CheckOut"], "the refused message made no webhook"
