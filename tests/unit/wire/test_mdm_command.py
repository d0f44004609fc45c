"""The property lists of commands, read back with the standard library."""

import plistlib

import pytest

from bridge.errors import PlistError
from bridge.wire import mdm_command

UUID = "b5d2f7c4-61a9-4f0e-8a37-0d9c1e5b7f21"


def read(written: bytes) -> dict[str, object]:
    message = plistlib.loads(written, fmt=plistlib.FMT_XML)
    assert set(message) == {"Command", "CommandUUID"}
    assert message["CommandUUID"] == UUID
    return message["Command"]


def test_install_with_nothing_set():
    assert read(mdm_command.install_application(UUID, "510017342")) == {
        "RequestType": "InstallApplication",
        "iTunesStoreID": 510017342,
        "Options": {"PurchaseMethod": 1},
    }


def test_install_with_everything_set():
    written = mdm_command.install_application(
        UUID,
        "0510017342",
        management_flags=5,
        change_management_state="Managed",
        configuration={"server": "https://example.org?a&b", "port": 8443, "on": True},
        attributes={"Removable": False, "AssociatedDomains": ["example.org"]},
        install_as_managed=True,
        ios_app=True,
    )
    assert read(written) == {
        "RequestType": "InstallApplication",
        "iTunesStoreID": 510017342,
        "Options": {"PurchaseMethod": 1},
        "ManagementFlags": 5,
        "ChangeManagementState": "Managed",
        "Configuration": {"server": "https://example.org?a&b", "port": 8443, "on": True},
        "Attributes": {"Removable": False, "AssociatedDomains": ["example.org"]},
        "InstallAsManaged": True,
        "iOSApp": True,
    }


def test_empty_dictionaries_are_sent_only_when_they_are_meant():
    emptied = read(mdm_command.install_application(UUID, "1", configuration={}, attributes={}))
    assert (emptied["Configuration"], emptied["Attributes"]) == ({}, {})
    plain = read(mdm_command.install_application(UUID, "1", configuration=None, attributes=None))
    assert {"Configuration", "Attributes"}.isdisjoint(plain)


@pytest.mark.parametrize("adam_id", ["", "x", "-1", " 1", "1.0", "\u0661", "1" * 20, str(2**63)])
def test_an_adam_id_is_a_number_in_text(adam_id):
    with pytest.raises(ValueError, match="not an adam id"):
        mdm_command.install_application(UUID, adam_id)


def test_the_largest_adam_id():
    command = read(mdm_command.install_application(UUID, str(2**63 - 1)))
    assert command["iTunesStoreID"] == 2**63 - 1


@pytest.mark.parametrize("wrong", [{"management_flags": 2}, {"change_management_state": "No"}])
def test_values_that_apple_does_not_define(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        mdm_command.install_application(UUID, "1", **wrong)


def test_a_configuration_that_no_property_list_can_hold():
    with pytest.raises(PlistError, match=r"Command\.Configuration\.a"):
        mdm_command.install_application(UUID, "1", configuration={"a": None})


@pytest.mark.parametrize(
    ("written", "command"),
    [
        (
            mdm_command.managed_application_list(UUID),
            {"RequestType": "ManagedApplicationList"},
        ),
        (
            mdm_command.managed_application_list(UUID, ["a.b"]),
            {"RequestType": "ManagedApplicationList", "Identifiers": ["a.b"]},
        ),
        (
            mdm_command.installed_application_list(UUID),
            {"RequestType": "InstalledApplicationList"},
        ),
        (
            mdm_command.installed_application_list(UUID, ("a.b", "c"), managed_apps_only=True),
            {
                "RequestType": "InstalledApplicationList",
                "Identifiers": ["a.b", "c"],
                "ManagedAppsOnly": True,
            },
        ),
        (
            mdm_command.device_information(UUID, ["SerialNumber", "UDID"]),
            {"RequestType": "DeviceInformation", "Queries": ["SerialNumber", "UDID"]},
        ),
        (
            mdm_command.remove_application(UUID, "a.b"),
            {"RequestType": "RemoveApplication", "Identifier": "a.b"},
        ),
        (
            mdm_command.install_media(UUID, "1098765432"),
            {"RequestType": "InstallMedia", "MediaType": "Book", "iTunesStoreID": 1098765432},
        ),
        (
            mdm_command.invite_to_program(UUID, "https://buy.example.org/?inviteCode=0f1e"),
            {
                "RequestType": "InviteToProgram",
                "ProgramID": "com.apple.cloudvpp",
                "InvitationURL": "https://buy.example.org/?inviteCode=0f1e",
            },
        ),
        (mdm_command.managed_media_list(UUID), {"RequestType": "ManagedMediaList"}),
    ],
)
def test_the_other_commands(written, command):
    assert read(written) == command


@pytest.mark.parametrize(
    "build",
    [
        lambda: mdm_command.install_application("", "1"),
        lambda: mdm_command.device_information(UUID, []),
        lambda: mdm_command.device_information(UUID, "UDID"),
        lambda: mdm_command.managed_application_list(UUID, "a.b"),
        lambda: mdm_command.remove_application(UUID, ""),
        lambda: mdm_command.invite_to_program(UUID, ""),
    ],
)
def test_arguments_that_are_mistakes(build):
    with pytest.raises(ValueError, match=r"empty|is a list"):
        build()
