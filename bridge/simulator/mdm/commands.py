"""MicroMDM's JSON form of commands, with what it silently drops.

Source: MicroMDM 1.13.1, mdm/mdm/command.go and marshal_proto.go: InstallApplication knows neither
InstallAsManaged nor iOSApp; `configuration` and `attributes` become empty dictionaries.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from bridge.simulator import templates
from bridge.simulator.plists import read_plist, text

Json = Mapping[str, object]


class Malformed(ValueError):
    """MicroMDM's words for a command that it does not take; always HTTP 500."""


def from_json(body: Json, new_uuid: str) -> tuple[str, str, bytes]:
    """(udid, command uuid, plist) of a body of POST /v1/commands; raises Malformed."""
    udid, request_type = _text(body, "udid"), _text(body, "request_type")
    if not udid or not request_type:
        raise Malformed("request must contain UDID of the device")
    if request_type not in _PARTS:
        raise Malformed(f"mdm: unknown RequestType: {request_type}")
    command_uuid = _text(body, "command_uuid") or new_uuid
    parts = _PARTS[request_type](body)
    return udid, command_uuid, templates.command(command_uuid, request_type, parts)


def echo(body: Json, command_uuid: str) -> dict[str, object]:
    """The reply to a JSON command."""
    known = {key: value for key, value in body.items() if key in _ECHOED and value}
    return {"payload": {"command_uuid": command_uuid, "command": known}}


def from_raw(payload: bytes) -> tuple[str, str, str]:
    """(command uuid, request type, adam id or "") of a raw plist; raises Malformed, PlistError."""
    values = read_plist(payload)
    command = values.get("Command")
    command_uuid = text(values, "CommandUUID")
    if not isinstance(command, dict) or not command_uuid or not text(command, "RequestType"):
        raise Malformed("request is malformed")
    adam_id = command.get("iTunesStoreID")
    return command_uuid, text(command, "RequestType"), "" if adam_id is None else str(adam_id)


def _text(body: Json, key: str) -> str:
    value = body.get(key, "")
    if not isinstance(value, str):
        raise _mismatch(value, key, "string")
    return value


def _integer(body: Json, key: str) -> int:
    value = body.get(key, 0)
    if not isinstance(value, int) or isinstance(value, bool):
        raise _mismatch(value, key, "int64")
    return value


def _texts(body: Json, key: str) -> list[str]:
    value = body.get(key) or []
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise _mismatch(value, key, "[]string")
    return value


def _mismatch(value: object, key: str, wanted: str) -> Malformed:
    kinds = {str: "string", int: "number", float: "number", bool: "bool", list: "array"}
    found = kinds.get(type(value), "object")
    return Malformed(f"json: cannot unmarshal {found} into Go struct field .{key} of type {wanted}")


def _install(body: Json) -> str:
    parts = [
        templates.string("Identifier", _text(body, "identifier")),
        templates.string("ManifestURL", _text(body, "manifest_url")),
        templates.string("ChangeManagementState", _text(body, "change_management_state")),
    ]
    for key, json_key in (
        ("iTunesStoreID", "itunes_store_id"),
        ("ManagementFlags", "management_flags"),
    ):
        if number := _integer(body, json_key):
            parts.append(templates.integer(key, number))
    options = body.get("options")
    if isinstance(options, dict):
        method = templates.integer("PurchaseMethod", _integer(options, "purchase_method"))
        parts.append(templates.dictionary("Options", method))
    for key, json_key in (("Configuration", "configuration"), ("Attributes", "attributes")):
        if body.get(json_key) is not None:
            parts.append(templates.dictionary(key))
    return "".join(parts)


def _identifiers(body: Json) -> str:
    identifiers = _texts(body, "identifiers")
    return templates.strings("Identifiers", identifiers) if identifiers else ""


_PARTS: dict[str, Callable[[Json], str]] = {
    "InstallApplication": _install,
    "InstalledApplicationList": _identifiers,
    "ManagedApplicationList": _identifiers,
    "RemoveApplication": lambda body: templates.string("Identifier", _text(body, "identifier")),
    "DeviceInformation": lambda body: templates.strings("Queries", _texts(body, "queries")),
}

_ECHOED = frozenset(
    "request_type itunes_store_id identifier manifest_url management_flags"
    " change_management_state options identifiers queries".split()
)
