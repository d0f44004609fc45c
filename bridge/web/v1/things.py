"""The objects that calls answer with, as JSON Schema and for people.

Whoever reads them must bear members that are not named here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, get_args

from bridge.domain.model import INSTALL_STATES
from bridge.domain.pauses import SCOPES, PausedBy
from bridge.domain.reasons import REASONS
from bridge.domain.reasons.reason import Actor
from bridge.web.v1.vocabulary import (
    COMMAND_STATES,
    CONFIRMED_BY,
    EVENT_SOURCES,
    EVENT_STATUSES,
    OUTBOX_STATES,
    PRICING_PARAMS,
    SERVICES,
)

Schema = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Member:
    """One member of an object, which is always there."""

    schema: Schema
    says: str = ""


@dataclass(frozen=True, slots=True)
class Thing:
    """An object; its name is its schema's name."""

    name: str
    members: Mapping[str, Member]

    @property
    def schema(self) -> Schema:
        """The JSON Schema of the object."""
        return {
            "type": "object",
            "required": list(self.members),
            "properties": {name: _described(m) for name, m in self.members.items()},
        }

    @property
    def parts(self) -> list[Thing]:
        """The things that its members consist of."""
        schemas = (member.schema for member in self.members.values())
        return [schema["thing"] for schema in map(_inner, schemas) if "thing" in schema]


def _inner(schema: Schema) -> Schema:
    return schema["items"] if schema.get("type") == "array" else schema


def _described(member: Member) -> Schema:
    schema = member.schema
    if "thing" in schema:
        schema = _reference(schema["thing"])
    elif "thing" in schema.get("items", {}):
        schema = {"type": "array", "items": _reference(schema["items"]["thing"])}
    return {**schema, "description": member.says} if member.says else schema


def _reference(thing: Thing) -> Schema:
    return {"$ref": f"#/components/schemas/{thing.name}"}


def _text(says: str = "", *, words: Sequence[str] = (), null: bool = False) -> Member:
    schema: dict[str, Any] = {"type": ["string", "null"] if null else "string"}
    if words:
        schema["enum"] = [*words, None] if null else list(words)
    return Member(schema, says)


def _maybe(says: str = "", words: Sequence[str] = ()) -> Member:
    return _text(says, words=words, null=True)


def _time(says: str = "", *, null: bool = True) -> Member:
    kind = ["string", "null"] if null else "string"
    return Member({"type": kind, "format": "date-time"}, says)


def _number(says: str = "", *, null: bool = False) -> Member:
    return Member({"type": ["integer", "null"] if null else "integer"}, says)


def _flag(says: str = "", *, null: bool = False) -> Member:
    return Member({"type": ["boolean", "null"] if null else "boolean"}, says)


def a(thing: Thing, says: str = "") -> Member:
    """A member that is a thing of its own."""
    return Member({"thing": thing}, says)


def many(thing: Thing, says: str = "") -> Member:
    """A member that is a list of things."""
    return Member({"type": "array", "items": {"thing": thing}}, says)


def page_of(name: str, thing: Thing) -> Thing:
    """What a list answers."""
    cursor = _maybe("Ask for the next page with it; null at the end.")
    return Thing(f"{thing.name}Page", {name: many(thing), "next_cursor": cursor})


ERROR = Thing("Error", {"error": _text("One sentence.")})

