"""The objects that changing calls answer with, and the description itself.

Whoever reads them must bear members that are not named here.
"""

from __future__ import annotations

from typing import get_args

from bridge.domain.pauses import SCOPES, PausedBy
from bridge.web.v1.thing import Member, Thing, flag, many, maybe, number, text, texts, time

RETRIED = Thing("Retried", {"retried": number("1, or 0 where an install had not stopped.")})
ASKED_READ = Thing(
    "AskedRead",
    {
        "what": text(),
        "of": text("The location or server."),
        "asked": flag("False: such a read is under way already. Ask again when it has ended."),
    },
)
ASKED_READS = Thing("AskedReads", {"reads": many(ASKED_READ)})
_CHANGE = {
    "added": number("Installs that are new."),
    "removed": number("Installs that are wanted no more."),
    "changed": number("Installs that are wanted in another way."),
    "unchanged": number(),
    "let_go": number("Installs that were held back, and go now."),
    "held_back": number("Installs that wait for an apply with a higher limit, or without one."),
}
APPLIED = Thing("Applied", _CHANGE)
PLANNED_APP = Thing(
    "PlannedApp",
    {
        "adam_id": text(),
        "name": maybe(),
        "added": number("How many devices get it."),
        "removed": number("How many lose it."),
    },
)
SEATS = Thing(
    "Seats",
    {
        "location": text(),
        "adam_id": text(),
        "pricing_param": text(),
        "name": maybe(),
        "needs": number("Every device that is to have it, shown by a server or not."),
        "holds": number("How many of those have a licence."),
        "asked": number("For how many of them one was asked for."),
        "counted": flag("Whether Apple's counts were ever read."),
        "total": number(null=True),
        "free": number("Null where it is unlimited, or was never counted.", null=True),
        "reclaimable": number("Licences that the bridge asked for and no wish needs."),
        "returning": number("How many of those come back by themselves."),
        "short": number(),
        "waiting": texts("The serial numbers that would wait for a seat."),
        "last_seat_at": time("When the last seat goes, at the rate of the last weeks."),
    },
)
CANNOT = Thing("Cannot", {"serial_number": text(), "adam_id": text(), "reason": text()})
PAIR = Thing("Pair", {"serial_number": text(), "adam_id": text()})
BLIND = Thing(
    "Blind",
    {"server": text("The MDM server."), "why": text("Why its devices are not known.")},
)
PLAN = Thing(
    "Plan",
    {
        "nothing_to_do": flag(),
        **_CHANGE,
        "apps": many(PLANNED_APP, "The apps that change."),
        "short": number("How many seats are missing in all."),
        "seats": many(SEATS),
        "cannot": many(CANNOT, "Named devices that cannot have an app, and the reason."),
        "tried_once": many(
            PAIR, "Named devices for which Apple does not list an app that may run there."
        ),
        "platform_unknown": many(
            PAIR, "Installs that wait until their device has told of which platform it is."
        ),
        "not_shown": texts("Serial numbers that no server has shown yet."),
        "facts_missing": number("Devices of which nobody knows what a `match` needs."),
        "without_serial_number": number("User-enrolled devices, which no group means."),
        "without_bundle_id": texts("Apps whose bundle id a device must tell first."),
        "notes": texts("What could not be looked at."),
        "blind": many(BLIND, "Devices that are not known, though a group may mean them."),
    },
)
CHANGED = Thing(
    "Changed",
    {
        "table": text(),
        "row": Member({}),
        "columns": Member({"type": "object"}, "By name: before and after."),
    },
)
REDECIDED = Thing(
    "Redecided",
    {
        "serial_number": text(),
        "adam_id": text(),
        "before": text("State and reason."),
        "after": text("State and reason, as they would be decided now."),
    },
)
REPLAY = Thing(
    "Replay",
    {
        "event": number(),
        "dry_run": flag(),
        "ok": flag("False: it could not be handled, and nothing was changed."),
        "outcome": maybe("What it did, in a few words."),
        "error": maybe("Why it could not be handled."),
        "changes": many(CHANGED, "Every row that it changed."),
        "decisions": many(REDECIDED, "Every install that it touched."),
    },
)
PAUSE = Thing(
    "Pause",
    {
        "scope": text(words=SCOPES),
        "name": maybe("The adam id, location or serial number; null for all."),
        "since": time(null=False),
        "by": text("A person, or the bridge after a wave of failures.", words=get_args(PausedBy)),
        "why": maybe("What failed."),
        "next_probe_at": time("When one device is tried again."),
        "probe": maybe("The device that is being tried."),
        "installs": number("How many wanted installs it is about."),
        "sentence": text(),
    },
)
PAUSED = Thing(
    "Paused",
    {
        "paused": flag("False: it was paused already."),
        "pauses": many(PAUSE, "All that is paused now."),
    },
)
RESUMED = Thing(
    "Resumed",
    {
        "resumed": flag("False: it was not paused."),
        "pauses": many(PAUSE, "All that is still paused."),
    },
)
DESCRIPTION = Thing("Description", {"openapi": text(), "paths": Member({"type": "object"})})
