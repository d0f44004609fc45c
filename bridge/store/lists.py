"""The lists that people and programs page through, each item ready for JSON.

A page is found by its predecessor's last key, so that it costs the same wherever it lies and
rows that come or go meanwhile neither repeat nor hide others.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from bridge.domain.views import Page
from bridge.errors import QueryError
from bridge.store.database import Connection, Row

LONGEST_CURSOR = 300


def rfc3339(moment: float | None) -> str | None:
    """Seconds since the epoch as RFC 3339 in UTC with `Z`, in whole milliseconds."""
    if moment is None:
        return None
    text = datetime.fromtimestamp(round(moment, 3), UTC).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")


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
    where, values = _where(
        ("i.target = ?", serial),
        ("i.adam_id = ?", adam_id),
        ("i.state = ?", state),
        ("i.reason = ?", reason),
    )
    if cursor is not None:
        where, values = f"{where} AND (i.target, i.adam_id) > (?, ?)", values + _key(cursor, 2)
    found = db.execute(
        f"{_INSTALLS} WHERE {where} ORDER BY i.target, i.adam_id LIMIT ?", (*values, limit + 1)
    ).fetchall()
    return _page([_install(r) for r in found], limit, ("serial_number", "adam_id"))


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
    db: Connection, *, serial: str | None = None, limit: int = 100, cursor: str | None = None
) -> Page:
    """Devices that an MDM server showed, ordered by the bridge's own id."""
    where, values = _where(("serial_number = ?", serial))
    if cursor is not None:
        where, values = f"{where} AND id > ?", values + _key(cursor, 1)
    found = db.execute(
        f"SELECT * FROM devices WHERE {where} ORDER BY id LIMIT ?", (*values, limit + 1)
    ).fetchall()
    return _page([_device(r) for r in found], limit, ("id",))


def _device(row: Row) -> dict[str, Any]:
    return {
        "id": row["id"],
        "server": row["server"],
        "serial_number": row["serial_number"],
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
    where, values = _where(("source = ?", source), ("topic = ?", topic), ("status = ?", status))
    if cursor is not None:
        where, values = f"{where} AND id < ?", values + _key(cursor, 1)
    found = db.execute(
        "SELECT id, source, origin, topic, message_id, received_at, processed_at, status, tries, "
        f"error, outcome, udid, command_uuid, apple_event_id FROM events WHERE {where} "
        "ORDER BY id DESC LIMIT ?",
        (*values, limit + 1),
    ).fetchall()
    return _page([_event(r) for r in found], limit, ("id",))


def _event(row: Row) -> dict[str, Any]:
    item = {key: row[key] for key in row.keys()}  # noqa: SIM118 - a Row iterates over values
    return item | {
        "received_at": rfc3339(row["received_at"]),
        "processed_at": rfc3339(row["processed_at"]),
    }


def _where(*filters: tuple[str, str | None]) -> tuple[str, tuple[Any, ...]]:
    chosen = [(text, value) for text, value in filters if value is not None]
    return " AND ".join(["1 = 1", *(text for text, _ in chosen)]), tuple(v for _, v in chosen)


def _page(items: Sequence[dict[str, Any]], limit: int, key: Sequence[str]) -> Page:
    shown = items[:limit]
    more = len(items) > limit
    return Page(shown, _cursor([shown[-1][name] for name in key]) if more else None)


def _cursor(key: Sequence[Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(list(key)).encode()).decode().rstrip("=")


def _key(cursor: str, length: int) -> tuple[Any, ...]:
    try:
        if len(cursor) > LONGEST_CURSOR:
            raise ValueError(cursor[:20])
        padded = cursor.encode() + b"=" * (-len(cursor) % 4)
        key = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
    except (binascii.Error, ValueError):
        key = None
    usable = _is_text if length == 2 else _is_id
    if not isinstance(key, list) or len(key) != length or not all(map(usable, key)):
        raise QueryError("this cursor is not one that the list gave out: begin without a cursor")
    return tuple(key)


def _is_text(value: object) -> bool:
    return isinstance(value, str) and value.isascii()


def _is_id(value: object) -> bool:
    return type(value) is int and 0 <= value < 2**63
