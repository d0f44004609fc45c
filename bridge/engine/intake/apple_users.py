"""Observations from Apple's notifications about users.

The outcome of a request of ours settles it, whether it or the event's status comes first. All else,
be it late, repeated or somebody else's doing, is taken as far as it can be told to be news.
Source: Apple, "Subscribing to notifications", "Managing Users".
"""

from __future__ import annotations

from bridge.engine.context import Context
from bridge.engine.intake import others
from bridge.engine.licences import settle
from bridge.engine.users import told
from bridge.store.licences import requests
from bridge.store.licences.requests import AppleRequest
from bridge.store.users import changes
from bridge.wire.apple_notification import FAILURE
from bridge.wire.apple_users import UserAssociated, UserManagement


def associated(context: Context, location: str, payload: UserAssociated) -> str:
    """Users accepted their invitation, or could not."""
    if payload.result == FAILURE:
        others.refused(context)
        told.doubted(context, location, [user.client_user_id for user in payload.users])
        return f"{len(payload.users)} users could not be tied to an account"
    changed = told.news(context, location, payload.users)
    return f"{len(payload.users)} users are tied to an account, {changed} of them anew"


def management(context: Context, location: str, payload: UserManagement) -> str:
    """Users were registered, changed or retired, or could not be."""
    request = _request(context, location, payload)
    if request is not None and request.kind == payload.type:
        if payload.result == "SUCCESS":
            settled = told.confirmed(context, request, payload.users, told_by="notification")
            return f"event of ours: {settled} users confirmed"
        if payload.result == FAILURE:
            told.refused(
                context,
                request,
                [user.client_user_id for user in payload.users],
                told_by="notification",
                error_number=payload.error_number,
            )
            return f"event of ours: {len(payload.users)} users refused ({payload.error_number})"
    if payload.result != "SUCCESS":
        others.refused(context)
        names = [user.client_user_id for user in payload.users]
        told.doubted(context, location, names)
        return f"somebody else's request that Apple refused, about {len(names)} users"
    changed = told.news(context, location, payload.users)
    return f"an event of somebody else: {changed} users are another way"


def _request(context: Context, location: str, payload: UserManagement) -> AppleRequest | None:
    """The request of ours that this is about; it may have come before Apple's reply to it."""
    if payload.apple_event_id is None or payload.type is None:
        return None
    request = requests.by_event(context.db, location, payload.apple_event_id)
    if request is not None:
        return request
    names = [user.client_user_id for user in payload.users]
    adopted = changes.adopt(context.db, location, payload.type, names)
    if adopted is not None:
        requests.update(context.db, adopted.id, apple_event_id=payload.apple_event_id)
        if adopted.state == "in_doubt":
            settle.wait_for_event(context, adopted.id)
    return adopted
