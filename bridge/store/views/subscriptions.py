"""Subscriptions and who has them, as people and programs page through them."""

from __future__ import annotations

from collections.abc import Sequence

from bridge.domain.catalogue import apple_error
from bridge.domain.views import Page
from bridge.domain.views.subscriptions import Subscription, SubscriptionAssignment
from bridge.store.database import Connection
from bridge.store.paging import Filters, Order, fetch
from bridge.store.rows import asked
from bridge.store.views.view import View

_SUBSCRIPTIONS = View(
    Subscription,
    "subscriptions s LEFT JOIN apps ON apps.adam_id = s.parent_adam_id",
    "s.",
    {"app_name": "apps.name", "assignments": "NULL"},
)
_ASSIGNMENTS = View(
    SubscriptionAssignment,
    "asked CROSS JOIN subscription_assignments a LEFT JOIN subscriptions s "
    "ON s.location = a.location AND s.adam_id = a.adam_id",
    "a.",
    {"ends_on": "CASE WHEN a.state = 'ending' THEN s.period_ends_on END", "error": "NULL"},
)
_HELD_BY = (
    "EXISTS (SELECT 1 FROM subscription_assignments h WHERE h.location = s.location "
    "AND h.adam_id = s.adam_id AND h.client_user_id = ?)"
)


def subscriptions(
    db: Connection,
    *,
    location: str | None = None,
    adam_id: str | None = None,
    client_user_id: str | None = None,
    limit: int = 100,
    cursor: str | None = None,
) -> Page[Subscription]:
    """Subscriptions, ordered by location and adam id, each with its assignments.

    `adam_id` may be the app's, too; with `client_user_id` those of which this user is known, and of
    the assignments only that user's.
    """
    filters: Filters = {
        "s.location = ?": location,
        "(s.adam_id = ? OR s.parent_adam_id = ?)": None if adam_id is None else (adam_id, adam_id),
        _HELD_BY: client_user_id,
    }
    order = Order(("s.location", "s.adam_id"), (str, str))
    page = fetch(db, _SUBSCRIPTIONS, filters, order, limit, cursor)
    keys = [(item["location"], item["adam_id"]) for item in page.items]
    held = _assignments(db, keys, client_user_id)
    for item, key in zip(page.items, keys, strict=True):
        item["assignments"] = held.get(key, [])
    return page


def _assignments(
    db: Connection, keys: Sequence[tuple[str, str]], client_user_id: str | None
) -> dict[tuple[str, str], list[SubscriptionAssignment]]:
    values = [text for key in keys for text in key]
    narrowed = "" if client_user_id is None else " AND a.client_user_id = ?"
    rows = db.execute(
        f"{asked(len(keys))}SELECT {_ASSIGNMENTS.selected}, a.location, a.adam_id "
        f"FROM {_ASSIGNMENTS.source} "
        f"WHERE a.location = asked.one AND a.adam_id = asked.other{narrowed} "
        "ORDER BY a.location, a.adam_id, a.client_user_id",
        (*values, *(() if client_user_id is None else (client_user_id,))),
    )
    found: dict[tuple[str, str], list[SubscriptionAssignment]] = {}
    for row in rows:
        item = _ASSIGNMENTS.read(row)
        number = item["error_number"]
        item["error"] = None if number is None else apple_error(number).cause
        found.setdefault((row[-2], row[-1]), []).append(item)
    return found
