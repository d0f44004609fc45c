"""What became of a pair's requests over time: the timeline, and what is counted along it."""

from __future__ import annotations

from dataclasses import dataclass

from bridge.domain.facts import AssetFacts
from bridge.domain.model import Asset, Pair
from bridge.store import rows
from bridge.store.database import Connection
from bridge.store.licences.request_pairs import PAIR, key
from bridge.store.licences.states import SQL_UNDER_WAY

NO_LICENCE_LEFT = 9709


@dataclass(frozen=True, slots=True)
class Asked:
    """One request for a pair: what was asked, and what became of it. `request_id` is its outbox
    row's id; None while it is being collected."""

    kind: str
    state: str
    request_id: int | None
    apple_event_id: str | None
    submitted_at: float | None
    status_asked_at: float | None
    next_status_at: float | None
    next_read_at: float | None
    settled_at: float | None
    settled_by: str | None
    error_number: int | None


def history(db: Connection, location: str, pair: Pair) -> list[Asked]:
    """Every request for a pair, oldest first; for an install's timeline."""
    found = db.execute(
        "SELECT p.kind, p.state, p.request_id, r.apple_event_id, r.submitted_at, "
        "r.status_asked_at, r.next_status_at, r.next_read_at, p.settled_at, p.settled_by, "
        "p.error_number FROM request_pairs p "
        "LEFT JOIN apple_requests r ON r.id = p.request_id WHERE p.location = ? "
        "AND p.adam_id = ? AND p.pricing_param = ? "
        "AND p.target = ? ORDER BY p.id",
        key(location, pair),
    )
    return [rows.read(Asked, row) for row in found]


def seats_taken_since(db: Connection, location: str, asset: Asset, read_at: float) -> int:
    """How many seats of an asset our own requests took, or may take, after a count was read;
    those that we gave back since count the other way."""
    row = db.execute(
        "SELECT coalesce(sum(CASE WHEN kind = 'ASSOCIATE' THEN 1 ELSE -1 END), 0) "
        "FROM request_pairs WHERE location = ? AND adam_id = ? AND pricing_param = ? "
        f"AND ((kind = 'ASSOCIATE' AND state IN {SQL_UNDER_WAY}) "
        "OR (state = 'confirmed' AND settled_at >= ?))",
        (location, asset.adam_id, asset.pricing_param, read_at),
    ).fetchone()
    return int(row[0])


def free_seats(
    db: Connection, location: str, asset: Asset, counts: AssetFacts | None
) -> int | None:
    """How many seats may still be asked for; None where there is no limit or no count."""
    if counts is None or counts.unlimited or counts.available is None:
        return None
    return counts.available - seats_taken_since(db, location, asset, counts.read_at)


def times_taken(db: Connection, location: str, pair: Pair, since: float) -> int:
    """How often others took a pair's licence away since then."""
    row = db.execute(
        f"SELECT count(*) FROM request_pairs WHERE {PAIR} AND kind = 'ASSOCIATE' "
        "AND state = 'taken' AND settled_at >= ?",
        (*key(location, pair), since),
    ).fetchone()
    return int(row[0])


def refusals(db: Connection, location: str, pair: Pair, since: float) -> int:
    """How often in a row Apple refused this pair since then; a want of seats does not count."""
    states = db.execute(
        "SELECT state, error_number FROM request_pairs WHERE location = ? AND adam_id = ? "
        "AND pricing_param = ? AND target = ? AND kind = 'ASSOCIATE' "
        "AND ready_at >= ? ORDER BY id DESC LIMIT 50",
        (*key(location, pair), since),
    )
    count = 0
    for row in states:
        if row["state"] != "failed" or row["error_number"] == NO_LICENCE_LEFT:
            break
        count += 1
    return count


def release_refusals(db: Connection, location: str, pair: Pair) -> int:
    """How often in a row Apple would not take a pair's licence back."""
    states = db.execute(
        f"SELECT state FROM request_pairs WHERE {PAIR} ORDER BY id DESC LIMIT 50",
        key(location, pair),
    )
    count = 0
    for row in states:
        if row["state"] != "failed":
            break
        count += 1
    return count
