"""Groups and apps for the file, from what another tool has: pure, and nothing is stored by it.

They are written as `license_only` where they come from who holds a licence: nothing is sent to a
device by them, and a licence that others assigned stays theirs.
"""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from bridge.domain.devices.serials import is_written_like_one
from bridge.domain.devices.targets import user_of
from bridge.domain.model import DEFAULT_PRICING, Asset
from bridge.domain.wording import counted
from bridge.errors import ImportRefused

SERIAL_COLUMNS = ("serialnumber", "serial", "deviceserialnumber")
"""What a column of serial numbers may be called, in small letters and digits. The first is that of
Apple's portal."""
ADAM_ID_COLUMNS = ("adamid", "appstoreid", "itunesstoreid", "appid", "adamidentifier")
NAME_COLUMNS = ("name", "appname", "title")
MODE_COLUMNS = ("mode",)

_ADAM_ID = re.compile(r"[0-9]{1,19}", re.ASCII)
_PLATFORMS = {"darwin": "macOS", "ios": "iOS", "ipados": "iOS", "macos": "macOS"}


@dataclass(frozen=True, slots=True)
class Imported:
    """What is to stand in the file: groups and apps by their keys there, and what a person should
    know of it, a sentence each."""

    groups: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    apps: Sequence[Mapping[str, Any]] = ()
    remarks: Sequence[str] = ()

    def as_json(self) -> dict[str, Any]:
        """The same for programs."""
        return {
            "groups": dict(self.groups),
            "apps": list(self.apps),
            "remarks": list(self.remarks),
        }

    def as_yaml(self) -> str:
        """The same as it may be put into the file, remarks as comments."""
        lines = [f"# {remark}" for remark in self.remarks]
        lines += ["groups:" if self.groups else "groups: {}"]
        lines += [f"  {name}: {_flow(group)}" for name, group in self.groups.items()]
        lines += ["apps:" if self.apps else "apps: []"]
        lines += [f"  - {_flow(app)}" for app in self.apps]
        return "\n".join(lines) + "\n"


