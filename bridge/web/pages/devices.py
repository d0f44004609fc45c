"""The devices: all of them, and one with each of its apps and what happened."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from werkzeug.exceptions import NotFound

from bridge.domain.devices.targets import user_of
from bridge.domain.pauses import by_either
from bridge.domain.views.devices import Device
from bridge.engine.insight.versions import Held
from bridge.web.pages import asked, paths, pausing, timeline
from bridge.web.pages.asked import OfDevice
from bridge.web.pages.table import Column, Link, Row, Table, paged
from bridge.web.pages.view import SHOWN, Asker, View
from bridge.web.v1.request import as_dict

UNKNOWN = (
    "No device of this serial number, enrolment id or UDID is known, and no app is wanted on it."
)
EXPLAINED = 30
"""Apps of a device that its page explains."""

COLUMNS = (
    Column("device"),
    Column("name"),
    Column("server"),
    Column("product"),
    Column("OS"),
    Column("enrolled"),
    Column("last seen", "time"),
    Column("apps listed", "time"),
)
INSTALLS = (
    Column("app"),
    Column("state", "state"),
    Column("reason"),
    Column("what is so", "words"),
    Column("version"),
    Column("newest"),
    Column("who must act"),
    Column("since", "time"),
)


def row(device: Mapping[str, Any]) -> Row:
    """A row of the list of devices."""
    named = device["serial_number"] or device["enrollment_id"] or device["udid"]
    return (
        Link(named, paths.device(named)) if named else f"record {device['id']}",
        device["name"],
        device["server"],
        device["product_name"],
        device["os_version"],
        enrolled(device),
        device["last_seen_at"],
        device["apps_listed_at"],
    )


def enrolled(device: Mapping[str, Any]) -> str:
    """Whether a device is enrolled, in a word or two."""
    if device["moved_to"]:
        return f"with {device['moved_to']} now"
    return {None: "not known", True: "yes", False: "no"}[device["enrolled"]]


def page(asker: Asker, wanted: asked.Devices) -> View:
    """All devices that an MDM server showed."""
    filters = as_dict(wanted, "csv", "cursor", "limit")
    ask = partial(asker.bridge.list_devices, **filters)
    table = paged(
        "devices",
        "Devices",
        COLUMNS,
        ask,
        row,
        limit=SHOWN,
        cursor=wanted.cursor,
        empty="No device is so.",
    )
    context = {"devices": table, "filters": filters, "servers": sorted(asker.bridge.config.servers)}
    return View("devices.html", "Devices", [table], context, filters)


def one(asker: Asker, of: OfDevice) -> View:
    """One device: what is known of it, its apps, and of each what happened."""
    records = asker.bridge.one_device(of.serial)
    device = records[0] if records else None
    named = _named(device) or of.serial
    ask = partial(asker.bridge.list_installs, serial=named, way=by_either)
    table = paged(
        "apps",
        "Apps",
        INSTALLS,
        ask,
        partial(_install, asker.bridge.versions_on(named)),
        limit=100,
        empty="No app is or was wanted on this device.",
    )
    if device is None and not table.rows:
        raise NotFound(UNKNOWN)
    explained = _explained(asker, named, table)
    name = device["name"] if device is not None else None
    context = {
        "device": device,
        "others": records[1:],
        "named": named,
        "enrolled": enrolled(device) if device is not None else _unseen(of.serial),
        "apps": table,
        "explained": explained,
        "pausing": pausing.of(asker, "serial", named, paths.device(named)) if device else None,
    }
    title = f"{name} ({named})" if name else named
    tables = [table, *(each.table for each in explained)]
    return View("device.html", title, tables, context)


def _unseen(named: str) -> str:
    is_user = user_of(named) is not None
    return "the user's own library" if is_user else "no server has shown it yet"


def _named(device: Device | None) -> str | None:
    return None if device is None else device["serial_number"] or device["enrollment_id"]


def _explained(asker: Asker, named: str, table: Table) -> list[timeline.Explained]:
    """Each app with its explanation; those first of which somebody may want to know why."""
    found = []
    for each in table.rows[:EXPLAINED]:
        link = each[0]
        assert isinstance(link, Link)
        adam_id = link.path.rpartition("/")[2]
        install = asker.bridge.get_install(named, adam_id, by_either)
        if install is not None:
            found.append(timeline.explained(install, asker.times))
    return sorted(found, key=lambda each: not each.open)


def _install(versions: Mapping[str, Held], install: Mapping[str, Any]) -> Row:
    held = versions.get(install["adam_id"])
    return (
        paths.to_app(install),
        install["state"],
        install["reason"],
        install["sentence"],
        install["version"] if held is None else held.version,
        install["newest_version"] if held is None else held.newest,
        install["who_must_act"],
        install["since"],
    )
