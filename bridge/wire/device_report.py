"""What devices say in their property lists, as typed values.

Every function takes the dictionary of one message, whole or as stored by `bridge.wire.mdm_webhook`.
Statuses, states and reasons stay the strings that the device sent: Apple adds new ones.
A missing optional value, or one of a wrong type, is None; ShapeError is raised only where reading
on would invent a fact (no identity, no list where one was asked for). An empty array is an empty
list or dictionary: some writers of property lists know no difference.
Source: Apple, device-management schema: mdm/checkin/*.yaml, mdm/commands/*.yaml.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from bridge.errors import ShapeError
from bridge.wire.json_text import STORABLE

Message = Mapping[str, object]
Channel = Literal["device", "user", "enrollment", "enrollment-user", "shared-ipad-user"]

SHARED_IPAD_USER_ID = "FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFF"


@dataclass(frozen=True, slots=True)
class Identity:
    """Who speaks. On a user's channel `udid` is the device's own, so only `channel` tells."""

    udid: str | None
    enrollment_id: str | None
    user_id: str | None
    enrollment_user_id: str | None
    channel: Channel


@dataclass(frozen=True, slots=True)
class AuthenticateReport:
    """An Authenticate message, the only check-in that may carry a serial number."""

    identity: Identity
    serial_number: str | None
    product_name: str | None
    model: str | None
    model_name: str | None
    os_version: str | None
    build_version: str | None
    device_name: str | None


@dataclass(frozen=True, slots=True)
class ErrorEntry:
    """One link of an ErrorChain. Match on `code`; domains and texts differ between systems."""

    domain: str | None
    code: int | None
    text: str | None
    us_english: str | None


@dataclass(frozen=True, slots=True)
class InstallResult:
    """What an InstallApplication answer says of the app; Acknowledged does not mean installed."""

    identifier: str | None
    state: str | None
    rejection_reason: str | None


@dataclass(frozen=True, slots=True)
class ManagedApp:
    """An entry of a ManagedApplicationList. Failed, UserRejected, UpdateRejected,
    ManagementRejected and UserInstalledApp are reported once and then gone.

    Without a `status` the entry says nothing of its app.
    """

    bundle_id: str
    status: str | None
    external_version: int | None
    management_flags: int | None
    is_validated: bool | None
    has_configuration: bool | None


@dataclass(frozen=True, slots=True)
class ManagedBook:
    """An entry of a ManagedMediaList: a book of Apple's, by its adam id. One from the store is
    Installed, never Managed. Without a `state` the entry says nothing of its book."""

    adam_id: str
    state: str | None


@dataclass(frozen=True, slots=True)
class InstalledApp:
    """An entry of an InstalledApplicationList; `installing` means that it is not done."""

    bundle_id: str | None
    name: str | None
    version: str | None
    short_version: str | None
    external_version: int | None
    installing: bool | None
    is_validated: bool | None
    app_store_vendable: bool | None
    device_based_vpp: bool | None
    has_update_available: bool | None
    download_failed: bool | None
    download_waiting: bool | None
    download_paused: bool | None
    download_cancelled: bool | None


@dataclass(frozen=True, slots=True)
class DeviceFacts:
    """The answers to a DeviceInformation command, as far as they were asked and given."""

    serial_number: str | None
    udid: str | None
    device_name: str | None
    product_name: str | None
    model: str | None
    model_name: str | None
    os_version: str | None
    build_version: str | None
    is_supervised: bool | None


def parse_identity(message: Message) -> Identity:
    """Who sent `message`; a UDID goes before an EnrollmentID, as in NanoMDM (mdm/type.go).

    Raises ShapeError when there is neither, or an identifier is not text.
    """
    udid = _identifier(message, "UDID")
    enrollment_id = _identifier(message, "EnrollmentID")
    user_id = _identifier(message, "UserID")
    enrollment_user_id = _identifier(message, "EnrollmentUserID")
    channel: Channel
    if udid is not None:
        channel = "device" if user_id is None else "user"
        if user_id == SHARED_IPAD_USER_ID:
            channel = "shared-ipad-user"
    elif enrollment_id is not None:
        channel = "enrollment" if enrollment_user_id is None else "enrollment-user"
    else:
        raise ShapeError("The device's message names neither UDID nor EnrollmentID.")
    return Identity(udid, enrollment_id, user_id, enrollment_user_id, channel)


def parse_authenticate(message: Message) -> AuthenticateReport:
    """Read an Authenticate message; raises ShapeError as `parse_identity` does."""
    return AuthenticateReport(
        identity=parse_identity(message),
        serial_number=_text(message, "SerialNumber"),
        product_name=_text(message, "ProductName"),
        model=_text(message, "Model"),
        model_name=_text(message, "ModelName"),
        os_version=_text(message, "OSVersion"),
        build_version=_text(message, "BuildVersion"),
        device_name=_text(message, "DeviceName"),
    )


def parse_awaiting(message: Message) -> bool:
    """Whether a TokenUpdate says that the device waits in Setup Assistant for DeviceConfigured.

    Source: Apple, mdm/checkin/tokenupdate.yaml, AwaitingConfiguration.
    """
    return message.get("AwaitingConfiguration") is True


def parse_status(message: Message) -> str | None:
    """How a command fared; None when the answer does not say."""
    return _text(message, "Status")


def parse_error_chain(message: Message) -> tuple[ErrorEntry, ...]:
    """Why a command failed, as far as it can be read: the status alone already says Error."""
    chain = message.get("ErrorChain")
    if not isinstance(chain, list):
        return ()
    return tuple(
        ErrorEntry(
            domain=_text(entry, "ErrorDomain"),
            code=_integer(entry, "ErrorCode"),
            text=_text(entry, "LocalizedDescription"),
            us_english=_text(entry, "USEnglishDescription"),
        )
        for entry in chain
        if isinstance(entry, Mapping)
    )


def parse_install_result(message: Message) -> InstallResult:
    """Read what an answer to InstallApplication says of the app; every part is optional."""
    return InstallResult(
        identifier=_text(message, "Identifier"),
        state=_text(message, "State"),
        rejection_reason=_text(message, "RejectionReason"),
    )


def parse_managed_list(message: Message) -> tuple[ManagedApp, ...]:
    """Read a ManagedApplicationList.

    An entry that is no dictionary has no status. Raises ShapeError without a list: every app would
    be taken for missing and installed again.
    """
    listed = _dictionary(message, "ManagedApplicationList")
    return tuple(_managed_app(bundle_id, entry) for bundle_id, entry in listed.items())


def parse_media_list(message: Message) -> tuple[ManagedBook, ...]:
    """Read the books of the store in a ManagedMediaList; others, which have a PersistentID in place
    of an adam id, are left out. Raises ShapeError without a list.
    """
    listed = message.get("Books")
    if listed == {}:
        listed = []
    if listed is None:
        raise ShapeError("it has no Books")
    if not isinstance(listed, list):
        raise ShapeError("its Books are not an array")
    entries = (entry for entry in listed if isinstance(entry, Mapping))
    found = ((_integer(entry, "iTunesStoreID"), _text(entry, "State")) for entry in entries)
    return tuple(ManagedBook(str(number), state) for number, state in found if number is not None)


def parse_invitation_result(message: Message) -> str | None:
    """What came of an InviteToProgram: Acknowledged, InvalidProgramID or InvalidInvitationURL."""
    return _text(message, "InvitationResult")


def parse_installed_list(message: Message) -> tuple[InstalledApp | None, ...]:
    """Read an InstalledApplicationList; None stands for an entry of which it cannot be read what
    app it is about. Raises ShapeError without a list.
    """
    listed = message.get("InstalledApplicationList")
    if listed == {}:
        listed = []
    if listed is None:
        raise ShapeError("it has no InstalledApplicationList")
    if not isinstance(listed, list):
        raise ShapeError("its InstalledApplicationList is not an array")
    return tuple(_installed_app(entry) for entry in listed)


def parse_device_information(message: Message) -> DeviceFacts:
    """Read the QueryResponses of a DeviceInformation answer; raises ShapeError without them."""
    answers = _dictionary(message, "QueryResponses")
    return DeviceFacts(
        serial_number=_text(answers, "SerialNumber"),
        udid=_text(answers, "UDID"),
        device_name=_text(answers, "DeviceName"),
        product_name=_text(answers, "ProductName"),
        model=_text(answers, "Model"),
        model_name=_text(answers, "ModelName"),
        os_version=_text(answers, "OSVersion"),
        build_version=_text(answers, "BuildVersion"),
        is_supervised=_flag(answers, "IsSupervised"),
    )


def _dictionary(message: Message, key: str) -> Mapping[str, object]:
    value = message.get(key)
    if value == []:
        return {}
    if value is None:
        raise ShapeError(f"it has no {key}")
    if not isinstance(value, Mapping):
        raise ShapeError(f"its {key} is not a dictionary")
    return value


def _managed_app(bundle_id: str, entry: object) -> ManagedApp:
    if not isinstance(entry, Mapping):
        return ManagedApp(bundle_id, None, None, None, None, None)
    return ManagedApp(
        bundle_id=bundle_id,
        status=_text(entry, "Status"),
        external_version=_integer(entry, "ExternalVersionIdentifier"),
        management_flags=_integer(entry, "ManagementFlags"),
        is_validated=_flag(entry, "IsValidated"),
        has_configuration=_flag(entry, "HasConfiguration"),
    )


def _installed_app(entry: object) -> InstalledApp | None:
    if not isinstance(entry, Mapping) or not isinstance(entry.get("Identifier", ""), str):
        return None
    return InstalledApp(
        bundle_id=_text(entry, "Identifier"),
        name=_text(entry, "Name"),
        version=_text(entry, "Version"),
        short_version=_text(entry, "ShortVersion"),
        external_version=_integer(entry, "ExternalVersionIdentifier"),
        installing=_flag(entry, "Installing"),
        is_validated=_flag(entry, "IsValidated"),
        app_store_vendable=_flag(entry, "AppStoreVendable"),
        device_based_vpp=_flag(entry, "DeviceBasedVPP"),
        has_update_available=_flag(entry, "HasUpdateAvailable"),
        download_failed=_flag(entry, "DownloadFailed"),
        download_waiting=_flag(entry, "DownloadWaiting"),
        download_paused=_flag(entry, "DownloadPaused"),
        download_cancelled=_flag(entry, "DownloadCancelled"),
    )


def _identifier(message: Message, key: str) -> str | None:
    value = message.get(key)
    if value is not None and not isinstance(value, str):
        raise ShapeError(f"{key} in the device's message is not text.")
    return value or None


def _text(message: Message, key: str) -> str | None:
    value = message.get(key)
    return (value.strip() or None) if isinstance(value, str) else None


def _integer(message: Message, key: str) -> int | None:
    value = message.get(key)
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 20:
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool):
        return None
    return value if value in STORABLE else None


def _flag(message: Message, key: str) -> bool | None:
    value = message.get(key)
    return value if isinstance(value, bool) else None
