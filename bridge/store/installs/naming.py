"""By which bundle ids the app of an install goes, and whom a device's list of apps concerns."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from bridge.domain.installs.news import concerns
from bridge.store.database import Connection
from bridge.store.installs.installs import touch_ids


@dataclass(frozen=True, slots=True)
class Naming:
    """The bundle id that its device named for an install (`own`), and that of the app, told by."""

    adam_id: str
    target: str
    own: str | None
    of_app: str | None
    told_by: str | None


def of_install(db: Connection, install_id: int) -> Naming | None:
    """By which names an install goes."""
    row = db.execute(
        "SELECT installs.adam_id, installs.target, installs.bundle_id, apps.bundle_id, "
        "apps.bundle_id_from FROM installs LEFT JOIN apps ON apps.adam_id = installs.adam_id "
        "WHERE installs.id = ?",
        (install_id,),
    ).fetchone()
    return Naming(*row) if row else None


def touch_listed(db: Connection, serial_number: str, news: Collection[str], now: float) -> None:
    """A device listed its apps: mark dirty the installs that it concerns, which are those of the
    bundle ids in `news`, of unknown ones, and what waits for a list."""
    found = db.execute(
        "SELECT installs.id, reason, next_check_at, coalesce(installs.bundle_id, apps.bundle_id) "
        "FROM installs LEFT JOIN apps ON apps.adam_id = installs.adam_id "
        "WHERE target = ? AND dirty_at IS NULL",
        (serial_number,),
    )
    concerned = [
        row[0] for row in found if row[3] is None or row[3] in news or concerns(row[1], row[2], now)
    ]
    touch_ids(db, concerned, now)
