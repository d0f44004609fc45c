"""What came in and what goes out: messages and calls, and one of either, with its button."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from werkzeug.exceptions import NotFound

from bridge.domain.vocabulary import EVENT_SOURCES, EVENT_STATUSES, OUTBOX_STATES, SERVICES
from bridge.web.pages import asked, paths
from bridge.web.pages.asked import OfId
from bridge.web.pages.table import Column, Link, Row, Table, paged
from bridge.web.pages.view import SHOWN, Asker, View
from bridge.web.v1.request import as_dict

NO_EVENT = "There is no message with this id: it never came in, or it is too old to be kept."
NO_CALL = "There is no call with this id: it never was, or it is too old to be kept."

_EVENTS = (
    Column("id"),
    Column("received", "time"),
    Column("from"),
    Column("about"),
    Column("status"),
    Column("what came of it", "words"),
)
_CALLS = (
    Column("id"),
    Column("intended", "time"),
    Column("to"),
    Column("kind"),
    Column("about", "words"),
    Column("state"),
    Column("tries", "number"),
    Column("due or ended", "time"),
    Column("error", "words"),
)
_FACTS = (Column("what"), Column("value", "words"))


def events(asker: Asker, wanted: asked.Events) -> View:
    """The messages that came in, the newest first."""
    filters = as_dict(wanted, "csv", "cursor", "limit")
    table = paged(
        "events",
        "Messages",
        _EVENTS,
        partial(asker.bridge.list_events, **filters),
        _event,
        limit=SHOWN,
        cursor=wanted.cursor,
        empty="No message is so.",
    )
    words = {"sources": EVENT_SOURCES, "statuses": EVENT_STATUSES}
    context = {"events": table, "filters": filters, **words}
    return View("events.html", "Messages", [table], context, filters)


def event(asker: Asker, of: OfId) -> View:
    """One message, with what of its body people may see."""
    found = asker.bridge.one_message(of.id)
    if found is None:
        raise NotFound(NO_EVENT)
    facts = _facts(found.event, asker)
    context = {"event": found.event, "body": found.body, "facts": facts}
    return View("event.html", f"Message {of.id}", [facts], context)


def calls(asker: Asker, wanted: asked.Calls) -> View:
    """The calls to Apple and the MDM servers, the newest first."""
    filters = as_dict(wanted, "csv", "cursor", "limit")
    table = paged(
        "outbox",
        "Calls",
        _CALLS,
        partial(asker.bridge.list_outbox, **filters),
        _call,
        limit=SHOWN,
        cursor=wanted.cursor,
        empty="No call is so.",
    )
    context = {"calls": table, "filters": filters, "services": SERVICES, "states": OUTBOX_STATES}
    return View("outbox.html", "Calls", [table], context, filters)


def call(asker: Asker, of: OfId) -> View:
    """One call; what it carries is not shown, since it may hold an app's settings."""
    found = asker.bridge.one_call(of.id)
    if found is None:
        raise NotFound(NO_CALL)
    facts = _facts(found, asker)
    return View("call.html", f"Call {of.id}", [facts], {"call": found, "facts": facts})


def _event(event: Mapping[str, Any]) -> Row:
    return (
        Link(str(event["id"]), paths.event(event["id"])),
        event["received_at"],
        f"{event['source']} {event['origin']}",
        event["topic"],
        event["status"],
        event["error"] or event["outcome"],
    )


def _call(call: Mapping[str, Any]) -> Row:
    return (
        Link(str(call["id"]), paths.call(call["id"])),
        call["created_at"],
        f"{call['service']} {call['scope']}",
        call["kind"],
        call["key"],
        call["state"],
        call["tries"],
        call["settled_at"] or call["due_at"],
        call["error"],
    )


def _facts(item: Mapping[str, Any], asker: Asker) -> Table:
    rows = []
    for name, value in item.items():
        if name == "id" or value is None or value == "":
            continue
        shown = asker.times.shown(value) if name.endswith("_at") else str(value)
        rows.append((name.removesuffix("_at").replace("_", " "), shown))
    return Table("facts", "What is known", _FACTS, rows)