_INSTALL = {
    "serial_number": _maybe("The device; null for a licence of a user."),
    "client_user_id": _maybe("The user; null for a licence of a device."),
    "adam_id": _text("The app's number in the App Store."),
    "pricing_param": _text(words=PRICING_PARAMS),
    "location": _text("Whose licence it is to be."),
    "server": _maybe("The MDM server that shows the device."),
    "udid": _maybe("The device, as the MDM server names it."),
    "state": _text(words=INSTALL_STATES),
    "reason": _text("Why it is in that state; docs/reasons.md.", words=tuple(REASONS)),
    "detail": _text("What is special about this one."),
    "wanted_by": _maybe("The file, a one-off wish, or both; null: wanted no more."),
    "attempts": _number("How many commands were made for it in this round."),
    "since": _time("When it came into its state.", null=False),
    "updated_at": _time(null=False),
    "next_check_at": _time("When it is looked at again if nothing happens."),
}
INSTALL = Thing("Install", _INSTALL)
_VALUE = Member({"type": ["string", "boolean", "null"]})
EVIDENCE = Thing("Evidence", {"what": _text(), "value": _VALUE, "at": _time()})
TOOK = Thing(
    "Took",
    {
        "at": _time(null=False),
        "step": _text("What was reached."),
        "took_s": Member({"type": "number", "description": "Seconds since the step before."}),
    },
)
EXPLANATION = Thing(
    "Explanation",
    {
        "sentence": _text("What is so."),
        "who_must_act": _text(words=get_args(Actor)),
        "needs_someone": _flag("Whether it goes no further by itself."),
        "next": _text("What happens next."),
        "next_at": _time("When that is."),
        "evidence": many(EVIDENCE, "What this rests on."),
        "took": many(TOOK, "How long each step took, of what is licensed or installed."),
    },
)
STEP = Thing("Step", {"at": _time(null=False), "step": _text("What happened.")})
EXPLAINED = Thing(
    "ExplainedInstall",
    _INSTALL
    | {
        "explanation": a(EXPLANATION),
        "trail": many(STEP, "What happened, the oldest first."),
    },
)

DEVICE = Thing(
    "Device",
    {
        "id": _number("The bridge's own."),
        "server": _text(),
        "serial_number": _maybe("Null where nobody told it, as with user enrolment."),
        "udid": _maybe(),
        "enrollment_id": _maybe("Of a user enrolment."),
        "name": _maybe(),
        "product_name": _maybe("Like iPad14,1."),
        "model": _maybe(),
        "os_version": _maybe(),
        "enrolled": _flag("Null: nobody said.", null=True),
        "enrolled_at": _time(),
        "last_seen_at": _time(),
        "apps_listed_at": _time("When it last listed its managed apps."),
    },
)

ASSET = Thing(
    "Asset",
    {
        "location": _text(),
        "adam_id": _text(),
        "pricing_param": _text(),
        "name": _maybe(),
        "bundle_id": _maybe(),
        "product_type": _maybe("App or Book."),
        "platforms": _maybe("As Apple names them: iOS,macOS."),
        "unlimited": _flag("Whether seats are not counted."),
        "total": _number(null=True),
        "available": _number(null=True),
        "assigned": _number(null=True),
        "device_assignable": _flag(),
        "revocable": _flag(),
        "read_at": _time("When it was read.", null=False),
        "counted_at": _time("When it was last counted: read, or told by Apple.", null=False),
    },
)

ASSIGNMENT = Thing(
    "Assignment",
    {
        "location": _text(),
        "adam_id": _text(),
        "pricing_param": _text(),
        "serial_number": _maybe("The device that holds it, or"),
        "client_user_id": _maybe("the user."),
        "confirmed_by": _text("Who told first that Apple gave it.", words=CONFIRMED_BY),
        "confirmed_at": _time(null=False),
        "read_at": _time("When Apple last showed it.", null=False),
    },
)

LOCATION = Thing(
    "Location",
    {
        "name": _text("As in the configuration."),
        "library_uid": _maybe("Apple's uId."),
        "location_name": _maybe("As Apple has it."),
        "country": _maybe(),
        "platform": _maybe(),
        "stopped": _maybe("The reason why nothing is written there."),
        "stopped_detail": _maybe(),
        "mdm_id": _maybe("Whose the location is, as Apple last said."),
        "mdm_name": _maybe(),
        "notification_url": _maybe("Where Apple sends notifications."),
        "registered_at": _time(),
        "token_expires_at": _time(),
        "max_assets": _number("How many assets a request may name.", null=True),
        "max_serial_numbers": _number("How many devices a request may name.", null=True),
        "heard_at": _time("When Apple last answered."),
        "assets_read_at": _time(),
        "assignments_read_at": _time(),
        "last_notification_at": _time(),
    },
)

EVENT = Thing(
    "Event",
    {
        "id": _number(),
        "source": _text(words=EVENT_SOURCES),
        "origin": _text("The server's or the location's name."),
        "topic": _text("MicroMDM's topic or Apple's notification type."),
        "message_id": _text("The sender's id."),
        "received_at": _time(null=False),
        "processed_at": _time(),
        "status": _text(words=EVENT_STATUSES),
        "tries": _number("How often handling it failed."),
        "error": _maybe(),
        "outcome": _maybe("What it changed."),
        "udid": _maybe(),
        "command_uuid": _maybe(),
        "apple_event_id": _maybe(),
    },
)

