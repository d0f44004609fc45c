"""Content tokens' locations: whose they are, what Apple said of them, and what stops them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, fields
from typing import Any, Final

from bridge.domain.devices.platforms import listed
from bridge.domain.facts import AssetFacts
from bridge.domain.model import Asset
from bridge.store import rows
from bridge.store.database import Connection


@dataclass(frozen=True, slots=True)
class Location:
    """A location as last seen; `suspended` is the reason why nothing is written there.

    It is made of `token_suspension`, `foreign_mdm` and `shared_with`, each of which ends by itself.
    `told_url` is the notification URL that Apple last took from us, `notification_url` the one
    that it last named. `notification_tokens_new` and `_old` are JSON.
    """

    name: str
    library_uid: str | None
    location_name: str | None
    heard_at: float | None
    token_digest: str | None
    token_file_expires_at: float | None
    token_apple_expires_at: float | None
    token_warned_days: int | None
    mdm_id: str | None
    mdm_name: str | None
    notification_url: str | None
    told_url: str | None
    url_refused: str | None
    url_refused_at: float | None
    notification_token_sha256: str | None
    notification_token_at: float | None
    notification_tokens_new: str | None
    notification_tokens_old: str | None
    registered_at: float | None
    suspended: str | None
    suspended_detail: str | None
    token_suspension: str | None
    token_suspension_detail: str | None
    token_suspension_at: float | None
    token_suspension_digest: str | None
    foreign_mdm: str | None
    shared_with: str | None
    max_assets: int | None
    max_serial_numbers: int | None
    max_client_user_ids: int | None
    max_users: int | None
    max_requests_per_second: int | None
    config_read_at: float | None
    limits_read_at: float | None
    assets_read_at: float | None
    assignments_read_at: float | None
    assignments_version: str | None
    users_read_at: float | None
    users_version: str | None
    invitation_url: str | None
    last_notification_at: float | None

    @property
    def token_expires_at(self) -> float | None:
        """When the content token ends: by its file or by Apple's word, whichever is earlier."""
        known = (self.token_file_expires_at, self.token_apple_expires_at)
        return min((end for end in known if end is not None), default=None)

    @property
    def ready(self) -> bool:
        """Whether enough is known of the location for licences to be asked for."""
        return None not in (self.registered_at, self.assets_read_at, self.assignments_read_at)


_COLUMNS: Final = rows.plain(Location)
_NOTHING_KNOWN: Final = (None,) * (len(fields(Location)) - 1)
"""The row of a location that nobody has stored yet, but for its name."""


def get(db: Connection, name: str) -> Location:
    """The location of this name, made if it was never stored."""
    db_row = f"SELECT {_COLUMNS} FROM locations WHERE name = ?"
    row = db.execute(db_row, (name,)).fetchone()
    return Location(*(row or (name, *_NOTHING_KNOWN)))


def update(db: Connection, name: str, **values: Any) -> None:
    """Set columns of one location. The names come from code, never from outside."""
    db.execute("INSERT INTO locations (name) VALUES (?) ON CONFLICT DO NOTHING", (name,))
    assignments = ", ".join(f"{column} = ?" for column in values)
    db.execute(f"UPDATE locations SET {assignments} WHERE name = ?", (*values.values(), name))


def bind_library(db: Connection, name: str, library_uid: str) -> str:
    """The library of a location: the first one seen, which is kept from now on.

    Until we are registered there, nothing was written or decided by it, so that another one may
    take its place; what was read of the first is then forgotten.
    """
    location = get(db, name)
    if location.library_uid is not None and location.registered_at is not None:
        return location.library_uid
    if location.library_uid not in (None, library_uid):
        for table in ("assets", "assignments", "subscriptions", "subscription_assignments"):
            db.execute(f"DELETE FROM {table} WHERE location = ?", (name,))
        update(db, name, assets_read_at=None, assignments_read_at=None, assignments_version=None)
        update(db, name, users_read_at=None, users_version=None)
    if location.library_uid != library_uid:
        update(db, name, library_uid=library_uid)
    return library_uid


