"""What a real MicroMDM makes of an answer with an odd status or a member of a wrong type, and that
the simulated one makes the same of it."""

import plistlib
import uuid
from typing import Any

import pytest

from bridge.simulator import templates
from bridge.simulator.devices.device import Device
from bridge.simulator.mdm.answers import is_readable
from bridge.simulator.mdm.real_mdm import RealMicroMdm
from bridge.simulator.plists import read_plist
from tests.odd_messages import GONE, put
from tests.real.lab import Webhook, call, detail_of, post_and_wait, queued, raw_of

pytestmark = pytest.mark.real

LINK = {"ErrorDomain": "X", "ErrorCode": 1, "LocalizedDescription": "x"}
UNKNOWN = [(("Status",), odd) for odd in ("Odd", "", "acknowledged", GONE)]
WRONG = [
    *((("Status",), odd) for odd in (0, 5, True, 1.5, b"x", [], ["x"], {})),
    *((("ErrorChain",), odd) for odd in ("", 0, True, ["x"], {})),
    *((("ErrorChain", 0, "ErrorCode"), odd) for odd in ("", 1.5, True, [])),
    *((("ErrorChain", 0, "ErrorDomain"), odd) for odd in (0, True, {})),
    *((("RequestType",), odd) for odd in (0, {})),
]
PASSED_ON = [
    *((("ErrorChain",), odd) for odd in (GONE, [], [{}])),
    *((("ErrorChain", 0, "ErrorCode"), odd) for odd in (-1, 2**63)),
    *((("EnrollmentUserID",), odd) for odd in (0, {})),
]
CASES = [
    *((path, odd, 500, True) for path, odd in UNKNOWN),
    *((path, odd, 500, False) for path, odd in WRONG),
    *((path, odd, 200, True) for path, odd in PASSED_ON),
]


def answer(device: Device, command_uuid: str, path: tuple[str | int, ...], odd: Any) -> bytes:
    message = {"UDID": device.udid, "CommandUUID": command_uuid, "Status": "Error"}
    members = {"ErrorChain": [LINK], "RequestType": "x", "EnrollmentUserID": "x"}
    return plistlib.dumps(put(message | members, path, odd))


@pytest.mark.parametrize(("path", "odd", "status", "heard"), CASES)
def test_what_micromdm_takes(
    mdm: RealMicroMdm,
    webhook: Webhook,
    device: Device,
    path: tuple[str | int, ...],
    odd: Any,
    status: int,
    heard: bool,
) -> None:
    command_uuid = str(uuid.uuid4())
    post_and_wait(mdm, device.udid, command_uuid)
    body = answer(device, command_uuid, path, odd)
    assert device.transport.connect(device, body)[0] == status
    kept = [command_uuid] if status == 500 else []
    assert queued(mdm, device.udid) == kept
    for _ in range(3 if kept else 0):
        assert command_uuid.encode() in device.transport.connect(device, templates.idle(device))[1]
    last = plistlib.dumps(plistlib.loads(templates.idle(device)) | {"Last": command_uuid})
    device.transport.connect(device, last)
    told = None
    while True:  # neighbours may change places, so that the last of them ends it
        event = webhook.next(device.udid, "mdm.Connect")
        if raw_of(event).get("CommandUUID") == command_uuid:
            told = detail_of(event)
        elif "Last" in raw_of(event):
            break
    assert (told is not None) is heard
    if told is not None and status == 500:
        assert told["status"] == ("" if odd is GONE else odd)
    assert is_readable(read_plist(body)) is heard


def test_the_queue_can_be_cleared(mdm: RealMicroMdm, webhook: Webhook, device: Device) -> None:
    stuck, command_uuid = str(uuid.uuid4()), str(uuid.uuid4())
    for each in (stuck, command_uuid):
        post_and_wait(mdm, device.udid, each)
    assert device.transport.connect(device, answer(device, stuck, ("Status",), "Odd"))[0] == 500
    offered = device.transport.connect(device, templates.idle(device))[1]
    again = device.transport.connect(device, templates.idle(device))[1]
    found = [
        each
        for reply in (offered, again)
        for each in (stuck, command_uuid)
        if each.encode() in reply
    ]
    assert sorted(found) == sorted((stuck, command_uuid)), "one each time, by turns"
    status, _ = call(mdm, "DELETE", f"/v1/commands/{device.udid}")
    assert status == 200
    assert queued(mdm, device.udid) == []
    assert device.transport.connect(device, templates.idle(device)) == (200, b"")
