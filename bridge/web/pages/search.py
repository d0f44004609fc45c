"""The search that every page has: by serial number, UDID, and names of devices and apps."""

from __future__ import annotations

from functools import partial

from bridge.domain.pauses import by_either
from bridge.web.pages import asked, devices, paths
from bridge.web.pages.table import Column, Link, Table, paged
from bridge.web.pages.view import SHOWN, Asker, View

NOTHING = "\n"
"""What stands in no name: who searches for nothing finds nothing."""

_APPS = (Column("app"), Column("adam id"), Column("called", "words"))


def page(asker: Asker, wanted: asked.Search) -> View:
    """What is called so, or has a name or a number of which this is a part."""
    text = "".join(c for c in wanted.q if c.isprintable()).strip()
    apps = _apps(asker, text)
    found = paged(
        "devices",
        "Devices",
        devices.COLUMNS,
        partial(asker.bridge.list_devices, containing=text or NOTHING),
        devices.row,
        limit=SHOWN,
        cursor=wanted.cursor,
        empty="No device is called so.",
    )
    context = {
        "q": text,
        "apps": apps,
        "devices": found,
        "unseen": None if found.rows else _unseen(asker, text),
    }
    title = f"Search: {text}" if text else "Search"
    return View("search.html", title, [apps, found], context, {"q": text})


def _apps(asker: Asker, text: str) -> Table:
    small = text.casefold()
    rows = [
        (Link(each.name, paths.app(each.id)), each.id, each.name)
        for each in asker.bridge.known_apps()
        if text and (small in each.name.casefold() or text == each.id)
    ]
    return Table("apps", "Apps", _APPS, rows[:SHOWN], empty="No app is called so.")


def _unseen(asker: Asker, text: str) -> Link | None:
    """A device on which an app is wanted, and which no server has shown yet."""
    if not text or not text.isascii():
        return None
    found = asker.bridge.list_installs(serial=text, limit=1, way=by_either).items
    return Link(text.upper(), paths.device(text.upper())) if found else None
