"""The simulator's plists against the standard library's codec, both ways."""

import plistlib
from types import SimpleNamespace
from typing import Any

import pytest

from bridge.errors import PlistError
from bridge.simulator import templates
from bridge.simulator.mdm import commands
from bridge.simulator.plists import read_plist

DEVICE: Any = SimpleNamespace(
    udid="A5EF1BA1-586D-4F29-B4F3-759DADAC2DDD",
    serial_number="C02XL0GYJGH5",
    product_name="iPad13,18",
    model="MPQ13LL/A",
    os_version="18.1",
    build="22B83",
    name="Ann & Bob's <iPad>",
    enrollment_id="",
)
BYOD: Any = SimpleNamespace(**(vars(DEVICE) | {"enrollment_id": "E-1"}))
WHO = {"UDID": DEVICE.udid}


def content_of(body: bytes) -> dict[str, Any]:
    """What the standard library reads; the simulator's own reader must agree."""
    content: dict[str, Any] = plistlib.loads(body)
    assert read_plist(body) == content
    return content


def test_authenticate() -> None:
    assert content_of(templates.authenticate(DEVICE, with_serial=True)) == WHO | {
        "BuildVersion": "22B83",
        "Challenge": b"apple",
        "DeviceName": "Ann & Bob's <iPad>",
        "MessageType": "Authenticate",
        "Model": "MPQ13LL/A",
        "OSVersion": "18.1",
        "ProductName": "iPad13,18",
        "SerialNumber": "C02XL0GYJGH5",
        "Topic": templates.TOPIC,
    }
    assert "SerialNumber" not in content_of(templates.authenticate(DEVICE, with_serial=False))


def test_token_update_has_secrets_and_no_serial_number() -> None:
    content = content_of(templates.token_update(DEVICE, b"\x01" * 32, "MAGIC"))
    assert content == WHO | {
        "AwaitingConfiguration": False,
        "MessageType": "TokenUpdate",
        "PushMagic": "MAGIC",
        "Token": b"\x01" * 32,
        "Topic": templates.TOPIC,
        "UnlockToken": b"unlock-" + b"\x01" * 32,
    }


def test_the_user_channel_keeps_the_devices_udid() -> None:
    for body in (templates.token_update(DEVICE, b"1", "M", "U-1"), templates.idle(DEVICE, "U-1")):
        content = content_of(body)
        assert content["UDID"] == DEVICE.udid
        assert content["UserID"] == "U-1"
        assert "UnlockToken" not in content


def test_a_user_enrolled_device_tells_neither_udid_nor_serial_number() -> None:
    content = content_of(templates.idle(BYOD))
    assert content == {"Status": "Idle", "EnrollmentID": "E-1"}


def test_other_messages() -> None:
    assert content_of(templates.check_out(DEVICE))["MessageType"] == "CheckOut"
    assert content_of(templates.idle(DEVICE)) == WHO | {"Status": "Idle"}
    token = content_of(templates.set_bootstrap_token(DEVICE, b"boot"))
    assert token["BootstrapToken"] == b"boot"


def test_answers() -> None:
    chain = templates.error_chain("MCMDMErrorDomain", 12021, "no & never")
    assert content_of(templates.answer(DEVICE, "u1", "Error", chain)) == WHO | {
        "CommandUUID": "u1",
        "Status": "Error",
        "ErrorChain": [
            {
                "ErrorCode": 12021,
                "ErrorDomain": "MCMDMErrorDomain",
                "LocalizedDescription": "no & never",
                "USEnglishDescription": "no & never",
            }
        ],
    }
    managed = templates.managed_application_list({"com.a": ("Managed", 1), "b&c": ("Failed", 5)})
    listed = content_of(templates.answer(DEVICE, "u2", "Acknowledged", managed))
    assert {name: app["Status"] for name, app in listed["ManagedApplicationList"].items()} == {
        "com.a": "Managed",
        "b&c": "Failed",
    }
    assert listed["ManagedApplicationList"]["b&c"]["ManagementFlags"] == 5
    installed = templates.installed_application_list({"com.a": ("A", True, "2.1")})
    listed = content_of(templates.answer(DEVICE, "u3", "Acknowledged", installed))
    assert listed["InstalledApplicationList"][0]["ShortVersion"] == "2.1"
    assert listed["InstalledApplicationList"][0]["Installing"] is True


def test_empty_lists() -> None:
    for part, name, empty in (
        (templates.managed_application_list({}), "ManagedApplicationList", {}),
        (templates.installed_application_list({}), "InstalledApplicationList", []),
    ):
        assert content_of(templates.answer(DEVICE, "u", "Acknowledged", part))[name] == empty


@pytest.mark.parametrize(
    ("body", "command"),
    [
        (
            {
                "request_type": "InstallApplication",
                "itunes_store_id": 497799835,
                "options": {"purchase_method": 1},
                "management_flags": 0,
                "install_as_managed": True,
                "configuration": {"key": "value"},
            },
            {
                "RequestType": "InstallApplication",
                "iTunesStoreID": 497799835,
                "Options": {"PurchaseMethod": 1},
                "Configuration": {},
            },
        ),
        (
            {"request_type": "InstallApplication", "identifier": "com.a", "options": {}},
            {
                "RequestType": "InstallApplication",
                "Identifier": "com.a",
                "Options": {"PurchaseMethod": 0},
            },
        ),
        (
            {"request_type": "ManagedApplicationList", "identifiers": ["com.a"]},
            {"RequestType": "ManagedApplicationList", "Identifiers": ["com.a"]},
        ),
        (
            {"request_type": "DeviceInformation", "queries": ["UDID"]},
            {"RequestType": "DeviceInformation", "Queries": ["UDID"]},
        ),
        (
            {"request_type": "RemoveApplication", "identifier": "com.a"},
            {"RequestType": "RemoveApplication", "Identifier": "com.a"},
        ),
    ],
)
def test_the_json_form_of_a_command_and_what_it_drops(
    body: dict[str, object], command: dict[str, object]
) -> None:
    udid, uuid, payload = commands.from_json(body | {"udid": "D"}, "new")
    assert (udid, uuid) == ("D", "new")
    assert content_of(payload) == {"CommandUUID": "new", "Command": command}


VALUES = {
    "text": "a <b> & c\n",
    "empty": "",
    "number": -12,
    "real": 1.5,
    "yes": True,
    "no": False,
    "bytes": bytes(range(256)),
    "list": ["a", 1, {"deep": [[]]}],
    "nothing": {},
}


def test_the_reader_reads_what_the_standard_library_writes() -> None:
    assert read_plist(plistlib.dumps(VALUES)) == VALUES


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"not xml",
        b"<html></html>",
        b"<plist></plist>",
        b"<plist><array/></plist>",
        b"<plist><string>a</string></plist>",
        b"<plist><dict><key>a</key></dict></plist>",
        b"<plist><dict><string>a</string><string>b</string></dict></plist>",
        b"<plist><dict><key>a</key><integer>x</integer></dict></plist>",
        b"<plist><dict><key>a</key><data>%%%</data></dict></plist>",
        b"<plist><dict><key>a</key><odd/></dict></plist>",
        b'<!DOCTYPE x [<!ENTITY e "boom">]><plist><dict><key>a</key><string>&e;</string></dict>'
        b"</plist>",
        plistlib.dumps({"a": 1}, fmt=plistlib.FMT_BINARY),
    ],
)
def test_the_reader_refuses_everything_else(body: bytes) -> None:
    with pytest.raises(PlistError):
        read_plist(body)
