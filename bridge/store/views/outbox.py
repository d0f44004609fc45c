"""What goes out, as people and programs page through it, each item ready for JSON.

No item carries what was sent: a call's body may hold an app's settings, which are secrets.
"""

from __future__ import annotations

from typing import Any

from bridge.domain.times import rfc3339
from bridge.domain.views import Page
from bridge.store.database import Connection, Row
from bridge.store.paging import Order, fetch


def outbox(
    db: Connection,
    *,
    service: str | None = None,
    scope: str | None = None,
    kind: str | None = None,
    state: str | None = None,
    limit: int = 100,
    cursor: str | None = None,
) -> Page:
    """Intended outside calls, the newest first."""
    filters = {"service = ?": service, "scope = ?": scope, "kind = ?": kind, "state = ?": state}
    order = Order(("id",), (int,), newest_first=True)
    return fetch(db, "SELECT * FROM outbox", filters, order, _call, limit, cursor)


def _call(row: Row) -> dict[str, Any]:
    return {
        "id": row["id"],
        "service": row["service"],
        "scope": row["scope"],
        "kind": row["kind"],
        "key": row["key"],
        "state": row["state"],
        "tries": row["tries"],
        "error": row["error"],
        "created_at": rfc3339(row["created_at"]),
        "due_at": rfc3339(row["due_at"]),
        "claimed_at": rfc3339(row["claimed_at"]),
        "settled_at": rfc3339(row["settled_at"]),
    }


def commands(
    db: Connection,
    *,
    serial: str | None = None,
    server: str | None = None,
    request_type: str | None = None,
    state: str | None = None,
    limit: int = 100,
    cursor: str | None = None,
) -> Page:
    """MDM commands of the bridge, the newest first."""
    filters = {
        "d.serial_number = ?": serial,
        "c.server = ?": server,
        "c.request_type = ?": request_type,
        "c.state = ?": state,
    }
    order = Order(("c.created_at", "c.command_uuid"), (float, str), newest_first=True)
    return fetch(db, _COMMANDS, filters, order, _command, limit, cursor)


_COMMANDS = (
    "SELECT c.*, d.serial_number, d.udid, i.adam_id FROM commands c "
    "LEFT JOIN devices d ON d.id = c.device_id LEFT JOIN installs i ON i.id = c.install_id"
)


def _command(row: Row) -> dict[str, Any]:
    return {
        "command_uuid": row["command_uuid"],
        "server": row["server"],
        "serial_number": row["serial_number"],
        "udid": row["udid"],
        "adam_id": row["adam_id"],
        "request_type": row["request_type"],
        "state": row["state"],
        "attempt": row["attempt"],
        "posts": row["posts"],
        "status": row["status"],
        "error_domain": row["error_domain"],
        "error_code": row["error_code"],
        "error_text": row["error_text"],
        "app_state": row["app_state"],
        "rejection_reason": row["rejection_reason"],
        "created_at": rfc3339(row["created_at"]),
        "due_at": rfc3339(row["due_at"]),
        "posted_at": rfc3339(row["posted_at"]),
        "in_doubt_at": rfc3339(row["in_doubt_at"]),
        "not_now_since": rfc3339(row["not_now_since"]),
        "answered_at": rfc3339(row["answered_at"]),
    }
