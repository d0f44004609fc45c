"""The objects that lists answer with.

Whoever reads them must bear members that are not named here.
"""

from __future__ import annotations

from typing import get_args

from bridge.domain.model import INSTALL_STATES
from bridge.domain.reasons import REASONS
from bridge.domain.reasons.reason import Actor
from bridge.domain.vocabulary import (
    COMMAND_STATES,
    CONFIRMED_BY,
    EVENT_SOURCES,
    EVENT_STATUSES,
    OUTBOX_STATES,
    PRICING_PARAMS,
    SERVICES,
)
from bridge.web.v1.thing import Member, Thing, a, flag, many, maybe, number, text, time

ERROR = Thing("Error", {"error": text("One sentence.")})

_INSTALL = {
    "serial_number": maybe("The device; null for a licence of a user."),
    "client_user_id": maybe("The user; null for a licence of a device."),
    "adam_id": text("The app's number in the App Store."),
    "pricing_param": text(words=PRICING_PARAMS),
    "location": text("Whose licence it is to be."),
    "server": maybe("The MDM server that shows the device."),
    "udid": maybe("The device, as the MDM server names it."),
    "state": text(words=INSTALL_STATES),
    "reason": text("Why it is in that state; docs/reasons.md.", words=tuple(REASONS)),
    "detail": text("What is special about this one."),
    "wanted_by": maybe("The file, a one-off wish, or both; null: wanted no more."),
    "attempts": number("How many commands were made for it in this round."),
    "since": time("When it came into its state.", null=False),
    "updated_at": time(null=False),
    "next_check_at": time("When it is looked at again if nothing happens."),
}
INSTALL = Thing("Install", _INSTALL)
_VALUE = Member({"type": ["string", "boolean", "null"]})
EVIDENCE = Thing("Evidence", {"what": text(), "value": _VALUE, "at": time()})
TOOK = Thing(
    "Took",
    {
        "at": time(null=False),
        "step": text("What was reached."),
        "took_s": Member({"type": "number"}, "Seconds since the step before."),
    },
)
EXPLANATION = Thing(
    "Explanation",
    {
        "sentence": text("What is so."),
        "who_must_act": text(words=get_args(Actor)),
        "needs_someone": flag("Whether it goes no further by itself."),
        "next": text("What happens next."),
        "next_at": time("When that is."),
        "evidence": many(EVIDENCE, "What this rests on."),
        "took": many(TOOK, "How long each step took, of what is licensed or installed."),
    },
)
STEP = Thing("Step", {"at": time(null=False), "step": text("What happened.")})
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
        "id": number("The bridge's own."),
        "server": text(),
        "serial_number": maybe("Null where nobody told it, as with user enrolment."),
        "claimed_serial_number": maybe(
            "What it tells in place of one; no licence is taken for it."
        ),
        "udid": maybe(),
        "enrollment_id": maybe("Of a user enrolment."),
        "name": maybe(),
        "product_name": maybe("Like iPad14,1."),
        "model": maybe(),
        "os_version": maybe(),
        "enrolled": flag("Null: nobody said.", null=True),
        "enrolled_at": time(),
        "last_seen_at": time(),
        "apps_listed_at": time("When it last listed its managed apps."),
    },
)

ASSET = Thing(
    "Asset",
    {
        "location": text(),
        "adam_id": text(),
        "pricing_param": text(),
        "name": maybe(),
        "bundle_id": maybe(),
        "product_type": maybe("App or Book."),
        "platforms": maybe("As Apple names them: iOS,macOS."),
        "unlimited": flag("Whether seats are not counted."),
        "total": number(null=True),
        "available": number(null=True),
        "assigned": number(null=True),
        "retired": number("Of the total, those that nobody can be given.", null=True),
        "device_assignable": flag(),
        "revocable": flag(),
        "read_at": time("When it was read.", null=False),
        "counted_at": time("When it was last counted: read, or told by Apple.", null=False),
    },
)

ASSIGNMENT = Thing(
    "Assignment",
    {
        "location": text(),
        "adam_id": text(),
        "pricing_param": text(),
        "serial_number": maybe("The device that holds it, or"),
        "client_user_id": maybe("the user."),
        "confirmed_by": text("Who told first that Apple gave it.", words=CONFIRMED_BY),
        "confirmed_at": time(null=False),
        "read_at": time("When Apple last showed it.", null=False),
    },
)

LOCATION = Thing(
    "Location",
    {
        "name": text("As in the configuration."),
        "library_uid": maybe("Apple's uId."),
        "location_name": maybe("As Apple has it."),
        "country": maybe(),
        "platform": maybe(),
        "stopped": maybe("The reason why nothing is written there."),
        "stopped_detail": maybe(),
        "mdm_id": maybe("Whose the location is, as Apple last said."),
        "mdm_name": maybe(),
        "notification_url": maybe("Where Apple sends notifications."),
        "registered_at": time(),
        "token_expires_at": time(),
        "max_assets": number("How many assets a request may name.", null=True),
        "max_serial_numbers": number("How many devices a request may name.", null=True),
        "heard_at": time("When Apple last answered."),
        "assets_read_at": time(),
        "assignments_read_at": time(),
        "last_notification_at": time(),
    },
)

EVENT = Thing(
    "Event",
    {
        "id": number(),
        "source": text(words=EVENT_SOURCES),
        "origin": text("The server's or the location's name."),
        "topic": text("MicroMDM's topic or Apple's notification type."),
        "message_id": text("The sender's id."),
        "received_at": time(null=False),
        "processed_at": time(),
        "status": text(words=EVENT_STATUSES),
        "tries": number("How often handling it failed."),
        "error": maybe(),
        "outcome": maybe("What it changed."),
        "udid": maybe(),
        "command_uuid": maybe(),
        "apple_event_id": maybe(),
    },
)

OUTGOING = Thing(
    "Outgoing",
    {
        "id": number(),
        "service": text(words=SERVICES),
        "scope": text("The location's or the server's name."),
        "kind": text("What kind of call, like associate or command."),
        "key": text("What it is about; unique while it is open."),
        "state": text(words=OUTBOX_STATES),
        "tries": number(),
        "error": maybe(),
        "created_at": time(null=False),
        "due_at": time(null=False),
        "claimed_at": time("When it was begun."),
        "settled_at": time("When it ended."),
    },
)

COMMAND = Thing(
    "Command",
    {
        "command_uuid": text(),
        "server": text(),
        "serial_number": maybe(),
        "udid": maybe(),
        "adam_id": maybe("The app that it installs or removes."),
        "request_type": text(),
        "state": text(words=COMMAND_STATES),
        "attempt": number(),
        "posts": number("How often it was posted to the MDM server."),
        "status": maybe("The device's answer."),
        "error_domain": maybe(),
        "error_code": number(null=True),
        "error_text": maybe(),
        "app_state": maybe("The State that the device answered."),
        "rejection_reason": maybe(),
        "created_at": time(null=False),
        "due_at": time(null=False),
        "posted_at": time(),
        "in_doubt_at": time("Since when nobody knows what became of it."),
        "not_now_since": time(),
        "answered_at": time(),
    },
)
