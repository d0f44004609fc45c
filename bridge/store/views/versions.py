"""Which versions of apps devices have, counted for people."""

from __future__ import annotations

from dataclasses import dataclass

from bridge.store.database import Connection
from bridge.store.devices.devices import target_of
from bridge.store.views.view import carrier


@dataclass(frozen=True, slots=True)
class VersionCount:
    """So many devices of one product told the same of an app that is there. `shown` is a version as
    people read it, `external` Apple's number of it; None for what was not told since the app was
    last sent to them. `in_store` is the newest one, as Apple's metadata last told."""

    adam_id: str
    location: str
    product_name: str | None
    shown: str | None
    external: str | None
    in_store: str | None
    devices: int


_IS_NEWER = "v.asked_at >= coalesce(u.started_at, 0)"
_BUNDLE_ID = "coalesce(i.bundle_id, apps.bundle_id)"
_FOUND = (
    "SELECT i.adam_id, i.location, d.product_name, "
    f"CASE WHEN {_IS_NEWER} THEN coalesce(v.short_version, v.version) END AS shown, "
    "r.external_version, apps.newest_version, count(*) FROM installs i "
    f"JOIN devices d ON d.id = {carrier('i.target')} "
    "LEFT JOIN apps ON apps.adam_id = i.adam_id "
    "LEFT JOIN updates u ON u.install_id = i.id "
    f"LEFT JOIN installed_apps v ON v.device_id = d.id AND v.bundle_id = {_BUNDLE_ID} "
    "AND v.presence <> 'absent' "
    f"LEFT JOIN app_reports r ON r.device_id = d.id AND r.bundle_id = {_BUNDLE_ID} "
    "AND r.status IS NOT NULL WHERE {0} AND i.desired = 1 AND i.state = 'installed' "
    "GROUP BY i.adam_id, i.location, d.product_name, shown, r.external_version, "
    "apps.newest_version"
)


def of_app(db: Connection, adam_id: str) -> list[VersionCount]:
    """On how many devices an app is, in which version."""
    return [VersionCount(*row) for row in db.execute(_FOUND.format("i.adam_id = ?"), (adam_id,))]


def of_device(db: Connection, named: str) -> list[VersionCount]:
    """The versions of the apps that are on a device."""
    found = db.execute(_FOUND.format("i.target = ?"), (target_of(db, named),))
    return [VersionCount(*row) for row in found]
