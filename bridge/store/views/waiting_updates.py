"""How many devices wait for the newest version of which app, for people."""

from __future__ import annotations

from dataclasses import dataclass

from bridge.domain.updates.facts import OPEN
from bridge.store import rows
from bridge.store.database import Connection

_SQL_OPEN = rows.among(OPEN)


@dataclass(frozen=True, slots=True)
class Waiting:
    """Devices that wait for a version in the same way; `begun_ring` is the last that has begun."""

    adam_id: str
    name: str | None
    storefront: str
    family: str
    version: str | None
    external_version: int | None
    begun_ring: int
    stopped: str | None
    ring: int
    options: str
    devices: int
    opens_at: float


def waiting(db: Connection) -> list[Waiting]:
    """All devices that wait for the newest version of an app."""
    found = db.execute(
        "SELECT u.adam_id, a.name, u.storefront, u.family, r.version, r.external_version, r.ring, "
        "r.stopped, u.ring, i.options, count(*), min(u.opens_at) FROM updates u "
        "JOIN installs i ON i.id = u.install_id JOIN rollouts r ON r.adam_id = u.adam_id "
        "AND r.storefront = u.storefront AND r.family = u.family AND r.number = u.number "
        "LEFT JOIN apps a ON a.adam_id = u.adam_id "
        f"WHERE u.state IN {_SQL_OPEN} AND i.desired = 1 "
        "GROUP BY u.adam_id, a.name, u.storefront, u.family, r.version, r.external_version, "
        "r.ring, r.stopped, u.ring, i.options "
        "ORDER BY u.adam_id, u.storefront, u.family, u.ring, i.options"
    )
    return [Waiting(*row) for row in found]
