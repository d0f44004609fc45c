"""What Apple's side shows, as people and programs page through it, each item ready for JSON."""

from __future__ import annotations

from typing import Any

from bridge.domain.times import rfc3339
from bridge.domain.views import Page
from bridge.store.database import Connection, Row
from bridge.store.paging import Order, fetch


def assets(
    db: Connection,
    *,
    location: str | None = None,
    adam_id: str | None = None,
    limit: int = 100,
    cursor: str | None = None,
) -> Page:
    """What the locations own, ordered by location, adam id and pricing parameter."""
    filters = {"a.location = ?": location, "a.adam_id = ?": adam_id}
    order = Order(("a.location", "a.adam_id", "a.pricing_param"), (str, str, str))
    return fetch(db, _ASSETS, filters, order, _asset, limit, cursor)


_ASSETS = (
    "SELECT a.*, apps.name, apps.bundle_id FROM assets a LEFT JOIN apps ON apps.adam_id = a.adam_id"
)


def _asset(row: Row) -> dict[str, Any]:
    return {
        "location": row["location"],
        "adam_id": row["adam_id"],
        "pricing_param": row["pricing_param"],
        "name": row["name"],
        "bundle_id": row["bundle_id"],
        "product_type": row["product_type"],
        "platforms": row["platforms"],
        "unlimited": bool(row["unlimited"]),
        "total": row["total"],
        "available": row["available"],
        "assigned": row["assigned"],
        "retired": row["retired"],
        "device_assignable": bool(row["device_assignable"]),
        "revocable": bool(row["revocable"]),
        "read_at": rfc3339(row["read_at"]),
        "counted_at": rfc3339(row["counted_at"]),
    }


def assignments(
    db: Connection,
    *,
    location: str | None = None,
    adam_id: str | None = None,
    serial: str | None = None,
    limit: int = 100,
    cursor: str | None = None,
) -> Page:
    """Licences in use, whoever assigned them, ordered by location, asset and holder."""
    filters = {"location = ?": location, "adam_id = ?": adam_id, _HELD_BY_DEVICE: serial}
    columns = ("location", "adam_id", "pricing_param", "target_kind", "target")
    order = Order(columns, (str,) * len(columns))
    return fetch(db, "SELECT * FROM assignments", filters, order, _assignment, limit, cursor)


_HELD_BY_DEVICE = "target_kind = 'serial' AND target = ?"


def _assignment(row: Row) -> dict[str, Any]:
    is_device = row["target_kind"] == "serial"
    return {
        "location": row["location"],
        "adam_id": row["adam_id"],
        "pricing_param": row["pricing_param"],
        "serial_number": row["target"] if is_device else None,
        "client_user_id": None if is_device else row["target"],
        "confirmed_by": row["confirmed_by"],
        "confirmed_at": rfc3339(row["confirmed_at"]),
        "read_at": rfc3339(row["read_at"]),
    }


def locations(db: Connection, *, limit: int = 100, cursor: str | None = None) -> Page:
    """Content tokens' locations, ordered by name."""
    order = Order(("name",), (str,))
    return fetch(db, "SELECT * FROM locations", {}, order, _location, limit, cursor)


def _location(row: Row) -> dict[str, Any]:
    ends = [row[name] for name in ("token_file_expires_at", "token_apple_expires_at")]
    return {
        "name": row["name"],
        "library_uid": row["library_uid"],
        "location_name": row["location_name"],
        "country": row["country"],
        "platform": row["platform"],
        "stopped": row["stopped"],
        "stopped_detail": row["stopped_detail"],
        "mdm_id": row["mdm_id"],
        "mdm_name": row["mdm_name"],
        "notification_url": row["notification_url"],
        "registered_at": rfc3339(row["registered_at"]),
        "token_expires_at": rfc3339(min((end for end in ends if end is not None), default=None)),
        "max_assets": row["max_assets"],
        "max_serial_numbers": row["max_serial_numbers"],
        "heard_at": rfc3339(row["heard_at"]),
        "assets_read_at": rfc3339(row["assets_read_at"]),
        "assignments_read_at": rfc3339(row["assignments_read_at"]),
        "last_notification_at": rfc3339(row["last_notification_at"]),
    }
