"""What goes out, as people and programs page through it, each item ready for JSON.

No item carries what was sent: a call's body may hold an app's settings, which are secrets.
"""

from __future__ import annotations

from bridge.domain.devices.targets import enrolment_of
from bridge.domain.views import Page
from bridge.domain.views.traffic import Command, Outgoing
from bridge.store.database import Connection
from bridge.store.devices.devices import target_of
from bridge.store.paging import Filters, Order, fetch
from bridge.store.views.view import View

_OUTBOX = View(Outgoing, "outbox")
_COMMANDS = View(
    Command,
    "commands c LEFT JOIN devices d ON d.id = c.device_id "
    "LEFT JOIN installs i ON i.id = c.install_id",
    "c.",
    {"serial_number": "d.serial_number", "udid": "d.udid", "adam_id": "i.adam_id"},
)


def outbox(
    db: Connection,
    *,
    row_id: int | None = None,
    service: str | None = None,
    scope: str | None = None,
    kind: str | None = None,
    state: str | None = None,
    limit: int = 100,
    cursor: str | None = None,
) -> Page[Outgoing]:
    """Intended outside calls, the newest first."""
    filters: Filters = {
        "id = ?": row_id,
        "service = ?": service,
        "scope = ?": scope,
        "kind = ?": kind,
        "state = ?": state,
    }
    order = Order(("id",), (int,), newest_first=True)
    return fetch(db, _OUTBOX, filters, order, limit, cursor)


def commands(
    db: Connection,
    *,
    serial: str | None = None,
    server: str | None = None,
    request_type: str | None = None,
    state: str | None = None,
    limit: int = 100,
    cursor: str | None = None,
) -> Page[Command]:
    """MDM commands of the bridge, the newest first."""
    target = serial and target_of(db, serial)
    enrollment_id = target and enrolment_of(target)
    filters = {
        "d.serial_number = ?": None if enrollment_id else target,
        "d.enrollment_id = ?": enrollment_id,
        "c.server = ?": server,
        "c.request_type = ?": request_type,
        "c.state = ?": state,
    }
    order = Order(("c.created_at", "c.command_uuid"), (float, str), newest_first=True)
    return fetch(db, _COMMANDS, filters, order, limit, cursor)
