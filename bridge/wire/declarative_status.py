"""A device's declarative status report, read without trust and cut down to what may be kept.

It comes as JSON in the `Data` of a DeclarativeManagement check-in with the endpoint `status`. Its
items are nested by the dots of their names; lists are incremental: an object replaces the one with
its identifier, and one with `_removed` takes it away.
Source: Apple, device-management schema, declarative/status/app.managed.list.yaml, mdm.app.yaml,
device.identifier.*.yaml and management.declarations.yaml.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from bridge.errors import ShapeError
from bridge.wire.json_text import STORABLE, is_plain, read_message

ENDPOINT = "status"

_APP = (
    *("identifier", "_removed", "declaration-identifier", "name", "external-version-id"),
    *("version", "short-version", "state", "update-state", "config-state"),
)
_DECLARATION = ("identifier", "active", "valid")
_KINDS_OF_DECLARATIONS = ("activations", "assets", "configurations", "management")


@dataclass(frozen=True, slots=True)
class DeclaredApp:
    """What a status report says of one app that a declaration manages. Words stay as they came.

    `removed` tells that no declaration manages it any more; `reason` is the code that says most:
    of several the first error.
    """

    bundle_id: str
    removed: bool
    declaration: str | None
    state: str | None
    update_state: str | None
    reason: str | None
    external_version: int | None


def cut_down(data: object) -> dict[str, object]:
    """What of a status report may be kept: apps, who the device is, and its list of declarations.

    Raises ShapeError when it is not a JSON object.
    """
    if not isinstance(data, bytes):
        raise ShapeError("Its Data is not there, or no data.")
    items = _mapping(read_message(data).get("StatusItems"))
    managed = _list(_under(items, "app", "managed").get("list"), _app)
    commanded = _list(_under(items, "mdm").get("app"), _app)
    identifiers = _under(items, "device", "identifier")
    identity = _plain(identifiers, ("serial-number", "udid"))
    declarations = {
        kind: found
        for kind in _KINDS_OF_DECLARATIONS
        if (found := _list(_under(items, "management", "declarations").get(kind), _declaration))
    }
    parts = {
        "app.managed.list": managed,
        "mdm.app": commanded,
        "device.identifier": identity,
        "management.declarations": declarations,
    }
    return {name: part for name, part in parts.items() if part}


def managed_apps(status: Mapping[str, object]) -> list[DeclaredApp]:
    """The apps of a report that was cut down, in its order; who has no identifier is left out."""
    entries = status.get("app.managed.list")
    found = entries if isinstance(entries, list) else []
    return [_declared(each) for each in found if each.get("identifier")]


def _declared(entry: Mapping[str, object]) -> DeclaredApp:
    version = entry.get("external-version-id")
    return DeclaredApp(
        bundle_id=str(entry["identifier"]),
        removed=entry.get("_removed") is True,
        declaration=_text(entry, "declaration-identifier"),
        state=_text(entry, "state"),
        update_state=_text(entry, "update-state"),
        reason=_telling(entry),
        external_version=version if isinstance(version, int) else None,
    )


def _telling(entry: Mapping[str, object]) -> str | None:
    reasons = entry.get("reasons")
    found = [_mapping(each) for each in reasons] if isinstance(reasons, list) else []
    codes = [code for each in found if (code := _text(each, "code")) is not None]
    return min(codes, key=lambda code: not code.startswith("Error."), default=None)


def _app(entry: Mapping[str, object]) -> dict[str, object]:
    told = _plain(entry, _APP)
    reasons = _list(entry.get("reasons"), _reason)
    return told | ({"reasons": reasons} if reasons else {})


def _reason(entry: Mapping[str, object]) -> dict[str, object]:
    when = _plain(_mapping(entry.get("details")), ("Timestamp",))
    return _plain(entry, ("code", "description")) | when


def _declaration(entry: Mapping[str, object]) -> dict[str, object]:
    reasons = _list(entry.get("reasons"), lambda each: _plain(each, ("code",)))
    return _plain(entry, _DECLARATION) | ({"reasons": reasons} if reasons else {})


def _plain(entry: Mapping[str, object], names: tuple[str, ...]) -> dict[str, object]:
    """Those members that are short text, truth or a number that a column takes: an object under an
    allowed name could hold anything."""
    found = {name: entry[name] for name in names if name in entry}
    return {name: value for name, value in found.items() if _is_plain(value)}


def _is_plain(value: object) -> bool:
    if isinstance(value, str):
        return is_plain(value)
    return isinstance(value, bool) or (isinstance(value, int) and value in STORABLE)


def _text(entry: Mapping[str, object], name: str) -> str | None:
    value = entry.get(name)
    return (value.strip() or None) if isinstance(value, str) else None


def _under(items: Mapping[str, object], *names: str) -> Mapping[str, object]:
    for name in names:
        items = _mapping(items.get(name))
    return items


def _mapping(value: object) -> Mapping[str, object]:
    return value if isinstance(value, dict) else {}


def _list(
    value: object, of_each: Callable[[Mapping[str, object]], dict[str, object]]
) -> list[dict[str, object]]:
    found = value if isinstance(value, list) else []
    return [of_each(each) for each in found if isinstance(each, dict)]
