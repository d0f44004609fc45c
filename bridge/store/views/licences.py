"""What Apple's side shows, as people and programs page through it, each item ready for JSON."""

from __future__ import annotations

from dataclasses import dataclass

from bridge.domain.views import Page
from bridge.domain.views.licences import Asset, Assignment, Location
from bridge.store import rows
from bridge.store.database import Connection
from bridge.store.devices.devices import target_of
from bridge.store.paging import Filters, Order, fetch
from bridge.store.views.view import View, carrier, is_user, user_of

_ASSETS = View(
    Asset,
    "assets a LEFT JOIN apps ON apps.adam_id = a.adam_id",
    "a.",
    {"name": "apps.name", "bundle_id": "apps.bundle_id"},
)
_WANTED = (
    "CASE WHEN EXISTS (SELECT 1 FROM installs i WHERE i.target = a.target "
    "AND i.adam_id = a.adam_id AND i.desired = 1 "
    "AND i.location = a.location AND i.pricing_param = a.pricing_param) THEN 1 ELSE 0 END"
)
_ASSIGNMENTS = View(
    Assignment,
    "assignments a LEFT JOIN apps ON apps.adam_id = a.adam_id "
    f"LEFT JOIN devices d ON d.id = {carrier('a.target')}",
    "a.",
    {
        "serial_number": f"CASE WHEN NOT {is_user('a.target')} THEN a.target END",
        "client_user_id": f"CASE WHEN {is_user('a.target')} THEN {user_of('a.target')} END",
        "device_name": "d.name",
        "app_name": "apps.name",
        "by_us": "a.ours",
        "wanted": _WANTED,
    },
)
_HELD_BY_DEVICE = "a.target = ?"
_LOCATIONS = View(
    Location,
    "locations",
    columns={
        "stopped": "suspended",
        "stopped_detail": "suspended_detail",
        "token_expires_at": "CASE WHEN token_file_expires_at < token_apple_expires_at "
        "THEN token_file_expires_at "
        "ELSE coalesce(token_apple_expires_at, token_file_expires_at) END",
    },
)


def assets(
    db: Connection,
    *,
    location: str | None = None,
    adam_id: str | None = None,
    limit: int = 100,
    cursor: str | None = None,
) -> Page[Asset]:
    """What the locations own, ordered by location, adam id and pricing parameter."""
    filters = {"a.location = ?": location, "a.adam_id = ?": adam_id}
    order = Order(("a.location", "a.adam_id", "a.pricing_param"), (str, str, str))
    return fetch(db, _ASSETS, filters, order, limit, cursor)


def assignments(
    db: Connection,
    *,
    location: str | None = None,
    adam_id: str | None = None,
    serial: str | None = None,
    unwanted: bool | None = None,
    limit: int = 100,
    cursor: str | None = None,
) -> Page[Assignment]:
    """Licences in use, whoever assigned them, ordered by location, asset and holder."""
    filters: Filters = {
        "a.location = ?": location,
        "a.adam_id = ?": adam_id,
        _HELD_BY_DEVICE: serial and target_of(db, serial),
        f"{_WANTED} = ?": None if unwanted is None else int(not unwanted),
    }
    columns = ("a.location", "a.adam_id", "a.pricing_param", "a.target")
    order = Order(columns, (str,) * len(columns))
    return fetch(db, _ASSIGNMENTS, filters, order, limit, cursor)


@dataclass(frozen=True, slots=True)
class Confirmation:
    """A request for licences that Apple confirmed: when it was asked and when that was known."""

    submitted_at: float
    settled_at: float
    settled_by: str
    location: str
    count: int


def confirmations(db: Connection, limit: int) -> list[Confirmation]:
    """The newest requests that are confirmed, the newest first."""
    found = db.execute(
        "SELECT submitted_at, settled_at, settled_by, location, num_requested AS count "
        "FROM apple_requests WHERE kind = 'ASSOCIATE' AND state = 'done' "
        "AND submitted_at IS NOT NULL AND settled_at >= submitted_at AND settled_by IS NOT NULL "
        "ORDER BY id DESC LIMIT ?",
        (limit,),
    )
    return [rows.read(Confirmation, row) for row in found]


def locations(db: Connection, *, limit: int = 100, cursor: str | None = None) -> Page[Location]:
    """Content tokens' locations, ordered by name."""
    order = Order(("name",), (str,))
    return fetch(db, _LOCATIONS, {}, order, limit, cursor)
