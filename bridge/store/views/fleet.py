"""Installs, devices and messages as people and programs page through them, ready for JSON."""

from __future__ import annotations

from typing import Any

from bridge.domain.times import rfc3339
from bridge.domain.views import Page
from bridge.store.database import Connection, Row
from bridge.store.paging import Order, fetch


def installs(
    db: Connection,
    *,
    serial: str | None = None,
    adam_id: str | None = None,
    state: str | None = None,
    reason: str | None = None,
    limit: int = 100,
    cursor: str | None = None,
) -> Page:
    """Installs ordered by serial number and adam id."""
    filters = {
        "i.target = ?": serial,
        "i.adam_id = ?": adam_id,
        "i.state = ?": state,
        "i.reason = ?": reason,
    }
    order = Order(("i.target", "i.adam_id"), (str, str))
    return fetch(db, _INSTALLS, filters, order, _install, limit, cursor)


_DEVICE_OF = (
    "(SELECT d.id FROM devices d WHERE d.serial_number = i.target "
    "ORDER BY coalesce(d.enrolled, 0) DESC, coalesce(d.enrolled_at, 0) DESC, d.id DESC LIMIT 1)"
)
_INSTALLS = (
    "SELECT i.*, d.server, d.udid FROM installs i "
    f"LEFT JOIN devices d ON i.target_kind = 'serial' AND d.id = {_DEVICE_OF}"
)


def _install(row: Row) -> dict[str, Any]:
    is_device = row["target_kind"] == "serial"
    return {
        "serial_number": row["target"] if is_device else None,
        "client_user_id": None if is_device else row["target"],
        "adam_id": row["adam_id"],
        "pricing_param": row["pricing_param"],
        "location": row["location"],
        "server": row["server"],
        "udid": row["udid"],
        "state": row["state"],
        "reason": row["reason"],
        "detail": row["detail"],
        "wanted_by": row["wanted_by"] if row["wanted"] else None,
        "attempts": row["attempts"],
        "since": rfc3339(row["since"]),
        "updated_at": rfc3339(row["updated_at"]),
        "next_check_at": rfc3339(row["next_check_at"]),
    }


def install(db: Connection, serial: str, adam_id: str) -> dict[str, Any] | None:
    """One install, as in the list."""
    row = db.execute(
        f"{_INSTALLS} WHERE i.target = ? AND i.adam_id = ?", (serial, adam_id)
    ).fetchone()
    return _install(row) if row else None


def devices(
    db: Connection,
    *,
    serial: str | None = None,
    server: str | None = None,
    enrolled: bool | None = None,
    limit: int = 100,
    cursor: str | None = None,
) -> Page:
    """Devices that an MDM server showed, ordered by the bridge's own id."""
    filters = {"serial_number = ?": serial, "server = ?": server, "enrolled = ?": enrolled}
    order = Order(("id",), (int,))
    return fetch(db, "SELECT * FROM devices", filters, order, _device, limit, cursor)


def _device(row: Row) -> dict[str, Any]:
    return {
        "id": row["id"],
        "server": row["server"],
        "serial_number": row["serial_number"],
        "claimed_serial_number": row["claimed_serial"],
        "udid": row["udid"],
        "enrollment_id": row["enrollment_id"],
        "name": row["name"],
        "product_name": row["product_name"],
        "model": row["model"],
        "os_version": row["os_version"],
        "enrolled": None if row["enrolled"] is None else bool(row["enrolled"]),
        "enrolled_at": rfc3339(row["enrolled_at"]),
        "last_seen_at": rfc3339(row["last_seen_at"]),
        "apps_listed_at": rfc3339(row["apps_listed_at"]),
    }


def events(
    db: Connection,
    *,
    source: str | None = None,
    topic: str | None = None,
    status: str | None = None,
    limit: int = 100,
    cursor: str | None = None,
) -> Page:
    """Inbound messages without their bodies, the newest first."""
    filters = {"source = ?": source, "topic = ?": topic, "status = ?": status}
    order = Order(("id",), (int,), newest_first=True)
    return fetch(db, _EVENTS, filters, order, _event, limit, cursor)


_EVENTS = (
    "SELECT id, source, origin, topic, message_id, received_at, processed_at, status, tries, "
    "error, outcome, udid, command_uuid, apple_event_id FROM events"
)


def _event(row: Row) -> dict[str, Any]:
    item = {name: row[name] for name in row.keys()}  # noqa: SIM118 - a Row iterates over values
    return item | {
        "received_at": rfc3339(row["received_at"]),
        "processed_at": rfc3339(row["processed_at"]),
    }