OUTGOING = Thing(
    "Outgoing",
    {
        "id": _number(),
        "service": _text(words=SERVICES),
        "scope": _text("The location's or the server's name."),
        "kind": _text("What kind of call, like associate or command."),
        "key": _text("What it is about; unique while it is open."),
        "state": _text(words=OUTBOX_STATES),
        "tries": _number(),
        "error": _maybe(),
        "created_at": _time(null=False),
        "due_at": _time(null=False),
        "claimed_at": _time("When it was begun."),
        "settled_at": _time("When it ended."),
    },
)

COMMAND = Thing(
    "Command",
    {
        "command_uuid": _text(),
        "server": _text(),
        "serial_number": _maybe(),
        "udid": _maybe(),
        "adam_id": _maybe("The app that it installs or removes."),
        "request_type": _text(),
        "state": _text(words=COMMAND_STATES),
        "attempt": _number(),
        "posts": _number("How often it was posted to the MDM server."),
        "status": _maybe("The device's answer."),
        "error_domain": _maybe(),
        "error_code": _number(null=True),
        "error_text": _maybe(),
        "app_state": _maybe("The State that the device answered."),
        "rejection_reason": _maybe(),
        "created_at": _time(null=False),
        "due_at": _time(null=False),
        "posted_at": _time(),
        "in_doubt_at": _time("Since when nobody knows what became of it."),
        "not_now_since": _time(),
        "answered_at": _time(),
    },
)

RETRIED = Thing("Retried", {"retried": _number("1, or 0 where it had not stopped.")})
ASKED_READ = Thing(
    "AskedRead",
    {
        "what": _text(),
        "of": _text("The location or server."),
        "asked": _flag("False: such a read is under way already. Ask again when it has ended."),
    },
)
ASKED_READS = Thing("AskedReads", {"reads": many(ASKED_READ)})
_CHANGE = {
    "added": _number("Installs that are new."),
    "removed": _number("Installs that are wanted no more."),
    "changed": _number("Installs that are wanted in another way."),
    "unchanged": _number(),
    "let_go": _number("Installs that were held back, and go now."),
    "held_back": _number("Installs that wait for an apply with a higher limit, or without one."),
}
APPLIED = Thing("Applied", _CHANGE)
CHANGED = Thing(
    "Changed",
    {
        "table": _text(),
        "row": Member({}),
        "columns": Member({"type": "object"}, "By name: before and after."),
    },
)
REDECIDED = Thing(
    "Redecided",
    {
        "serial_number": _text(),
        "adam_id": _text(),
        "before": _text("State and reason."),
        "after": _text("State and reason, as they would be decided now."),
    },
)
REPLAY = Thing(
    "Replay",
    {
        "event": _number(),
        "dry_run": _flag(),
        "ok": _flag("False: it could not be handled, and nothing was changed."),
        "outcome": _maybe("What it did, in a few words."),
        "error": _maybe("Why it could not be handled."),
        "changes": many(CHANGED, "Every row that it changed."),
        "decisions": many(REDECIDED, "Every install that it touched."),
    },
)
PAUSE = Thing(
    "Pause",
    {
        "scope": _text(words=SCOPES),
        "name": _maybe("The adam id, location or serial number; null for all."),
        "since": _time(null=False),
        "by": _text("A person, or the bridge after a wave of failures.", words=get_args(PausedBy)),
        "why": _maybe("What failed."),
        "next_probe_at": _time("When one device is tried again."),
        "probe": _maybe("The device that is being tried."),
        "installs": _number("How many wanted installs it is about."),
        "sentence": _text(),
    },
)
PAUSED = Thing(
    "Paused",
    {
        "paused": _flag("False: it was paused already."),
        "pauses": many(PAUSE, "All that is paused now."),
    },
)
RESUMED = Thing(
    "Resumed",
    {
        "resumed": _flag("False: it was not paused."),
        "pauses": many(PAUSE, "All that is still paused."),
    },
)
DESCRIPTION = Thing("Description", {"openapi": _text(), "paths": Member({"type": "object"})})
