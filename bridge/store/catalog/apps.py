"""What devices said of their apps, and what is known of apps themselves."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from itertools import chain
from typing import Final, NamedTuple

from bridge.domain.devices.books import BOOK
from bridge.domain.model import AppReport, Device
from bridge.store import rows
from bridge.store.database import Connection
from bridge.store.devices import declared_apps, devices, installed_apps, unheard, unreadable


def reported(db: Connection, apps: Sequence[tuple[int, str]]) -> dict[tuple[int, str], AppReport]:
    """What these devices said of these apps, by (device, bundle id)."""
    if not apps:
        return {}
    found = db.execute(
        f"{rows.asked(len(apps))}SELECT {rows.columns(AppReport)}, device_id FROM asked "
        "CROSS JOIN app_reports WHERE device_id = asked.one AND bundle_id = asked.other",
        tuple(chain.from_iterable(apps)),
    )
    return {(row["device_id"], row["bundle_id"]): rows.read(AppReport, row) for row in found}


def reports(db: Connection, device_ids: Sequence[int]) -> dict[int, dict[str, AppReport]]:
    """By device and bundle id, what each device said of its apps."""
    found = db.execute(
        f"SELECT {rows.columns(AppReport)}, device_id FROM app_reports "
        f"WHERE device_id IN ({rows.marks(len(device_ids))})",
        tuple(device_ids),
    )
    result: dict[int, dict[str, AppReport]] = {device_id: {} for device_id in device_ids}
    for row in found:
        result[row["device_id"]][row["bundle_id"]] = rows.read(AppReport, row)
    return result


def store_list(
    db: Connection,
    device: Device,
    listed: Iterable[tuple[str, str, str | None]],
    *,
    asked_at: float,
    now: float,
    said_once: frozenset[str],
    there: frozenset[str],
    unread: Collection[str] = (),
    is_of_books: bool = False,
) -> set[str]:
    """Keep a ManagedApplicationList: (bundle id, status, external version) of each app; or a
    ManagedMediaList of books.

    What was reported before and is missing now gets the status NULL; once-only statuses stay, and
    when an app was last `there`. Of the apps in `unread` the list told nothing. Returns the bundle
    ids of which it told anything but that they are still there, in the same version.
    """
    listed = list(listed)
    before = {
        row[0]: (row[1], row[2])
        for row in db.execute(
            "SELECT bundle_id, status, external_version FROM app_reports WHERE device_id = ?",
            (device.id,),
        )
    }
    before = {b: told for b, told in before.items() if b.startswith(BOOK) == is_of_books}
    missing = before.keys() - {bundle_id for bundle_id, _, _ in listed} - set(unread)
    db.executemany(
        "UPDATE app_reports SET status = NULL, reported_at = ? "
        "WHERE device_id = ? AND bundle_id = ? AND status IS NOT NULL",
        [(now, device.id, bundle_id) for bundle_id in missing],
    )
    db.executemany(
        "INSERT INTO app_reports (device_id, bundle_id, status, reported_at, once_status, once_at, "
        "there_at, external_version) VALUES (?, ?, ?, ?, ?, ?, ?, ?) "
        "ON CONFLICT (device_id, bundle_id) DO UPDATE SET status = excluded.status, "
        "reported_at = excluded.reported_at, "
        "external_version = excluded.external_version, "
        "once_status = coalesce(excluded.once_status, app_reports.once_status), "
        "once_at = coalesce(excluded.once_at, app_reports.once_at), "
        "there_at = coalesce(excluded.there_at, app_reports.there_at)",
        [
            (
                device.id,
                bundle_id,
                status,
                now,
                status if status in said_once else None,
                now if status in said_once else None,
                now if status in there else None,
                version,
            )
            for bundle_id, status, version in listed
        ],
    )
    of = "media" if is_of_books else "apps"
    times = {f"{of}_asked_at": asked_at, f"{of}_listed_at": now}
    devices.update(db, device.id, **times, **{f"{of}_enrolment": device.enrolment})
    still_there = {b for b, *told in listed if told[0] in there and before.get(b) == tuple(told)}
    return (before.keys() | {bundle_id for bundle_id, _, _ in listed}) - still_there


def removed(db: Connection, device_id: int, bundle_id: str, now: float) -> None:
    """A device said that it removed an app: as if a list had left it out."""
    db.execute(
        "UPDATE app_reports SET status = NULL, reported_at = ? "
        "WHERE device_id = ? AND bundle_id = ?",
        (now, device_id, bundle_id),
    )


def forget_reports(db: Connection, device_id: int) -> None:
    """A device that enrols anew may have been erased: what it said before counts no more."""
    db.execute("DELETE FROM app_reports WHERE device_id = ?", (device_id,))
    installed_apps.forget(db, device_id)
    declared_apps.forget(db, device_id)
    unreadable.forget(db, device_id)
    unheard.forget(db, device_id)


class Known(NamedTuple):
    """What an app is called, and what kind of software it is by Apple's metadata."""

    bundle_id: str | None = None
    name: str | None = None
    kind: str | None = None


