"""Notifications of Apple's that are about subscriptions.

Their adamIds are numbers where those of assets are text; either is read here.
Source: Apple, "Subscribing to notifications".
"""

from __future__ import annotations

from dataclasses import dataclass

from bridge.domain.licences.subscriptions import COUNT_KINDS, CountKind, Holding, Seats
from bridge.wire.json_text import Members, given

SUBSCRIPTION_COUNT = "SUBSCRIPTION_COUNT"
SUBSCRIPTION_MANAGEMENT = "SUBSCRIPTION_MANAGEMENT"


@dataclass(frozen=True, slots=True)
class SubscriptionCount:
    """How many seats a subscription has now: whole numbers, and no difference to what was before.

    `counts` has the kinds that were told; `assigned` is none of them in Apple's example.
    `parent_adam_id` may be left out. `result` and `error_number` are of a FAILURE, of which Apple
    has published none.
    """

    adam_id: str
    parent_adam_id: str | None
    counts: tuple[tuple[CountKind, Seats], ...]
    result: str | None = None
    error_number: int | None = None


@dataclass(frozen=True, slots=True)
class SubscriptionManagement:
    """The outcome of an associate or disassociate of subscriptions. One that was deferred is told
    when its period ends. `type` and `result` stay Apple's words."""

    type: str | None
    result: str | None
    apple_event_id: str | None
    assignments: tuple[Holding, ...]
    error_number: int | None
    error_message: str | None


def read_count(content: Members) -> SubscriptionCount | None:
    """Read a SUBSCRIPTION_COUNT; None for one that names no subscription."""
    adam_id = content.identifier("adamId", required=True)
    if adam_id is None:
        return None
    counts = content.child("counts", required=True) or Members({}, [])
    told = ((kind, counts.child(kind)) for kind in COUNT_KINDS)
    error = content.child("error") or Members({}, [])
    return SubscriptionCount(
        adam_id,
        content.identifier("parentAdamId"),
        tuple((kind, _seats(seats)) for kind, seats in told if seats is not None),
        content.text("result"),
        error.integer("errorNumber"),
    )


def _seats(seats: Members) -> Seats:
    return Seats(seats.integer("renewing"), seats.integer("expiring"))


def read_management(content: Members) -> SubscriptionManagement | None:
    """Read a SUBSCRIPTION_MANAGEMENT; None for one without a list of assignments."""
    listed = content.children("assignments", required=True)
    if listed is None:
        return None
    error = content.child("error") or Members({}, [])
    return SubscriptionManagement(
        type=content.text("type", required=True),
        result=content.text("result", required=True),
        apple_event_id=content.identifier("eventId"),
        assignments=tuple(each for each in map(_holding, listed) if each is not None),
        error_number=error.integer("errorNumber"),
        error_message=error.text("errorMessage"),
    )


def _holding(content: Members) -> Holding | None:
    adam_id = content.identifier("adamId", required=True)
    client_user_id = content.identifier("clientUserId", required=True)
    if adam_id is None or client_user_id is None:
        return None
    renewing = content.raw("renewing")
    if renewing is not None and not isinstance(renewing, bool):
        content.call_odd("renewing")
    return Holding(adam_id, client_user_id, renewing is not False)


def kept(payload: SubscriptionCount | SubscriptionManagement) -> dict[str, object]:
    """What of it may be kept, in Apple's form: all that was read."""
    error = given(errorNumber=payload.error_number)
    if isinstance(payload, SubscriptionCount):
        return given(
            parentAdamId=number(payload.parent_adam_id),
            adamId=number(payload.adam_id),
            counts={kind: _kept_seats(seats) for kind, seats in payload.counts},
            result=payload.result,
            error=error or None,
        )
    error |= given(errorMessage=payload.error_message)
    return given(
        type=payload.type,
        result=payload.result,
        eventId=payload.apple_event_id,
        assignments=[
            {
                "adamId": number(each.adam_id),
                "clientUserId": each.client_user_id,
                "renewing": each.renewing,
            }
            for each in payload.assignments
        ],
        error=error or None,
    )


def _kept_seats(seats: Seats) -> dict[str, object]:
    return given(renewing=seats.renewing, expiring=seats.expiring)


def number(adam_id: str | None) -> int | str | None:
    """An Adam ID as Apple writes it of subscriptions."""
    return int(adam_id) if adam_id is not None and adam_id.isdecimal() else adam_id
