"""The API of a real MicroMDM: what it takes, refuses and lists."""

import plistlib
import uuid
from pathlib import Path

import pytest

from bridge.simulator.devices.device import Device
from bridge.simulator.mdm.real_mdm import RealMicroMdm
from tests.real.lab import (
    API_KEY,
    Webhook,
    a_device,
    call,
    enrol,
    eventually,
    listed,
    post_and_wait,
    post_command,
    queued,
)

pytestmark = pytest.mark.real


def test_a_command_for_an_unknown_device_is_taken_and_queued(mdm: RealMicroMdm) -> None:
    nobody = str(uuid.uuid4())
    assert call(mdm, "GET", f"/v1/commands/{nobody}") == (200, {})
    post_and_wait(mdm, nobody, "a")
    assert call(mdm, "DELETE", f"/v1/commands/{nobody}") == (200, {})
    assert queued(mdm, nobody) == []


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (b"no plist", "parse payload as plist"),
        (plistlib.dumps({"CommandUUID": "x"}), "request is malformed"),
        (plistlib.dumps({"Command": {"RequestType": "DeviceInformation"}}), "malformed"),
    ],
)
def test_a_malformed_command_is_refused_with_500(
    mdm: RealMicroMdm, body: bytes, error: str
) -> None:
    status, reply = post_command(mdm, "SOME-UDID", body)
    assert status == 500
    assert error in reply["error"]


def test_the_api_wants_its_key(mdm: RealMicroMdm) -> None:
    refused = (401, {"error": "Unauthorized"})
    assert call(mdm, "GET", "/v1/commands/X", key="wrong") == refused
    assert call(mdm, "POST", "/v1/devices", b"{}", key="wrong") == refused


def test_the_device_list_before_any_device_is_null(webhook: Webhook, tmp_path: Path) -> None:
    with RealMicroMdm(tmp_path, webhook.url, API_KEY) as mdm:
        assert call(mdm, "POST", "/v1/devices", b"{}") == (200, {"devices": None})
        status, reply = call(mdm, "POST", "/v1/devices")
        assert (status, reply) == (500, {"error": "EOF"})
        assert call(mdm, "GET", "/v1/devices")[0] == 404


def test_the_device_list_shows_serial_and_enrolment(mdm: RealMicroMdm, webhook: Webhook) -> None:
    device = a_device(mdm)

    def shown() -> list[tuple[str, bool]]:
        found = listed(mdm, filter_serial=[device.serial_number])
        return [(one["udid"], one["enrollment_status"]) for one in found]

    assert shown() == []
    device.authenticate()
    eventually(shown, [(device.udid, False)])
    device.token_update()
    eventually(shown, [(device.udid, True)])
    keys = {"serial_number", "udid", "enrollment_status", "last_seen", "dep_profile_status"}
    assert listed(mdm, filter_serial=[device.serial_number])[0].keys() == keys
    assert device.check_out() == 200
    eventually(shown, [(device.udid, False)])


def test_the_device_list_ignores_a_filter_by_udid(
    mdm: RealMicroMdm, device: Device, webhook: Webhook
) -> None:
    other = enrol(mdm, webhook)
    eventually(
        lambda: len(listed(mdm, filter_serial=[device.serial_number, other.serial_number])), 2
    )
    udids = {one["udid"] for one in listed(mdm, filter_udid=[device.udid])}
    assert {device.udid, other.udid} <= udids
