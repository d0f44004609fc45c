"""Notifications of Apple's Apps and Books service.

`parse_notification` reads what came in; `storable` writes what may be kept of it in Apple's own
form, so that `parse_notification` reads it again. Types and members unknown today are no error.
Source: Apple, "Subscribing to notifications", "Handling Error Responses".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import chain, repeat
from operator import itemgetter
from typing import NamedTuple

from bridge.wire import apple_users
from bridge.wire import subscription_notification as subscriptions
from bridge.wire.apple_users import (
    USER_ASSOCIATED,
    USER_MANAGEMENT,
    USER_TYPES,
    UserAssociated,
    UserManagement,
)
from bridge.wire.json_text import MAX_TEXT, Members, given, read_message, write_object
from bridge.wire.subscription_notification import SubscriptionCount, SubscriptionManagement

TEST_NOTIFICATION = "TEST_NOTIFICATION"
ASSET_MANAGEMENT = "ASSET_MANAGEMENT"
ASSET_COUNT = "ASSET_COUNT"
UNLIMITED_ASSET = "UNLIMITED_ASSET"

FAILURE = "FAILURE"
"""The result of what was not done."""

_MAX_KEPT_DEPTH = 16
_PERSONAL = ("email", "invite", "idhash", "appleid", "token")  # parts of Apple's member names


class AssignedPair(NamedTuple):
    """One asset of one holder: a device or a user. Apple's prose leaves `pricing_param` out.

    A tuple, since they come by the hundred.
    """

    adam_id: str
    pricing_param: str | None
    serial_number: str | None
    client_user_id: str | None


@dataclass(frozen=True, slots=True)
class AssetManagement:
    """The outcome of an associate, disassociate or revoke for at most 100 pairs: one event may
    come in several, of either result. `type` and `result` stay Apple's words."""

    type: str | None
    result: str | None
    apple_event_id: str | None
    assignments: tuple[AssignedPair, ...]
    error_number: int | None
    error_message: str | None


@dataclass(frozen=True, slots=True)
class AssetCount:
    """Seats bought, transferred or refunded; `count_delta` is signed. `result` is FAILURE in a form
    of which Apple has published none."""

    adam_id: str
    pricing_param: str | None
    count_delta: int | None
    result: str | None = None


@dataclass(frozen=True, slots=True)
class TestNotification:
    """Sent while a notification URL is being set."""


@dataclass(frozen=True, slots=True)
class Other:
    """A notification without a reading of ours; `raw` may hold personal data."""

    raw: Mapping[str, object] = field(repr=False)


@dataclass(frozen=True, slots=True)
class UnlimitedAsset:
    """Apple names this type and publishes no form of it: it says that something of assets without
    a limit has changed. `raw` is kept as evidence."""

    raw: Mapping[str, object] = field(repr=False)


Payload = (
    AssetManagement
    | AssetCount
    | UnlimitedAsset
    | SubscriptionCount
    | SubscriptionManagement
    | UserManagement
    | UserAssociated
    | TestNotification
    | Other
)


@dataclass(frozen=True, slots=True)
class Notification:
    """One notification. `notification_id` repeats across types in Apple's own examples.

    `oddities` names members that are missing though always sent, or of a wrong type.
    """

    notification_type: str | None
    notification_id: str | None
    library_uid: str | None
    payload: Payload
    oddities: tuple[str, ...]


def parse_notification(body: bytes) -> Notification:
    """Read a notification; raises ShapeError only when `body` is not a JSON object in UTF-8."""
    oddities: list[str] = []
    document = Members(read_message(body), oddities)
    notification_type = document.text("notificationType", required=True)
    return Notification(
        notification_type=notification_type,
        notification_id=document.text("notificationId", required=True),
        library_uid=document.identifier("uId", required=True),
        payload=_payload(notification_type, document),
        oddities=tuple(dict.fromkeys(oddities)),
    )


def storable(notification: Notification, *, whole: bool = False) -> bytes:
    """What of `notification` may be kept, in Apple's form.

    Of users only clientUserId and status, or the `whole` while it waits to be handled; of types
    unknown today everything but members whose names speak of mail, invitations, Apple Accounts or
    tokens.
    """
    return write_object(
        {
            "notification": _kept(notification, whole=whole),
            "notificationId": notification.notification_id,
            "notificationType": notification.notification_type,
            "uId": notification.library_uid,
        }
    )


def _payload(notification_type: str | None, document: Members) -> Payload:
    raw = document.raw("notification")
    content = document.child("notification", required=True)
    if notification_type == UNLIMITED_ASSET:
        return UnlimitedAsset(raw if isinstance(raw, dict) else {})
    if content is None:
        return Other({})
    payload: Payload | None = None
    if notification_type == TEST_NOTIFICATION:
        payload = TestNotification()
    elif notification_type == ASSET_MANAGEMENT:
        payload = _asset_management(content)
    elif notification_type == ASSET_COUNT:
        payload = _asset_count(content)
    elif notification_type == subscriptions.SUBSCRIPTION_COUNT:
        payload = subscriptions.read_count(content)
    elif notification_type == subscriptions.SUBSCRIPTION_MANAGEMENT:
        payload = subscriptions.read_management(content)
    elif notification_type == USER_MANAGEMENT:
        payload = apple_users.read_management(content)
    elif notification_type == USER_ASSOCIATED:
        payload = apple_users.read_associated(content)
    if payload is None:
        return Other(raw if isinstance(raw, dict) else {})
    return payload


