"""Installs, devices and messages as people and programs page through them, ready for JSON."""

from __future__ import annotations

from bridge.domain.views import Page
from bridge.domain.views.devices import Device
from bridge.domain.views.installs import Install
from bridge.domain.views.traffic import Event
from bridge.store.database import Connection
from bridge.store.inbox.waiting import NOTHING, Waiting
from bridge.store.paging import Order, cursor_after, fetch
from bridge.store.views.view import View

_DEVICE_OF = (
    "(SELECT d.id FROM devices d WHERE d.serial_number = i.target "
    "ORDER BY coalesce(d.enrolled, 0) DESC, coalesce(d.enrolled_at, 0) DESC, d.id DESC LIMIT 1)"
)
_INSTALLS = View(
    Install,
    f"installs i LEFT JOIN devices d ON i.target_kind = 'serial' AND d.id = {_DEVICE_OF}",
    "i.",
    {
        "serial_number": "CASE WHEN i.target_kind = 'serial' THEN i.target END",
        "client_user_id": "CASE WHEN i.target_kind <> 'serial' THEN i.target END",
        "server": "d.server",
        "udid": "d.udid",
        "wanted_by": "CASE WHEN i.desired = 1 THEN i.desired_by END",
    },
)


def installs(
    db: Connection,
    *,
    serial: str | None = None,
    adam_id: str | None = None,
    state: str | None = None,
    reason: str | None = None,
    limit: int = 100,
    cursor: str | None = None,
) -> Page[Install]:
    """Installs ordered by serial number and adam id."""
    filters = {
        "i.target = ?": serial,
        "i.adam_id = ?": adam_id,
        "i.state = ?": state,
        "i.reason = ?": reason,
    }
    order = Order(("i.target", "i.adam_id"), (str, str))
    return fetch(db, _INSTALLS, filters, order, limit, cursor)


def install(db: Connection, serial: str, adam_id: str) -> Install | None:
    """One install, as in the list."""
    row = db.execute(
        f"{_INSTALLS.query} WHERE i.target = ? AND i.adam_id = ?", (serial, adam_id)
    ).fetchone()
    return _INSTALLS.read(row) if row else None


_DEVICES = View(Device, "devices", columns={"claimed_serial_number": "claimed_serial"})


def devices(
    db: Connection,
    *,
    serial: str | None = None,
    server: str | None = None,
    enrolled: bool | None = None,
    limit: int = 100,
    cursor: str | None = None,
) -> Page[Device]:
    """Devices that an MDM server showed, ordered by the bridge's own id."""
    filters = {"serial_number = ?": serial, "server = ?": server, "enrolled = ?": enrolled}
    return fetch(db, _DEVICES, filters, Order(("id",), (int,)), limit, cursor)


_EVENTS = View(Event, "events")
_WAITING = View(
    Event,
    "inbox",
    columns={"status": "'new'", "tries": "0"}
    | dict.fromkeys(("processed_at", "error", "outcome"), "NULL"),
)


def events(
    db: Connection,
    *,
    waiting: Waiting = NOTHING,
    source: str | None = None,
    topic: str | None = None,
    status: str | None = None,
    limit: int = 100,
    cursor: str | None = None,
) -> Page[Event]:
    """Inbound messages without their bodies, the newest first: those that wait, and the others."""
    filters = {"source = ?": source, "topic = ?": topic, "status = ?": status}
    order = Order(("id",), (int,), newest_first=True)
    taken = fetch(db, _EVENTS, filters, order, limit, cursor)
    if waiting.db is None or status not in (None, "new"):
        return taken
    del filters["status = ?"]
    beyond = {**filters, "body IS NOT NULL AND id > ?": waiting.taken}
    newer = fetch(waiting.db, _WAITING, beyond, order, limit, cursor)
    if newer.next_cursor is not None:
        return newer
    items = [*newer.items, *taken.items]
    if len(items) <= limit:
        return Page(items, taken.next_cursor)
    return Page(items[:limit], cursor_after([items[limit - 1]["id"]]))
