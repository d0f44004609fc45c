"""Installs whose licence may come from several locations, while they wait for a seat."""

from __future__ import annotations

from bridge.domain.devices.targets import USER
from bridge.domain.model import Asset
from bridge.store.database import Connection
from bridge.store.installs import location_lists

_WAITS = (
    "i.needs_seat = 1 AND i.location = ? AND i.adam_id = ? AND i.pricing_param = ? "
    "AND i.locations <> i.location"
)


def owned(db: Connection, location: str, asset: Asset) -> list[tuple[int, str]]:
    """Who waits at a location for what it holds at another of its locations: (install, where)."""
    found = db.execute(
        "SELECT i.id, a.location FROM installs i JOIN assignments a "
        f"ON a.target = CASE WHEN i.client_user_id IS NULL THEN i.target "
        f"ELSE '{USER}' || i.client_user_id END "
        "AND a.adam_id = i.adam_id AND a.pricing_param = i.pricing_param "
        "AND a.location <> i.location "
        "JOIN location_lists l ON l.locations = i.locations AND l.location = a.location "
        f"WHERE {_WAITS} "
        "ORDER BY i.id, a.location",
        (location, asset.adam_id, asset.pricing_param),
    )
    return [(row[0], row[1]) for row in found]


def waiting(db: Connection, location: str, asset: Asset) -> dict[tuple[str, ...], list[int]]:
    """Who waits at a location, by the locations that could serve them: the first in line first."""
    found = db.execute(
        f"SELECT i.locations, i.id FROM installs i WHERE {_WAITS} "
        "ORDER BY i.priority DESC, i.created_at, i.id",
        (location, asset.adam_id, asset.pricing_param),
    )
    lists = location_lists.load(db)
    result: dict[tuple[str, ...], list[int]] = {}
    for row in found:
        result.setdefault(lists[row[0]], []).append(row[1])
    return result


def move(db: Connection, install_id: int, location: str, now: float) -> None:
    """The licence shall come from this location; it is decided anew."""
    db.execute(
        "UPDATE installs SET location = ?, needs_seat = 0, updated_at = ?, "
        "dirty_at = coalesce(dirty_at, ?) WHERE id = ?",
        (location, now, now, install_id),
    )