def _flow(value: Any) -> str:
    """A value in YAML's flow style: JSON, but keys without quotes."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key}: {_flow(each)}" for key, each in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_flow, value)) + "]"
    return json.dumps(value, ensure_ascii=False)


def of_licences(
    location: str, owned: Mapping[Asset, Iterable[str]], names: Mapping[str, str]
) -> Imported:
    """What Apple shows as assigned at a location, by asset: `names` are those of apps."""
    remarks = ["Printed, and stored nowhere: put it into the file, look with vpp-bridge plan."]
    holders: dict[Asset, frozenset[str]] = {}
    of_users = 0
    for asset, targets in owned.items():
        devices = frozenset(each for each in targets if user_of(each) is None)
        of_users += sum(1 for each in targets if user_of(each) is not None)
        if devices:
            holders[asset] = devices
    if of_users:
        remarks.append(
            f"{counted(of_users, 'licence')} of users left out: name the users under users:."
        )
    once: dict[str, Asset] = {}
    for asset in sorted(holders):
        known = once.setdefault(asset.adam_id, asset)
        if known != asset and len(holders[asset]) > len(holders[known]):
            once[asset.adam_id] = asset
    left = len(holders) - len(once)
    if left:
        remarks.append(
            f"{counted(left, 'asset')} left out: the file has one price class of an app."
        )
    groups, called = _groups({a: holders[a] for a in once.values()}, location)
    apps = []
    for asset in once.values():
        app: dict[str, Any] = {"adam_id": asset.adam_id}
        app |= {"name": names[asset.adam_id]} if asset.adam_id in names else {}
        app |= {"location": location, "groups": [called[holders[asset]]], "mode": "license_only"}
        if asset.pricing_param != DEFAULT_PRICING:
            app["pricing_param"] = asset.pricing_param
        apps.append(app)
    return Imported(groups, apps, remarks)


def _groups(
    holders: Mapping[Any, frozenset[str]], stem: str
) -> tuple[dict[str, dict[str, Any]], dict[frozenset[str], str]]:
    """A group for each different set of devices, the largest first, and what it is called."""
    different = sorted(set(holders.values()), key=lambda some: (-len(some), sorted(some)))
    called = {some: f"{stem}-{number}" for number, some in enumerate(different, start=1)}
    return {name: {"serials": sorted(some)} for some, name in called.items()}, called


def of_csv(text: str) -> Imported:
    """A table of licences or installs, a device and an app in each line.

    Separated by commas, semicolons or tabs. Raises ImportRefused for one without the two columns,
    and for a line that has no serial number or number of an app.
    """
    rows, columns = table(text)
    serial, adam = _column(columns, SERIAL_COLUMNS), _column(columns, ADAM_ID_COLUMNS)
    name, mode = _column(columns, NAME_COLUMNS), _column(columns, MODE_COLUMNS)
    if serial is None or adam is None:
        raise ImportRefused(
            "the first line must name the columns serial_number and adam_id (Serial Number, App ID "
            "and the like are understood); it has " + (", ".join(columns) or "none")
        )
    holders: dict[tuple[str, str], set[str]] = {}
    names: dict[str, str] = {}
    for line, row in rows:
        number, app = row[serial].upper(), row[adam]
        if not is_written_like_one(number):
            raise ImportRefused(f'line {line}: "{number[:64]}" is not a serial number')
        if not _ADAM_ID.fullmatch(app):
            raise ImportRefused(f'line {line}: "{app[:64]}" is not an App Store number')
        way = row[mode] if mode is not None and row[mode] else "license_only"
        if way not in ("install", "license_only"):
            raise ImportRefused(f'line {line}: "{way[:64]}" is no mode: install, license_only')
        holders.setdefault((app, way), set()).add(number)
        if name is not None and row[name]:
            names[app] = row[name]
    twice = {app for app, way in holders if way == "install" and (app, "license_only") in holders}
    if twice:
        raise ImportRefused(f"app {min(twice)} has lines of both modes; write one mode for an app")
    frozen = {key: frozenset(some) for key, some in holders.items()}
    groups, called = _groups(frozen, "imported")
    apps = []
    for (app, way), some in sorted(frozen.items()):
        entry: dict[str, Any] = {"adam_id": app} | ({"name": names[app]} if app in names else {})
        entry["groups"] = [called[some]]
        apps.append(entry | ({"mode": way} if way != "install" else {}))
    return Imported(groups, apps, ("Printed, and stored nowhere.",))


def table(text: str) -> tuple[list[tuple[int, list[str]]], list[str]]:
    """The lines of a table, each with its number and as many cells as there are columns, and what
    these are called."""
    first = text.split("\n", 1)[0]
    delimiter = max((",", ";", "\t"), key=first.count)
    read = csv.reader(text.splitlines(), delimiter=delimiter)
    columns = [each.strip() for each in next(read, [])]
    found = []
    for cells in read:
        row = [each.strip() for each in cells] + [""] * (len(columns) - len(cells))
        if any(row):
            found.append((read.line_num, row))
    return found, columns


def _column(columns: Sequence[str], known: Sequence[str]) -> int | None:
    plain = ["".join(c for c in each if c.isalnum()).lower() for each in columns]
    return next((plain.index(each) for each in known if each in plain), None)


def serial_column(columns: Sequence[str]) -> int | None:
    """Which of these columns has serial numbers; None where none is called so."""
    return _column(columns, SERIAL_COLUMNS)


def of_fleet(document: object) -> Imported:
    """Fleet's `app_store_apps`, of a team's file or on their own.

    A label becomes a group whose devices are to be written; without labels an app is for all.
    Source: Fleet, "YAML files", software.app_store_apps. Raises ImportRefused where there is none.
    """
    listed = _app_store_apps(document)
    if listed is None:
        raise ImportRefused("it has no app_store_apps: give the team's file, or that list alone")
    groups: dict[str, dict[str, Any]] = {}
    apps: dict[str, dict[str, Any]] = {}
    remarks = ["Printed, and stored nowhere: put it into the file, look with vpp-bridge plan."]
    for number, each in enumerate(listed, start=1):
        entry = each if isinstance(each, Mapping) else {}
        adam_id = str(entry.get("app_store_id", "")).strip()
        if not _ADAM_ID.fullmatch(adam_id):
            raise ImportRefused(f"app_store_apps, entry {number}: app_store_id is no number")
        app = apps.setdefault(adam_id, {"adam_id": adam_id})
        _take(app, entry, groups, remarks)
    return Imported(groups, list(apps.values()), tuple(dict.fromkeys(remarks)))


def _app_store_apps(document: object) -> list[Any] | None:
    if not isinstance(document, Mapping):
        return None
    software = document.get("software")
    found = document.get("app_store_apps")
    if found is None and isinstance(software, Mapping):
        found = software.get("app_store_apps")
    return found if isinstance(found, list) else None


def _take(
    app: dict[str, Any],
    entry: Mapping[str, Any],
    groups: dict[str, dict[str, Any]],
    remarks: list[str],
) -> None:
    """What one entry of Fleet's says of an app."""
    adam_id = app["adam_id"]
    if isinstance(entry.get("display_name"), str):
        app["name"] = entry["display_name"]
    meant = [_labelled(label, groups, remarks) for label in _words(entry, "labels_include_any")]
    if not meant:
        groups.setdefault("everyone", {"all": True})
        meant = ["everyone"]
    app["groups"] = list(dict.fromkeys([*app.get("groups", ()), *meant]))
    if out := [_labelled(label, groups, remarks) for label in _words(entry, "labels_exclude_any")]:
        app["exclude"] = list(dict.fromkeys([*app.get("exclude", ()), *out]))
    platform = _PLATFORMS.get(str(entry.get("platform", "")).lower())
    if platform is not None:
        app["platforms"] = list(dict.fromkeys([*app.get("platforms", ()), platform]))
    if entry.get("self_service") is True:
        app["mode"] = "license_only"
        remarks.append(f"App {adam_id} is self-service in Fleet: it gets its licence alone.")
    if entry.get("setup_experience") is True:
        app["setup"] = "best_effort"
    if entry.get("auto_update_enabled") is True:
        begin = entry.get("auto_update_window_start")
        end = entry.get("auto_update_window_end")
        window = {"window": f"{begin}-{end}"} if begin and end else {}
        app["update"] = {"to": "latest"} | window
    if entry.get("labels_include_all"):
        remarks.append(f"App {adam_id}: labels_include_all is left out; a group has one rule.")


def _words(entry: Mapping[str, Any], key: str) -> list[str]:
    found = entry.get(key)
    return [str(each) for each in found] if isinstance(found, list) else []


def _labelled(label: str, groups: dict[str, dict[str, Any]], remarks: list[str]) -> str:
    """The group that stands for a label: its serial numbers are for a person to write."""
    name = re.sub(r"[^a-z0-9]+", "-", label.lower()).strip("-") or "label"
    if name not in groups:
        groups[name] = {"serials_file": f"{name}.txt"}
        remarks.append(f"Write the serial numbers of label {label!r} into {name}.txt, a line each.")
    return name