UNKNOWN: Final = Known()


def known(db: Connection, adam_ids: Sequence[str]) -> dict[str, Known]:
    """By adam id, what is known of these apps; those of which nothing is are left out."""
    found = db.execute(
        "SELECT adam_id, bundle_id, name, kind FROM apps "
        f"WHERE adam_id IN ({rows.marks(len(adam_ids))})",
        tuple(adam_ids),
    )
    return {row[0]: Known(row[1], row[2], row[3]) for row in found}


def ours(db: Connection, serial_number: str | None) -> frozenset[str]:
    """The known bundle ids of what is, or was, wished for on a device."""
    found = db.execute(
        "SELECT coalesce(installs.bundle_id, apps.bundle_id) FROM installs "
        "LEFT JOIN apps ON apps.adam_id = installs.adam_id "
        "WHERE installs.target = ? "
        "AND coalesce(installs.bundle_id, apps.bundle_id) IS NOT NULL",
        (serial_number,),
    )
    return frozenset(str(row[0]) for row in found)


def known_bundle_ids(db: Connection) -> frozenset[str]:
    """The bundle ids of all apps whose adam id is known."""
    found = db.execute("SELECT bundle_id FROM apps WHERE bundle_id IS NOT NULL")
    return frozenset(str(row[0]) for row in found)


_IS_BETTER = (
    "excluded.{0} IS NOT NULL AND (apps.{0} IS NULL OR excluded.{0}_from = 'file' "
    "OR (excluded.{0}_from = 'metadata' AND apps.{0}_from <> 'file') "
    "OR (excluded.{0}_from = 'device' AND apps.{0}_from = 'watch'))"
)


def by_bundle_id(db: Connection, bundle_ids: Collection[str]) -> dict[str, str]:
    """The adam ids of the apps with these bundle ids, as far as they are known."""
    if not bundle_ids:
        return {}
    found = db.execute(
        f"SELECT bundle_id, adam_id FROM apps WHERE bundle_id IN ({rows.marks(len(bundle_ids))}) "
        "ORDER BY adam_id DESC",
        tuple(bundle_ids),
    )
    return {row[0]: row[1] for row in found}


def learn_app(
    db: Connection, adam_id: str, *, bundle_id: str | None, name: str | None, source: str
) -> bool:
    """Keep an app's bundle id and name, told by the `file`, by Apple's `metadata`, a `device` or a
    `watch`.

    The file wins, being the admin's word; then metadata, which is of the app itself. Of devices the
    first is believed, and any of them more than a watch, whose app has a bundle id of its own. What
    a device names holds for itself in any case (`installs.learn_bundle_id`). Returns whether the
    bundle id is news, so that installs of the app are looked at again.
    """
    before = known(db, [adam_id]).get(adam_id, UNKNOWN).bundle_id
    updates = ", ".join(
        f"{column} = CASE WHEN {_IS_BETTER.format(of)} THEN excluded.{column} "
        f"ELSE apps.{column} END"
        for of in ("bundle_id", "name")
        for column in (of, f"{of}_from")
    )
    db.execute(
        "INSERT INTO apps (adam_id, bundle_id, bundle_id_from, name, name_from) "
        f"VALUES (?, ?, ?, ?, ?) ON CONFLICT (adam_id) DO UPDATE SET {updates}",
        (adam_id, bundle_id, source if bundle_id else None, name, source if name else None),
    )
    return known(db, [adam_id])[adam_id].bundle_id != before