def asset_facts(db: Connection, location: str, assets: Sequence[Asset]) -> dict[Asset, AssetFacts]:
    """Apple's counts, as last read, of the assets that the location owns."""
    desired = {asset.adam_id for asset in assets}
    found = db.execute(
        f"SELECT {rows.columns(AssetFacts)}, adam_id, pricing_param FROM assets "
        f"WHERE location = ? AND adam_id IN ({rows.marks(len(desired))})",
        (location, *desired),
    )
    return {Asset(r["adam_id"], r["pricing_param"]): rows.read(AssetFacts, r) for r in found}


def owns(db: Connection, adam_id: str, names: Collection[str]) -> bool:
    """Whether one of these locations owns an app, in any price class, as last read."""
    row = db.execute(
        f"SELECT 1 FROM assets WHERE adam_id = ? AND location IN ({rows.marks(len(names))}) "
        "LIMIT 1",
        (adam_id, *names),
    ).fetchone()
    return row is not None


def assignable(db: Connection) -> frozenset[tuple[str, Asset]]:
    """By location, what devices can have a licence of."""
    found = db.execute(
        "SELECT location, adam_id, pricing_param FROM assets WHERE device_assignable = 1"
    )
    return frozenset((row[0], Asset(row[1], row[2])) for row in found)


def platforms(db: Connection, adam_ids: Sequence[str]) -> dict[tuple[str, Asset], frozenset[str]]:
    """By location and asset, what these apps run on; empty where Apple did not say."""
    found = db.execute(
        "SELECT location, adam_id, pricing_param, platforms FROM assets "
        f"WHERE adam_id IN ({rows.marks(len(adam_ids))})",
        tuple(adam_ids),
    )
    return {(row[0], Asset(row[1], row[2])): listed(row[3]) for row in found}


def books(db: Connection, adam_ids: Sequence[str]) -> set[tuple[str, Asset]]:
    """By location, those of these that Apple calls a book."""
    found = db.execute(
        "SELECT location, adam_id, pricing_param FROM assets "
        f"WHERE product_type = 'Book' AND adam_id IN ({rows.marks(len(adam_ids))})",
        tuple(adam_ids),
    )
    return {(row[0], Asset(row[1], row[2])) for row in found}


def platforms_of(db: Connection, location: str) -> dict[Asset, str | None]:
    """What the assets of a location run on, in their stored form."""
    found = db.execute(
        "SELECT adam_id, pricing_param, platforms FROM assets WHERE location = ?", (location,)
    )
    return {Asset(row[0], row[1]): row[2] for row in found}


def store_assets(
    db: Connection, location: str, assets: Sequence[tuple[Asset, dict[str, Any]]], read_at: float
) -> None:
    """Replace what is known of a location's assets by a full read begun at `read_at`."""
    db.execute("DELETE FROM assets WHERE location = ?", (location,))
    db.executemany(
        "INSERT INTO assets (location, adam_id, pricing_param, product_type, total, available, "
        "retired, assigned, unlimited, device_assignable, revocable, platforms, read_at, "
        "counted_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [
            (
                location,
                asset.adam_id,
                asset.pricing_param,
                values["product_type"],
                values["total"],
                values["available"],
                values["retired"],
                values["assigned"],
                values["unlimited"],
                values["device_assignable"],
                values["revocable"],
                values["platforms"],
                read_at,
                read_at,
            )
            for asset, values in assets
        ],
    )


def add_to_count(db: Connection, location: str, asset: Asset, delta: int, now: float) -> bool:
    """Apply an ASSET_COUNT; False when the asset or its count is not known."""
    changed = db.execute(
        "UPDATE assets SET total = total + ?, available = available + ?, counted_at = ? "
        "WHERE location = ? AND adam_id = ? AND pricing_param = ? AND unlimited = 0 "
        "AND total IS NOT NULL AND available IS NOT NULL",
        (delta, delta, now, location, asset.adam_id, asset.pricing_param),
    )
    return changed.rowcount > 0
