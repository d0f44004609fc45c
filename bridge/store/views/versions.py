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


_BUNDLE_ID = "coalesce(i.bundle_id, apps.bundle_id)"
_SHOWN = (
    "CASE WHEN v.asked_at >= coalesce(u.started_at, 0) "
    "THEN coalesce(v.short_version, v.version) END"
)
_TOLD = "i.adam_id, i.location, d.product_name"
_INSTALLS = (
    f"installs i JOIN devices d ON d.id = {carrier('i.target')} "
    "LEFT JOIN apps ON apps.adam_id = i.adam_id "
    "LEFT JOIN updates u ON u.install_id = i.id "
    f"LEFT JOIN installed_apps v ON v.device_id = d.id AND v.bundle_id = {_BUNDLE_ID} "
    "AND v.presence <> 'absent' "
    f"LEFT JOIN app_reports r ON r.device_id = d.id AND r.bundle_id = {_BUNDLE_ID} "
    "AND r.status IS NOT NULL"
)


def of_app(db: Connection, adam_id: str) -> list[VersionCount]:
    """On how many devices an app is, in which version."""
    return _counted(db, "i.adam_id = ?", adam_id)


def of_device(db: Connection, named: str) -> list[VersionCount]:
    """The versions of the apps that are on a device."""
    return _counted(db, "i.target = ?", target_of(db, named))


def _counted(db: Connection, where: str, value: str) -> list[VersionCount]:
    found = db.execute(
        f"SELECT {_TOLD}, {_SHOWN} AS shown, r.external_version, apps.newest_version, count(*) "
        f"FROM {_INSTALLS} WHERE {where} AND i.desired = 1 AND i.state = 'installed' "
        f"GROUP BY {_TOLD}, shown, r.external_version, apps.newest_version",
        (value,),
    )
    return [VersionCount(*row) for row in found]
