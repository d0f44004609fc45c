"""Observations from Apple's notifications.

A notification names an event. If the event is ours, its pairs are settled; if not, Apple's
assignments are read again for the pairs that we care for: arrival order decides nothing.
Source: Apple, "Subscribing to notifications".
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

from bridge.domain.devices.targets import of_user
from bridge.domain.model import DEFAULT_PRICING, Asset, Pair
from bridge.engine.context import Context
from bridge.engine.intake import apple_subscriptions, apple_users, others
from bridge.engine.licences import settle
from bridge.store import meta
from bridge.store.events import Event
from bridge.store.installs import installs, licensees
from bridge.store.licences import assignments, locations, request_pairs, requests
from bridge.store.licences.requests import AppleRequest
from bridge.wire.apple_notification import (
    FAILURE,
    AssetCount,
    AssetManagement,
    AssignedPair,
    Notification,
    TestNotification,
    UnlimitedAsset,
    parse_notification,
)
from bridge.wire.apple_users import UserAssociated, UserManagement
from bridge.wire.subscription_notification import SubscriptionCount, SubscriptionManagement

COUNTED_AFTER = 60.0
"""Seconds after which counts are read because somebody else was refused licences: a busy system
beside the bridge may be refused often."""


def handle(context: Context, event: Event) -> str:
    """Process one stored notification; returns in a few words what came of it."""
    notification = parse_notification(event.body)
    location = locations.get(context.db, event.origin)
    known = location.library_uid
    if known is not None and notification.library_uid != known:
        meta.count(context.db, "apple.other_library", context.now)
        return "another library's, no effect"
    heard_at = max(event.received_at, location.last_notification_at or 0.0)
    locations.update(context.db, event.origin, last_notification_at=heard_at)
    return _effect(context, event, notification)


def _effect(context: Context, event: Event, notification: Notification) -> str:
    payload = notification.payload
    if isinstance(payload, AssetManagement):
        return _asset_management(context, event.origin, payload)
    if isinstance(payload, AssetCount):
        # One that is replayed must not count twice, and one that failed not at all.
        counts = event.status != "done" and payload.result != FAILURE
        delta = payload.count_delta if counts else None
        return _asset_count(context, event.origin, payload, delta)
    if isinstance(payload, UnlimitedAsset):
        return _counts_again(context, event.origin)
    if isinstance(payload, SubscriptionCount):
        return apple_subscriptions.counts(context, event.origin, payload)
    if isinstance(payload, SubscriptionManagement):
        return apple_subscriptions.management(context, event.origin, payload)
    if isinstance(payload, UserManagement):
        return apple_users.management(context, event.origin, payload)
    if isinstance(payload, UserAssociated):
        return apple_users.associated(context, event.origin, payload)
    if isinstance(payload, TestNotification):
        return "a test"
    meta.count(context.db, "apple.other_type", context.now)
    return "kept, no effect"


def _asset_management(context: Context, location: str, payload: AssetManagement) -> str:
    asset = cache(Asset)  # few assets, many devices
    pairs = [
        Pair(asset(a.adam_id, a.pricing_param or DEFAULT_PRICING), holder)
        for a in payload.assignments
        if (holder := _holder(a)) is not None
    ]
    request = _request(context, location, payload, pairs)
    if request is None or request.kind != payload.type:
        return _foreign(context, location, payload, pairs)
    if payload.result == "SUCCESS":
        settle.confirmed(context, request, pairs, told_by="notification")
        return f"event of ours: {len(pairs)} confirmed"
    if payload.result != FAILURE:
        _foreign(context, location, payload, pairs)
        return f"event of ours with an unknown result: {len(pairs)} pairs are read again"
    settle.refused(
        context, request, pairs, told_by="notification", error_number=payload.error_number
    )
    return f"event of ours: {len(pairs)} refused ({payload.error_number})"


def _holder(assignment: AssignedPair) -> str | None:
    if assignment.serial_number is not None:
        return assignment.serial_number.upper()
    user = assignment.client_user_id
    return None if user is None else of_user(user)


def _request(
    context: Context, location: str, payload: AssetManagement, pairs: Sequence[Pair]
) -> AppleRequest | None:
    """The request of ours that this is about; it may have come before Apple's reply to it."""
    if payload.apple_event_id is None or payload.type is None:
        return None
    request = requests.by_event(context.db, location, payload.apple_event_id)
    if request is not None:
        return request
    adopted = requests.adopt(context.db, location, payload.type, pairs)
    if adopted is not None:
        requests.update(context.db, adopted.id, apple_event_id=payload.apple_event_id)
        if adopted.state == "in_doubt":
            settle.wait_for_event(context, adopted.id)
    return adopted


def _foreign(
    context: Context, location: str, payload: AssetManagement, pairs: Sequence[Pair]
) -> str:
    """Others gave or took licences. Of what is wished for Apple's assignments are read; of all
    else, on which nothing hangs, the message is believed until the next full read."""
    ours = [pair for pair in pairs if licensees.is_wished(context.db, pair)]
    request_pairs.touched_by_others(context.db, location, ours, context.now)
    settle.read_soon(context, location, ours, why=payload.apple_event_id or "")
    wished = set(ours)
    rest = [pair for pair in pairs if pair not in wished]
    so_far = f"an event of somebody else: {len(ours)} of our pairs are read again"
    return f"{so_far}, {_of_others(context, location, payload, rest)}"


def _of_others(
    context: Context, location: str, payload: AssetManagement, pairs: Sequence[Pair]
) -> str:
    if payload.result == FAILURE:
        others.refused(context)
        meta.hasten_job(context.db, f"assets:{location}", context.now + COUNTED_AFTER)
        return f"{len(pairs)} others were refused ({payload.error_number}), counts are read again"
    if payload.result == "SUCCESS" and payload.type == "ASSOCIATE":
        assignments.confirm(context.db, location, pairs, told_by="notification", now=context.now)
        return f"{len(pairs)} others have a licence"
    if payload.result == "SUCCESS" and payload.type in ("DISASSOCIATE", "REVOKE"):
        settle.taken_away(context, location, pairs)
        return f"{len(pairs)} others have no licence any more"
    return f"{len(pairs)} others are not understood"


def _asset_count(context: Context, location: str, payload: AssetCount, delta: int | None) -> str:
    asset = Asset(payload.adam_id, payload.pricing_param or DEFAULT_PRICING)
    if delta is None or not locations.add_to_count(context.db, location, asset, delta, context.now):
        return _counts_again(context, location)
    counts = locations.asset_facts(context.db, location, [asset])[asset]
    if not 0 <= (counts.available or 0) <= (counts.total or 0):
        # An older count and a newer change do not add up: let Apple say how it is.
        meta.count(context.db, "apple.count_odd", context.now)
        meta.hasten_job(context.db, f"assets:{location}", context.now)
    installs.touch_waiting(context.db, location, context.now, asset.adam_id)
    return f"{asset.adam_id}: {delta:+d}"


def _counts_again(context: Context, location: str) -> str:
    meta.hasten_job(context.db, f"assets:{location}", context.now)
    return "counts are read again"
