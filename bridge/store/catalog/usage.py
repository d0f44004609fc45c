"""How many licences were in use on each day: a small history, for a forecast."""

from __future__ import annotations

from bridge.domain.licences.forecast import DayCount
from bridge.domain.model import Asset
from bridge.domain.policy import DAY
from bridge.store.database import Connection


def keep_day(db: Connection, location: str, now: float) -> None:
    """Keep today's counts of a location's limited assets; the last of a day stands."""
    db.execute(
        "INSERT INTO asset_days (location, adam_id, pricing_param, day, used) "
        "SELECT location, adam_id, pricing_param, ?, total - available - coalesce(retired, 0) "
        "FROM assets "
        "WHERE location = ? AND unlimited = 0 AND total IS NOT NULL AND available IS NOT NULL "
        "ON CONFLICT (location, adam_id, pricing_param, day) DO UPDATE SET used = excluded.used",
        (int(now // DAY), location),
    )


def history(db: Connection, location: str, asset: Asset) -> list[DayCount]:
    """The counts that are kept of an asset, the oldest first."""
    found = db.execute(
        "SELECT day, used FROM asset_days WHERE location = ? AND adam_id = ? "
        "AND pricing_param = ? ORDER BY day",
        (location, asset.adam_id, asset.pricing_param),
    )
    return [DayCount(row[0], row[1]) for row in found]
