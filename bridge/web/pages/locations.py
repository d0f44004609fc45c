"""A location: its token, whose it is, how Apple's notifications come, and what it owns."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from werkzeug.exceptions import NotFound

from bridge.domain.views.licences import Location
from bridge.web.pages import apps, overview, paths, pausing, subscriptions
from bridge.web.pages.asked import OfName
from bridge.web.pages.table import Column, Row, Table
from bridge.web.pages.view import Asker, View

UNKNOWN = "No location of this name is configured."
_COLUMNS = (Column("what"), Column("value", "words"), Column("since", "time"))


def page(asker: Asker, of: OfName) -> View:
    """One location of the configuration."""
    report = asker.bridge.overview()
    shown = next((each for each in report["locations"] if each["name"] == of.name), None)
    if shown is None:
        raise NotFound(UNKNOWN)
    known = {each["name"]: each for each in asker.bridge.list_locations(limit=1000).items}
    facts = Table("facts", "At Apple", _COLUMNS, list(_facts(shown, known.get(of.name))))
    owned = apps.licences([each for each in report["licences"] if each["location"] == of.name])
    held = subscriptions.of_location(asker, of.name)
    lights = [
        lamp
        for lamp in overview.lamps(report, asker.times)
        if lamp.path is not None and lamp.path.endswith(f"/{of.name}")
    ]
    part = next(p for p in report["parts"] if p["name"] == f"location {of.name}")
    context = {
        "lamps": lights,
        "part": part,
        "facts": facts,
        "licences": owned,
        "subscriptions": held,
        "name": of.name,
        "pausing": pausing.of(asker, "location", of.name, paths.location(of.name)),
    }
    return View("location.html", f"Location {of.name}", [facts, owned, held], context)


def _facts(shown: dict[str, Any], known: Location | None) -> Iterator[Row]:
    yield "name at Apple", shown["location_name"], None
    yield "library", shown["library_uid"], None
    yield "token ends", None, shown["token_expires_at"]
    if known is not None:
        yield "whose it is", known["mdm_name"] or known["mdm_id"], shown["config_read_at"]
        told = known["notification_url"]
        place = None if told is None else told.partition("://")[2]
        yield "Apple sends notifications to", place, shown["registered_at"]
        yield "country", known["country"], None
    yield "newest notification", None, shown["last_notification_at"]
    yield "assets read", None, shown["assets_read_at"]
    yield "assignments read", None, shown["assignments_read_at"]
    if shown["stopped"]:
        yield "stopped", f"{shown['stopped']}: {shown['stopped_detail']}", None
    if shown["trouble"]:
        yield "trouble on the way to Apple", shown["trouble"], None