def _asset_management(content: Members) -> AssetManagement | None:
    plain = _plain_pairs(content.raw("assignments"))
    odd = content.children("assignments", required=True) if plain is None else ()
    if odd is None:
        return None
    error = content.child("error") or Members({}, [])
    return AssetManagement(
        type=content.text("type", required=True),
        result=content.text("result", required=True),
        apple_event_id=content.identifier("eventId"),
        assignments=plain or tuple(p for p in map(_pair, odd) if p is not None),
        error_number=error.integer("errorNumber"),
        error_message=error.text("errorMessage"),
    )


_THREE = itemgetter("adamId", "pricingParam", "serialNumber")


def _plain_pairs(value: object) -> tuple[AssignedPair, ...] | None:
    """A hundred pairs of devices as Apple sends them, read quickly; None where anything about one
    of them is otherwise, and they are to be looked at member by member."""
    if not isinstance(value, list):
        return None
    try:
        pairs = list(map(_THREE, value))
    except (KeyError, TypeError):
        return None
    texts = list(chain.from_iterable(pairs))
    if (
        set(map(type, texts)) - {str}
        or not all(texts)
        or max(map(len, texts), default=0) > MAX_TEXT
    ):
        return None
    if not "".join(texts).isascii() or any("clientUserId" in each for each in value):
        return None
    columns = (texts[0::3], texts[1::3], texts[2::3], repeat(None))
    return tuple(map(AssignedPair._make, zip(*columns, strict=False)))


def _pair(content: Members) -> AssignedPair | None:
    adam_id = content.identifier("adamId", required=True)
    serial_number = content.identifier("serialNumber")
    client_user_id = content.identifier("clientUserId")
    if serial_number is None and client_user_id is None:
        content.call_odd("serialNumber")
        return None
    if adam_id is None:
        return None
    return AssignedPair(adam_id, content.text("pricingParam"), serial_number, client_user_id)


def _asset_count(content: Members) -> AssetCount | None:
    adam_id = content.identifier("adamId", required=True)
    if adam_id is None:
        return None
    result = content.text("result")
    return AssetCount(
        adam_id,
        content.text("pricingParam"),
        content.integer("countDelta", required=result != FAILURE),
        result,
    )


def _kept(notification: Notification, *, whole: bool) -> dict[str, object]:
    match notification.payload:
        case TestNotification():
            return {}
        case AssetCount(adam_id, pricing_param, count_delta, result):
            count = given(adamId=adam_id, pricingParam=pricing_param, countDelta=count_delta)
            return count | given(result=result)
        case AssetManagement() as payload:
            return _kept_assets(payload)
        case UserManagement() | UserAssociated() as payload:
            return apple_users.kept(payload, whole=whole)
        case SubscriptionCount() | SubscriptionManagement() as payload:
            return subscriptions.kept(payload)
        case UnlimitedAsset(raw):
            return _unpersonal(raw)
        case Other(raw):
            if notification.notification_type in USER_TYPES:
                return {}  # nothing of it could be read, and it may be anything personal
            return _unpersonal(raw)


def _unpersonal(raw: Mapping[str, object]) -> dict[str, object]:
    return {key: _pruned(each, 1) for key, each in raw.items() if not _is_personal(key)}


def _kept_assets(payload: AssetManagement) -> dict[str, object]:
    pairs = [
        {"adamId": p.adam_id, "pricingParam": p.pricing_param, "serialNumber": p.serial_number}
        if p.client_user_id is None and p.pricing_param is not None
        else given(
            adamId=p.adam_id,
            pricingParam=p.pricing_param,
            serialNumber=p.serial_number,
            clientUserId=p.client_user_id,
        )
        for p in payload.assignments
    ]
    error = given(errorNumber=payload.error_number, errorMessage=payload.error_message)
    return given(
        type=payload.type,
        result=payload.result,
        eventId=payload.apple_event_id,
        assignments=pairs,
        error=error or None,
    )


def _pruned(value: object, depth: int) -> object:
    """`value` without personal members, and null where it is nested too deeply."""
    if isinstance(value, dict | list) and depth > _MAX_KEPT_DEPTH:
        return None
    if isinstance(value, dict):
        return {
            key: _pruned(each, depth + 1) for key, each in value.items() if not _is_personal(key)
        }
    if isinstance(value, list):
        return [_pruned(each, depth + 1) for each in value]
    return value


def _is_personal(name: str) -> bool:
    return any(part in name.casefold() for part in _PERSONAL)
