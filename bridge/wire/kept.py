"""What of a device's message may reach the database.

Check-ins and other tools' answers carry unlock tokens, push tokens and recovery keys: of a check-in
a fixed list of keys is kept, of the answer to a command of ours all but keys that name secrets.
"""

from __future__ import annotations

from collections.abc import Mapping

from bridge.errors import ShapeError
from bridge.wire import declarative_status
from bridge.wire.json_text import is_plain

DECLARATIVE = "mdm.DeclarativeManagement"

_IDENTITY = frozenset({"MessageType", "UDID", "EnrollmentID", "UserID", "EnrollmentUserID"})
_CHECKIN_KEYS: Mapping[str, frozenset[str]] = {
    "mdm.Authenticate": _IDENTITY
    | {"SerialNumber", "DeviceName", "Model", "ModelName", "ProductName"}
    | {"OSVersion", "BuildVersion"},
    "mdm.TokenUpdate": _IDENTITY | {"UserShortName", "AwaitingConfiguration"},
    "mdm.CheckOut": _IDENTITY | {"UserShortName"},
    "mdm.GetBootstrapToken": _IDENTITY,
    "mdm.SetBootstrapToken": _IDENTITY,
    DECLARATIVE: _IDENTITY | {"Endpoint"},
}

# None of our commands asks for these; a device could answer with them all the same. Whole names
# only: among the keys of a list of apps are bundle ids.
_NEVER_KEPT = frozenset(
    name.casefold()
    for name in (
        *("UnlockToken", "PushMagic", "Token", "BootstrapToken", "Challenge", "EscrowToken"),
        *("PersonalRecoveryKey", "RecoveryKey", "EncryptedNewRecoveryKey"),
        *("FDE_PersonalRecoveryKeyCMS", "FDE_PersonalRecoveryKeyDeviceKey"),
        *("ActivationLockBypassCode", "UnusedRedemptionCode", "Password", "FirmwarePassword"),
        "UserLongName",
    )
)


def of_answer(content: Mapping[str, object]) -> dict[str, object]:
    """What of the answer to a command of ours may be kept."""
    return {key: _clean(each) for key, each in content.items() if _may_keep(key)}


def of_checkin(topic: str | None, content: Mapping[str, object]) -> dict[str, object] | None:
    """What of a check-in of this topic may be kept; None where nothing may be.

    Of a declarative status its report is kept, cut down, or why it cannot be read.
    """
    allowed = _CHECKIN_KEYS.get(topic or "")
    if allowed is None or (topic == DECLARATIVE and not _is_status(content)):
        return None
    # Only plain values: a dictionary under an allowed key could hold anything.
    message: dict[str, object] = {
        key: value
        for key, value in content.items()
        if key in allowed
        and (isinstance(value, bool) or (isinstance(value, str) and is_plain(value)))
    }
    if topic == DECLARATIVE:
        try:
            message["Status"] = declarative_status.cut_down(content.get("Data"))
        except ShapeError as error:
            message["StatusError"] = str(error)
    return message


def _is_status(content: Mapping[str, object]) -> bool:
    return content.get("Endpoint") == declarative_status.ENDPOINT


def _clean(value: object) -> object:
    if isinstance(value, dict):
        return {key: _clean(each) for key, each in value.items() if _may_keep(key)}
    if isinstance(value, list):
        return [_clean(each) for each in value]
    return value


def _may_keep(key: str) -> bool:
    return key.casefold() not in _NEVER_KEPT
