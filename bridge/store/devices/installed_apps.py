"""What devices said in an InstalledApplicationList, which has unmanaged apps, too."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain

from bridge.domain.devices.installed_apps import InstalledReport
from bridge.store import rows
from bridge.store.database import Connection


def reported(
    db: Connection, apps: Sequence[tuple[int, str]]
) -> dict[tuple[int, str], InstalledReport]:
    """What these devices said of these apps, by (device, bundle id), as far as they were asked."""
    if not apps:
        return {}
    found = db.execute(
        f"{rows.asked(len(apps))}SELECT {rows.columns(InstalledReport)}, device_id FROM asked "
        "CROSS JOIN installed_apps WHERE device_id = asked.one AND bundle_id = asked.other",
        tuple(chain.from_iterable(apps)),
    )
    return {(row["device_id"], row["bundle_id"]): rows.read(InstalledReport, row) for row in found}


def store(db: Connection, device_id: int, told: Sequence[InstalledReport]) -> set[str]:
    """Keep what a list said of the apps that it was asked for; when one was there last stays.

    Returns the bundle ids of which it told anything but that they are still there, as they were.
    """
    before = dict(
        db.execute(
            "SELECT bundle_id, presence || coalesce(short_version, '') || coalesce(has_update, 0) "
            "FROM installed_apps WHERE device_id = ?",
            (device_id,),
        )
    )
    db.executemany(
        "INSERT INTO installed_apps (device_id, bundle_id, presence, version, short_version, "
        "asked_at, reported_at, there_at, has_update) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) "
        "ON CONFLICT (device_id, bundle_id) DO UPDATE SET "
        "presence = excluded.presence, version = excluded.version, "
        "short_version = excluded.short_version, asked_at = excluded.asked_at, "
        "reported_at = excluded.reported_at, has_update = excluded.has_update, "
        "there_at = coalesce(excluded.there_at, installed_apps.there_at)",
        [
            (
                device_id,
                report.bundle_id,
                report.presence,
                report.version,
                report.short_version,
                report.asked_at,
                report.reported_at,
                report.there_at,
                None if report.has_update is None else int(report.has_update),
            )
            for report in told
        ],
    )
    return {
        report.bundle_id
        for report in told
        if report.presence != "there" or before.get(report.bundle_id) != _as_before(report)
    }


def _as_before(report: InstalledReport) -> str:
    return f"{report.presence}{report.short_version or ''}{int(report.has_update or False)}"


def desired_bundle_ids(db: Connection, serial_number: str) -> list[str]:
    """The known bundle ids of the apps that are desired on a device: one list asks for all."""
    found = db.execute(
        "SELECT DISTINCT coalesce(installs.bundle_id, apps.bundle_id) AS named FROM installs "
        "LEFT JOIN apps ON apps.adam_id = installs.adam_id "
        "WHERE installs.target = ? AND installs.desired = 1 "
        "AND coalesce(installs.bundle_id, apps.bundle_id) IS NOT NULL ORDER BY named",
        (serial_number,),
    )
    return [str(row[0]) for row in found]


def forget(db: Connection, device_id: int) -> None:
    """What the device said counts no more."""
    db.execute("DELETE FROM installed_apps WHERE device_id = ?", (device_id,))
