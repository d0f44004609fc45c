"""Who changed what."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from bridge.domain.audit import ACTIONS
from bridge.domain.audit import shown as state_shown
from bridge.web.pages import asked, paths
from bridge.web.pages.table import Column, Link, Row, paged
from bridge.web.pages.view import SHOWN, Asker, View
from bridge.web.v1.request import as_dict

_COLUMNS = (
    Column("id"),
    Column("when", "time"),
    Column("who"),
    Column("role"),
    Column("action"),
    Column("what was done", "words"),
    Column("device"),
    Column("app"),
    Column("before", "words"),
    Column("after", "words"),
    Column("by"),
    Column("times", "number"),
)


def page(asker: Asker, wanted: asked.Audit) -> View:
    """All entries, the newest first."""
    filters = as_dict(wanted, "csv", "cursor", "limit")
    table = paged(
        "audit",
        "Changes",
        _COLUMNS,
        partial(asker.bridge.list_audit, **filters),
        _entry,
        limit=SHOWN,
        cursor=wanted.cursor,
        empty="Nobody changed anything of that kind.",
    )
    context = {"audit": table, "filters": filters, "actions": ACTIONS}
    return View("audit.html", "Audit", [table], context, filters)


def _entry(entry: Mapping[str, Any]) -> Row:
    subject = entry["subject"]
    serial, adam_id = subject.get("device_serial"), subject.get("adam_id")
    return (
        entry["id"],
        entry["at"],
        _who(entry),
        entry["role"],
        entry["action"],
        entry["sentence"],
        None if serial is None else Link(serial, paths.device(serial)),
        None if adam_id is None else Link(adam_id, paths.app(adam_id)),
        state_shown(entry["before"]),
        state_shown(entry["after"]),
        entry["via"],
        entry["times"],
    )


def _who(entry: Mapping[str, Any]) -> str:
    by = f", by sudo from {entry['sudo_user']}" if entry["sudo_user"] else ""
    return f"{entry['actor']} {entry['who']}{by}" if entry["actor"] != "bridge" else "the bridge"
