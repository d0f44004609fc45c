"""Commands for devices, as the XML property lists that an MDM server queues byte for byte.

The caller draws the CommandUUID and stores it before anything is sent.
Source: Apple, device-management schema, mdm/commands/application.*.yaml, media.*.yaml,
information.device.yaml.
MicroMDM's own JSON commands drop InstallAsManaged, Configuration and Attributes.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from bridge.wire import plist

_ADAM_ID = re.compile(r"[0-9]{1,19}", re.ASCII)
_MAX_ADAM_ID = 2**63 - 1
_ASSIGNED_LICENCE = 1  # Options.PurchaseMethod: an Apps and Books assignment
_MANAGEMENT_FLAGS = (1, 4, 5)  # 1 removed with the profile, 4 not backed up


def install_application(
    command_uuid: str,
    adam_id: str,
    *,
    management_flags: int | None = None,
    change_management_state: str | None = None,
    configuration: Mapping[str, object] | None = None,
    attributes: Mapping[str, object] | None = None,
    install_as_managed: bool = False,
    ios_app: bool = False,
) -> bytes:
    """Install, or update, the app with the licence assigned to the device.

    A key is sent only when its argument is set. Empty, `configuration` and `attributes` take away
    what the app was given before. On macOS a managed app becomes unmanaged without
    `install_as_managed`.
    Raises ValueError for an argument that Apple does not define, PlistError where
    `configuration` or `attributes` hold what a property list cannot.
    """
    if management_flags not in (None, *_MANAGEMENT_FLAGS):
        raise ValueError(f"management_flags is one of {_MANAGEMENT_FLAGS}, not {management_flags}")
    if change_management_state not in (None, "Managed"):
        raise ValueError(f"change_management_state is Managed, not {change_management_state}")
    command: dict[str, object] = {
        "iTunesStoreID": _store_id(adam_id),
        "Options": {"PurchaseMethod": _ASSIGNED_LICENCE},
    }
    optional: dict[str, object] = {
        "ManagementFlags": management_flags,
        "ChangeManagementState": change_management_state,
        "Configuration": configuration,
        "Attributes": attributes,
        "InstallAsManaged": install_as_managed or None,
        "iOSApp": ios_app or None,
    }
    command |= {key: value for key, value in optional.items() if value is not None}
    return _command(command_uuid, "InstallApplication", command)


def managed_application_list(command_uuid: str, identifiers: Sequence[str] = ()) -> bytes:
    """Ask for the state of managed apps: those with these bundle ids, or all."""
    return _command(command_uuid, "ManagedApplicationList", _chosen(identifiers))


def installed_application_list(
    command_uuid: str, identifiers: Sequence[str] = (), *, managed_apps_only: bool = False
) -> bytes:
    """Ask for the installed apps: those with these bundle ids, or all; or only managed ones."""
    command = _chosen(identifiers)
    if managed_apps_only:
        command["ManagedAppsOnly"] = True
    return _command(command_uuid, "InstalledApplicationList", command)


def device_information(command_uuid: str, queries: Sequence[str]) -> bytes:
    """Ask for facts of the device, such as `SerialNumber`; ValueError without any."""
    if isinstance(queries, str) or not queries:
        raise ValueError("queries is a list of at least one name")
    return _command(command_uuid, "DeviceInformation", {"Queries": list(queries)})


def device_configured(command_uuid: str) -> bytes:
    """Let a device that awaits its configuration out of Setup Assistant.

    Source: Apple, mdm/commands/device.configured.yaml.
    """
    return _command(command_uuid, "DeviceConfigured", {})


def remove_application(command_uuid: str, identifier: str) -> bytes:
    """Remove the managed app with this bundle id; ValueError when it is empty."""
    if not identifier:
        raise ValueError("identifier is empty")
    return _command(command_uuid, "RemoveApplication", {"Identifier": identifier})


def install_media(command_uuid: str, adam_id: str) -> bytes:
    """Install, or update, a book of Apple's with the licence of the device's user; ValueError for
    what is no adam id."""
    command = {"MediaType": "Book", "iTunesStoreID": _store_id(adam_id)}
    return _command(command_uuid, "InstallMedia", command)


def managed_media_list(command_uuid: str) -> bytes:
    """Ask for the books that came by InstallMedia. A Mac has no such list."""
    return _command(command_uuid, "ManagedMediaList", {})


def invite_to_program(command_uuid: str, url: str) -> bytes:
    """Show the user the invitation to licences for users; ValueError without its URL.

    Source: Apple, mdm/commands/application.invitetoprogram.yaml.
    """
    if not url:
        raise ValueError("url is empty")
    command = {"ProgramID": "com.apple.cloudvpp", "InvitationURL": url}
    return _command(command_uuid, "InviteToProgram", command)


def _chosen(identifiers: Sequence[str]) -> dict[str, object]:
    if isinstance(identifiers, str):
        raise ValueError("identifiers is a list of bundle ids")
    return {"Identifiers": list(identifiers)} if identifiers else {}


def _store_id(adam_id: str) -> int:
    if not _ADAM_ID.fullmatch(adam_id) or int(adam_id) > _MAX_ADAM_ID:
        raise ValueError(f"{adam_id!r} is not an adam id")
    return int(adam_id)


def _command(command_uuid: str, request_type: str, keys: Mapping[str, object]) -> bytes:
    if not command_uuid:
        raise ValueError("command_uuid is empty")
    return plist.dumps(
        {"Command": {"RequestType": request_type, **keys}, "CommandUUID": command_uuid}
    )