def storefront(db: Connection, location: str) -> tuple[str | None, str | None]:
    """Where a location's apps are looked up: the country and the platform of its store."""
    row = db.execute(
        "SELECT country, platform FROM locations WHERE name = ?", (location,)
    ).fetchone()
    return (row[0], row[1]) if row else (None, None)


def without_metadata(
    db: Connection,
    location: str,
    *,
    before: float,
    now: float,
    limit: int,
    updated: Sequence[str] = (),
    updated_before: float = 0.0,
) -> list[tuple[str, str | None]]:
    """Apps wished for at a location whose metadata is from `before` that time, or was never told;
    of the `updated` ones, from `updated_before`, too.

    (adam id, platforms of the asset as a comma-separated list, None if the location does not own
    it); those that were never asked for come first.
    """
    found = db.execute(
        "WITH RECURSIVE wished (adam_id) AS (SELECT min(adam_id) FROM installs UNION ALL "
        "SELECT (SELECT min(i.adam_id) FROM installs i WHERE i.adam_id > wished.adam_id) "
        "FROM wished WHERE wished.adam_id IS NOT NULL) "
        "SELECT w.adam_id, (SELECT max(platforms) FROM assets "
        "WHERE location = ? AND adam_id = w.adam_id) FROM wished w "
        "LEFT JOIN apps ON apps.adam_id = w.adam_id "
        "LEFT JOIN metadata_misses m ON m.location = ? AND m.adam_id = w.adam_id "
        "WHERE (coalesce(apps.metadata_at, ?) <= ? OR (coalesce(apps.metadata_at, ?) <= ? "
        f"AND w.adam_id IN ({rows.marks(len(updated))}))) "
        "AND coalesce(m.next_at, ?) <= ? "
        "AND EXISTS (SELECT 1 FROM installs i WHERE i.adam_id = w.adam_id "
        "AND i.location = ? AND i.desired = 1) "
        "ORDER BY m.next_at IS NOT NULL, m.next_at, w.adam_id LIMIT ?",
        (
            *(location, location, before, before, updated_before, updated_before, *updated),
            *(now, now, location, limit),
        ),
    )
    return [(row[0], row[1]) for row in found]


def store_metadata(
    db: Connection,
    adam_id: str,
    *,
    bundle_id: str | None,
    name: str | None,
    icon_url: str | None,
    platforms: Sequence[str],
    kind: str | None,
    newest_version: str | None,
    now: float,
) -> bool:
    """Keep what Apple's metadata service says of an app; returns what `learn_app` returns."""
    news = learn_app(db, adam_id, bundle_id=bundle_id, name=name, source="metadata")
    db.execute(
        "UPDATE apps SET icon_url = coalesce(?, icon_url), "
        "platforms = coalesce(?, platforms), kind = coalesce(?, kind), "
        "newest_version = coalesce(?, newest_version), metadata_at = ? WHERE adam_id = ?",
        (icon_url, ",".join(platforms) or None, kind, newest_version, now, adam_id),
    )
    db.execute("DELETE FROM metadata_misses WHERE adam_id = ?", (adam_id,))
    return news


def metadata_missed(db: Connection, location: str, adam_id: str, next_at: float) -> None:
    """A location's metadata did not tell of an app: it is not asked for it before `next_at`."""
    db.execute(
        "INSERT INTO metadata_misses (location, adam_id, next_at) VALUES (?, ?, ?) "
        "ON CONFLICT (location, adam_id) DO UPDATE SET next_at = excluded.next_at",
        (location, adam_id, next_at),
    )
