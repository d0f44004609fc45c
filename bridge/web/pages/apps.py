"""The apps: all of them, and one with its devices, its licences and how both went."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from werkzeug.exceptions import NotFound

from bridge.engine.insight.versions import Held
from bridge.web.pages import asked, charts, installs, overview, paths, pausing, states
from bridge.web.pages.asked import OfApp
from bridge.web.pages.table import Column, Link, Table
from bridge.web.pages.view import Asker, View
from bridge.web.v1.request import as_dict

UNKNOWN = "No app of this number is wanted, and no location owns it."


def page(asker: Asker) -> View:
    """All apps that are wanted or owned."""
    report = asker.bridge.overview()
    tables = [overview.apps_table(report), licences(report["licences"])]
    context = {"apps": overview.bars(report), "licences": tables[1]}
    return View("apps.html", "Apps", tables, context)


def one(asker: Asker, of: OfApp, wanted: asked.Installs) -> View:
    """One app: by state and by reason, its devices, its licences."""
    found = asker.bridge.one_app(of.adam_id)
    if found is None:
        raise NotFound(UNKNOWN)
    filters = as_dict(wanted, "csv", "cursor", "limit", "adam_id")
    devices = installs.devices_of_app(asker, filters | {"adam_id": of.adam_id}, wanted.cursor)
    name = found.name or found.adam_id
    drawn = [charts.states(found.moments, asker.times)]
    drawn += [charts.licences(usage, asker.times, name) for usage in found.usage]
    pictures = [chart for chart in drawn if chart is not None]
    reasons = _reasons(of.adam_id, found.reasons)
    owned, held = licences(found.licences), _versions(found.versions)
    by_state: dict[str, int] = {}
    for each in found.reasons:
        by_state[each["state"]] = by_state.get(each["state"], 0) + each["count"]
    context = {
        "app": found,
        "name": name,
        "bar": states.bar(by_state),
        "whole": sum(by_state.values()),
        "reasons": reasons,
        "versions": held,
        "licences": owned,
        "devices": devices,
        "charts": pictures,
        "filters": filters,
        "pausing": pausing.of(asker, "app", found.adam_id, paths.app(found.adam_id)),
    }
    tables = [devices, reasons, held, owned, *(chart.table for chart in pictures)]
    return View("app.html", name, tables, context, filters)


def _reasons(adam_id: str, counts: Sequence[Mapping[str, Any]]) -> Table:
    columns = [Column("installs", "number"), Column("state", "state"), Column("reason")]
    columns += [Column("who must act")]
    path = paths.app(adam_id)
    rows = [
        (
            each["count"],
            each["state"],
            Link(
                each["reason"],
                paths.with_query(path, {"state": each["state"], "reason": each["reason"]}),
            ),
            each["who_must_act"],
        )
        for each in counts
    ]
    return Table("reasons", "By state and reason", columns, rows, empty="Nobody is to have it.")


STANDS = {
    "current": "the newest",
    "outdated": "older than the newest",
    "unknown": "not known whether it is the newest",
}


def _versions(found: Sequence[Held]) -> Table:
    """How many devices have which version, and why the newest goes no further."""
    columns = (
        Column("devices", "number"),
        Column("version"),
        Column("family"),
        Column("newest"),
        Column("what is so", "words"),
    )
    rows = [
        (
            each.devices,
            each.version or "not told",
            each.family or "not known",
            each.newest or "not known",
            STANDS[each.standing] + (f"; that was {each.stopped}" if each.stopped else ""),
        )
        for each in found
    ]
    return Table("versions", "Versions", columns, rows, empty="It is on no device.")


def licences(found: Sequence[Mapping[str, Any]]) -> Table:
    """What locations own, with the seats that are free and when the last one goes."""
    columns = (
        Column("app"),
        Column("location"),
        Column("price"),
        Column("owned", "number"),
        Column("free", "number"),
        Column("in use", "number"),
        Column("by the bridge", "number"),
        Column("wanted", "number"),
        Column("last seat goes", "time"),
        Column("counted", "time"),
    )
    rows = [
        (
            paths.to_app(each, "name"),
            Link(each["location"], paths.location(each["location"])),
            each["pricing_param"],
            "no limit" if each["unlimited"] else each["total"],
            each["free"],
            each["held"],
            each["held_by_us"],
            each["wanted"],
            each["last_seat_at"],
            each["read_at"],
        )
        for each in found
    ]
    return Table("licences", "Licences", columns, rows, empty="No location owns it.")
