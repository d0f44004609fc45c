"""The subscriptions of a location, and who has them."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from bridge.domain.wording import named
from bridge.web.pages.table import Column, Row, Table, paged
from bridge.web.pages.view import SHOWN, Asker

_COLUMNS = (
    Column("subscription"),
    Column("app"),
    Column("status"),
    Column("period ends"),
    Column("assigned", "number"),
    Column("available", "number"),
    Column("total", "number"),
    Column("held by"),
    Column("counted", "time"),
)


def of_location(asker: Asker, name: str) -> Table:
    """All that a location has; who has them is named, as far as that is known."""
    return paged(
        "subscriptions",
        "Subscriptions",
        _COLUMNS,
        partial(asker.bridge.list_subscriptions, location=name),
        _row,
        limit=SHOWN,
        empty="No subscription of it is known: subscriptions in the file says where they are read.",
    )


def _row(each: Mapping[str, Any]) -> Row:
    held = [
        f"{one['client_user_id']} ({one['state']})"
        for one in each["assignments"]
        if one["state"] != "ended"
    ]
    return (
        each["adam_id"],
        each["app_name"] or each["parent_adam_id"],
        each["status"],
        each["period_ends_on"],
        _both(each, "assigned"),
        _both(each, "available"),
        _both(each, "total"),
        named(held) or None,
        each["counted_at"],
    )


def _both(each: Mapping[str, Any], kind: str) -> int | None:
    """Those that renew and those that expire with the period."""
    counts = [each[f"{kind}_renewing"], each[f"{kind}_expiring"]]
    known = [count for count in counts if count is not None]
    return sum(known) if known else None
