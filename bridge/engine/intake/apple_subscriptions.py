"""What Apple's notifications tell of subscriptions.

Each takes effect as it comes. As Apple numbers none of them, a late one may undo a newer one: so a
full read follows, where the file names the location (`subscriptions`), and decides.
Source: Apple, "Subscribing to notifications", "Managing Subscriptions".
"""

from __future__ import annotations

from collections import Counter

from bridge.domain.catalogue import apple_error
from bridge.domain.licences.subscriptions import state_after
from bridge.domain.wording import counted
from bridge.engine.context import Context
from bridge.engine.intake import others
from bridge.store import meta
from bridge.store.licences import subscriptions
from bridge.wire.apple_notification import FAILURE
from bridge.wire.subscription_notification import SubscriptionCount, SubscriptionManagement

JOB = "subscriptions"
"""The clock's job that reads them, without its location."""

READ_AFTER = 30.0
"""Seconds from a notification to the read that it causes: those that come together cause one."""


def counts(context: Context, location: str, payload: SubscriptionCount) -> str:
    """A SUBSCRIPTION_COUNT: these are the seats now."""
    read_soon(context, location)
    if payload.result == FAILURE:
        others.refused(context)
        return f"subscription {payload.adam_id}: not counted ({payload.error_number})"
    subscriptions.count(
        context.db, location, payload.adam_id, payload.parent_adam_id, payload.counts, context.now
    )
    return f"subscription {payload.adam_id}: counted"


def management(context: Context, location: str, payload: SubscriptionManagement) -> str:
    """A SUBSCRIPTION_MANAGEMENT: these users got it, lost it, or their request was refused."""
    read_soon(context, location)
    error = payload.error_number if payload.result == FAILURE else None
    became = Counter[str]()
    for holding in payload.assignments:
        before = subscriptions.state(context.db, location, holding.adam_id, holding.client_user_id)
        after = state_after(payload.type, payload.result, holding, before)
        if after is None:
            meta.count(context.db, "apple.other_type", context.now)
            return "of a type or result that is not known: subscriptions are read again"
        subscriptions.tell(context.db, location, holding, after, context.now, error)
        became["refused" if payload.result == FAILURE else after] += 1
    told = ", ".join(f"{number} {word}" for word, number in sorted(became.items()))
    why = f" ({error}: {apple_error(error).cause})" if error is not None else ""
    all_of_it = counted(sum(became.values()), "subscription assignment")
    return f"{all_of_it}: {told}{why}" if told else "no subscription assignment is named"


def read_soon(context: Context, location: str) -> None:
    """Have the location's subscriptions read; the job is of no effect where the file does not name
    the location."""
    meta.hasten_job(context.db, f"{JOB}:{location}", context.now + READ_AFTER)
