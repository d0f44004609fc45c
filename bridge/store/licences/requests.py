"""Our asynchronous requests to Apple: about licences and about users, an outbox row each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from bridge.domain.licences.batch import Rectangle
from bridge.domain.model import Pair
from bridge.store import rows
from bridge.store.database import Connection
from bridge.store.licences import request_pairs, states
from bridge.store.outbox import kinds, outbox


@dataclass(frozen=True, slots=True)
class AppleRequest:
    """One request; `kind` is Apple's word for its event, `submitted_at` when the call began."""

    id: int
    location: str
    kind: str
    state: str
    apple_event_id: str | None
    num_requested: int
    created_at: float
    submitted_at: float | None
    next_status_at: float | None
    status_asked_at: float | None
    next_read_at: float | None
    settled_at: float | None
    settled_by: str | None


def make(db: Connection, location: str, kind: str, rectangle: Rectangle, now: float) -> int | None:
    """Turn collected pairs into one request and its outbox row; returns its id.

    None, and nothing is changed, when one of the pairs is not being collected any more: a
    request is a whole rectangle, and must not ask for what nobody wants.
    """
    db.execute("SAVEPOINT make")
    key = f"{rectangle.assets[0].adam_id}:{rectangle.holders[0]}:{now}"
    request_id = add(db, location, kind, key, len(rectangle), now)
    taken = db.executemany(
        f"UPDATE request_pairs SET request_id = ?, state = 'open' WHERE {request_pairs.UNDER_WAY} "
        "AND state = 'collected' AND kind = ?",
        [(request_id, *request_pairs.key(location, pair), kind) for pair in rectangle.pairs()],
    ).rowcount
    if taken != len(rectangle):
        db.execute("ROLLBACK TO make")
    db.execute("RELEASE make")
    return request_id if taken == len(rectangle) else None


def add(db: Connection, location: str, kind: str, key: str, num_requested: int, now: float) -> int:
    """A request for so many changes, and its outbox row; returns the id of both."""
    request_id = outbox.add(
        db,
        service="apple",
        scope=location,
        kind=kinds.OF_REQUEST[kind],
        key=key,
        subject="",
        due_at=now,
        now=now,
    )
    db.execute(
        "INSERT INTO apple_requests (id, location, kind, state, num_requested, created_at) "
        "VALUES (?, ?, ?, 'ready', ?, ?)",
        (request_id, location, kind, num_requested, now),
    )
    return request_id


def get(db: Connection, request_id: int) -> AppleRequest:
    """One request by its id."""
    row = db.execute(
        f"SELECT {rows.columns(AppleRequest)} FROM apple_requests WHERE id = ?", (request_id,)
    ).fetchone()
    return rows.read(AppleRequest, row)


def by_event(db: Connection, location: str, apple_event_id: str) -> AppleRequest | None:
    """The request of ours that Apple answered with this eventId, if it is ours."""
    row = db.execute(
        f"SELECT {rows.columns(AppleRequest)} FROM apple_requests "
        "WHERE location = ? AND apple_event_id = ?",
        (location, apple_event_id),
    ).fetchone()
    return rows.read(AppleRequest, row) if row else None


def unsettled(db: Connection) -> list[AppleRequest]:
    """Requests that Apple has, or may have, and whose result is not known."""
    found = db.execute(
        f"SELECT {rows.columns(AppleRequest)} FROM apple_requests "
        f"WHERE state IN {states.SQL_ASKED} ORDER BY id"
    )
    return [rows.read(AppleRequest, row) for row in found]


def update(db: Connection, request_id: int, **values: Any) -> None:
    """Set columns of one request. The names come from code, never from outside."""
    assignments = ", ".join(f"{column} = ?" for column in values)
    db.execute(
        f"UPDATE apple_requests SET {assignments} WHERE id = ?", (*values.values(), request_id)
    )


def finish(db: Connection, request_id: int, told_by: str, now: float) -> bool:
    """Close the request if none of its pairs is open any more; who told the last is kept."""
    changed = db.execute(
        "UPDATE apple_requests SET state = 'done', settled_at = ?, settled_by = ?, "
        "next_status_at = NULL, next_read_at = NULL WHERE id = ? AND state <> 'done' "
        "AND NOT EXISTS (SELECT 1 FROM request_pairs WHERE request_id = ? AND state = 'open')",
        (now, told_by, request_id, request_id),
    )
    return changed.rowcount == 1


def finish_users(db: Connection, request_id: int, told_by: str, now: float) -> None:
    """As `finish`, for a request about users, none of whom is open any more."""
    db.execute(
        "UPDATE apple_requests SET state = 'done', settled_at = ?, settled_by = ?, "
        "next_status_at = NULL, next_read_at = NULL WHERE id = ? AND state <> 'done'",
        (now, told_by, request_id),
    )


def doubt(db: Connection, request_id: int, *, next_read_at: float, detail: str) -> None:
    """It is not known what became of the request: its pairs are read from assignments."""
    db.execute(
        "UPDATE apple_requests SET state = 'in_doubt', next_status_at = NULL, next_read_at = ?, "
        f"detail = ? WHERE id = ? AND state IN {states.SQL_ASKED}",
        (next_read_at, detail, request_id),
    )


def due(db: Connection, now: float) -> list[AppleRequest]:
    """Requests whose status or assignments are to be asked for now."""
    found = db.execute(
        f"SELECT {rows.columns(AppleRequest)} FROM apple_requests WHERE "
        "(state = 'open' AND next_status_at <= ?) OR (state = 'in_doubt' AND next_read_at <= ?) "
        "ORDER BY id",
        (now, now),
    )
    return [rows.read(AppleRequest, row) for row in found]


def take_back(db: Connection, request_id: int, now: float) -> None:
    """A request that Apple refused whole: its pairs wait to be asked for anew."""
    db.execute(
        "UPDATE request_pairs SET state = 'collected', request_id = NULL, ready_at = ? "
        "WHERE request_id = ? AND state = 'open'",
        (now, request_id),
    )


def adopt(db: Connection, location: str, kind: str, pairs: Sequence[Pair]) -> AppleRequest | None:
    """A request of ours without an eventId that asked for all of these pairs.

    A notification may come before the reply that names its eventId, or the reply may be lost.
    One that names a pair which we did not ask for is about somebody else's event.
    """
    owners = {_owner(db, location, kind, pair) for pair in pairs}
    return owners.pop() if len(owners) == 1 else None


def _owner(db: Connection, location: str, kind: str, pair: Pair) -> AppleRequest | None:
    row = db.execute(
        f"SELECT {rows.columns(AppleRequest, 'r.')} FROM request_pairs p "
        "JOIN apple_requests r ON r.id = p.request_id WHERE p.location = ? AND p.adam_id = ? "
        "AND p.pricing_param = ? AND p.target = ? "
        f"AND p.state IN {states.SQL_UNDER_WAY} AND p.state = 'open' AND p.kind = ? "
        "AND r.apple_event_id IS NULL "
        f"AND r.state IN {states.SQL_UNNAMED}",
        (*request_pairs.key(location, pair), kind),
    ).fetchone()
    return rows.read(AppleRequest, row) if row is not None else None
