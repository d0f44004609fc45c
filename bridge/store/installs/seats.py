"""Seats: who waits for one, holds or asked for one, or could give one back, in the whole fleet."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from itertools import chain

from bridge.domain.devices.targets import of_user
from bridge.domain.installs.options import Options
from bridge.domain.licences.allocate import Demand, first_of
from bridge.domain.model import Asset
from bridge.store.database import Connection
from bridge.store.licences.states import SQL_UNDER_WAY

_ASSET = "location = ? AND adam_id = ? AND pricing_param = ?"


def in_demand(db: Connection) -> list[tuple[str, Asset]]:
    """The (location, asset) for which somebody waits for a seat."""
    found = db.execute(
        "SELECT DISTINCT location, adam_id, pricing_param FROM installs WHERE needs_seat = 1"
    )
    return [(row[0], Asset(row[1], row[2])) for row in found]


def demands(db: Connection, location: str, asset: Asset) -> list[Demand]:
    """Who waits for a seat of this asset: of a user's devices the first in line for all."""
    found = db.execute(
        "SELECT id, priority, created_at, client_user_id FROM installs WHERE needs_seat = 1 "
        "AND location = ? AND adam_id = ? AND pricing_param = ?",
        (location, asset.adam_id, asset.pricing_param),
    )
    demands, of_users = list[Demand](), defaultdict[str, list[Demand]](list)
    for install_id, priority, created_at, user in found:
        line = demands if user is None else of_users[user]
        line.append(Demand(install_id, priority, created_at))
    return [*demands, *(first_of(line) for line in of_users.values())]


def short_since(db: Connection, location: str, asset: Asset) -> float:
    """When the newest of those who wait for a seat of this asset began to; 0.0 if nobody does."""
    found = db.execute(
        "SELECT max(since) FROM installs WHERE needs_seat = 1 AND location = ? AND adam_id = ? "
        "AND pricing_param = ?",
        (location, asset.adam_id, asset.pricing_param),
    ).fetchone()
    return float(found[0] or 0.0)


def allocated(db: Connection, install_ids: Sequence[int], now: float) -> list[str]:
    """These installs got a seat: they wait no more, and are decided anew, with those of the same
    user. Who is to hold the licences."""
    holders = []
    for install_id in install_ids:
        row = db.execute(
            "UPDATE installs SET needs_seat = 0, dirty_at = coalesce(dirty_at, ?) "
            "WHERE id = ? RETURNING target, client_user_id, adam_id, location",
            (now, install_id),
        ).fetchone()
        if row["client_user_id"] is None:
            holders.append(str(row["target"]))
            continue
        db.execute(
            "UPDATE installs SET needs_seat = 0, dirty_at = coalesce(dirty_at, ?) "
            "WHERE client_user_id = ? AND adam_id = ? AND location = ? AND needs_seat = 1",
            (now, row["client_user_id"], row["adam_id"], row["location"]),
        )
        holders.append(of_user(row["client_user_id"]))
    return holders


def left_waiting(db: Connection, location: str, asset: Asset, now: float) -> None:
    """The free seats of this asset went to others: who still hopes for one is decided anew."""
    db.execute(
        "UPDATE installs SET dirty_at = coalesce(dirty_at, ?) WHERE needs_seat = 1 "
        "AND location = ? AND adam_id = ? AND pricing_param = ? AND reason = 'SEAT_PENDING'",
        (now, location, asset.adam_id, asset.pricing_param),
    )


def in_use(db: Connection) -> set[tuple[str, Asset]]:
    """The (location, asset) of every install that is kept, desired or not, and of every licence
    that the bridge got."""
    found = db.execute(
        "SELECT DISTINCT location, adam_id, pricing_param FROM installs UNION "
        "SELECT location, adam_id, pricing_param FROM licences_held WHERE ours > 0"
    )
    return {(row[0], Asset(row[1], row[2])) for row in found}


def owned(db: Connection, location: str, asset: Asset) -> set[str]:
    """The serial numbers that Apple lists with a licence."""
    return _serials(db, f"SELECT target FROM assignments WHERE {_ASSET}", location, asset)


def asked(db: Connection, location: str, asset: Asset) -> set[str]:
    """The serial numbers for which a licence is asked for, or about to be."""
    return _serials(
        db,
        f"SELECT target FROM request_pairs WHERE {_ASSET} AND kind = 'ASSOCIATE' "
        f"AND state IN {SQL_UNDER_WAY}",
        location,
        asset,
    )


def ours(db: Connection, location: str, asset: Asset) -> set[str]:
    """The serial numbers whose newest settled request of ours gave them a licence."""
    return _serials(
        db,
        f"SELECT target FROM request_pairs AS given WHERE {_ASSET} AND kind = 'ASSOCIATE' "
        "AND state = 'confirmed' AND NOT EXISTS (SELECT 1 FROM request_pairs AS back "
        "WHERE back.target = given.target AND back.adam_id = given.adam_id "
        "AND back.id > given.id AND back.location = given.location "
        "AND back.pricing_param = given.pricing_param "
        "AND back.kind = 'DISASSOCIATE' AND back.state = 'confirmed')",
        location,
        asset,
    )


def leaving(db: Connection, location: str, asset: Asset) -> set[str]:
    """Who holds the licences of installs that nobody wants, which are to be given back."""
    found = db.execute(
        f"SELECT target, options, client_user_id FROM installs WHERE {_ASSET} AND desired = 0 "
        "AND state <> 'failed'",
        (location, asset.adam_id, asset.pricing_param),
    )
    return {
        row[0] if row[2] is None else of_user(row[2])
        for row in found
        if Options.from_text(row[1]).on_unwanted != "keep"
    }


def ages(db: Connection, adam_id: str) -> dict[str, float]:
    """By holder, since when an app is desired."""
    found = db.execute(
        "SELECT target, created_at, client_user_id FROM installs WHERE adam_id = ? "
        "AND desired = 1 ORDER BY created_at DESC",
        (adam_id,),
    )
    return {row[0] if row[2] is None else of_user(row[2]): row[1] for row in found}


def users_of(db: Connection, adam_id: str) -> dict[str, str]:
    """By device, as installs name it, the user with whose licence it has an app."""
    found = db.execute(
        "SELECT target, client_user_id FROM installs WHERE adam_id = ? "
        "AND client_user_id IS NOT NULL",
        (adam_id,),
    )
    return {row[0]: of_user(row[1]) for row in found}


def _serials(db: Connection, query: str, location: str, asset: Asset) -> set[str]:
    plain = db.cursor()
    plain.row_factory = None
    found = plain.execute(query, (location, asset.adam_id, asset.pricing_param))
    return set(chain.from_iterable(found))
