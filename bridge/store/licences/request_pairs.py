"""Pairs of asset and device, from the wish for a licence to what Apple made of it.

A pair is unique while it is collected or open: the index `request_pairs_open` holds that nothing is
asked for a pair while a request of ours for it is on its way or in doubt.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

from bridge.domain.model import Asset, Pair
from bridge.domain.pauses import Scope
from bridge.store import pauses, rows
from bridge.store.database import Connection
from bridge.store.licences.states import SQL_UNDER_WAY

PAIR = "location = ? AND adam_id = ? AND pricing_param = ? AND target = ?"
UNDER_WAY = f"{PAIR} AND state IN {SQL_UNDER_WAY}"
"""A pair that is collected or asked for: the unique index finds it, however many there are."""


COLUMNS = "adam_id, pricing_param, target"
"""Of pairs in `rows.asked`; `columns` are the values."""


@dataclass(frozen=True, slots=True)
class CollectedPair:
    """A pair that waits for a batch."""

    id: int
    pair: Pair
    ready_at: float


@dataclass(frozen=True, slots=True)
class PairRecord:
    """The newest request for a pair, as the install's facts need it."""

    id: int
    pair: Pair
    state: str
    request_state: str | None
    apple_event_id: str | None
    ready_at: float
    submitted_at: float | None
    settled_at: float | None
    looked_at: float | None
    error_number: int | None
    repeat: int
    waits_for: str | None
    waits_until: float | None


def want(db: Connection, location: str, kind: str, pairs: Iterable[Pair], now: float) -> int:
    """Collect pairs for the next request; a pair that is collected or open already is left alone.

    Returns how many are new. A pair that was asked for before and found missing is counted as a
    repeat.
    """
    made = db.executemany(
        "INSERT INTO request_pairs (location, kind, adam_id, pricing_param, target, "
        "state, ready_at, repeat) SELECT ?, ?, ?, ?, ?, 'collected', ?, coalesce((SELECT "
        "CASE WHEN p.state = 'missing' THEN p.repeat + 1 ELSE 0 END FROM request_pairs p "
        "WHERE p.target = ? AND p.adam_id = ? AND p.pricing_param = ? AND p.location = ? "
        "AND p.kind = ? ORDER BY p.id DESC LIMIT 1), 0) WHERE true ON CONFLICT DO NOTHING",
        [
            (
                location,
                kind,
                p.asset.adam_id,
                p.asset.pricing_param,
                p.holder,
                now,
                p.holder,
                p.asset.adam_id,
                p.asset.pricing_param,
                location,
                kind,
            )
            for p in pairs
        ],
    )
    return max(made.rowcount, 0)  # -1 when there was none


def collecting(db: Connection, location: str, kind: str) -> list[CollectedPair]:
    """The pairs that wait for a batch."""
    found = db.execute(
        "SELECT id, adam_id, pricing_param, target, ready_at FROM request_pairs "
        "WHERE location = ? AND kind = ? AND state = 'collected'",
        (location, kind),
    )
    return [CollectedPair(r["id"], pair_of(r), r["ready_at"]) for r in found]


def open_pairs(db: Connection, request_id: int) -> list[Pair]:
    """The pairs of a request whose result is not known."""
    found = db.execute(
        "SELECT adam_id, pricing_param, target FROM request_pairs "
        "WHERE request_id = ? AND state = 'open' ORDER BY id",
        (request_id,),
    )
    return [pair_of(row) for row in found]


def settle(
    db: Connection,
    location: str,
    pairs: Iterable[Pair],
    *,
    state: str,
    told_by: str,
    now: float,
    request_id: int,
    error_number: int | None = None,
) -> list[Pair]:
    """The result of a request's open pairs is known: `confirmed`, `failed`, `missing` or
    `withdrawn`. Returns the pairs that this settled; what was settled before stays as it was.
    """
    pairs = list(pairs)
    changes = (state, now, told_by, error_number)
    db.execute("SAVEPOINT settle")
    changed = sum(
        db.execute(
            f"{_SETTLE} WHERE id IN ({rows.asked(len(pairs[part]), COLUMNS)}SELECT p.id FROM asked "
            "CROSS JOIN request_pairs p WHERE p.adam_id = asked.adam_id "
            "AND p.pricing_param = asked.pricing_param AND p.target = asked.target "
            f"AND p.location = ? AND p.state IN {SQL_UNDER_WAY} "
            "AND p.state = 'open' AND p.request_id = ?)",
            (*changes, *columns(pairs[part]), location, request_id),
        ).rowcount
        for part in rows.parts(len(pairs))
    )
    if changed == len(pairs):  # as nearly always: then they need not be asked about one by one
        settled = pairs
    else:
        db.execute("ROLLBACK TO settle")
        settled = [
            pair
            for pair in pairs
            if db.execute(_SETTLE_ONE, (*changes, *key(location, pair), request_id)).rowcount
        ]
    db.execute("RELEASE settle")
    return settled


_SETTLE = "UPDATE request_pairs SET state = ?, settled_at = ?, settled_by = ?, error_number = ?"
_SETTLE_ONE = f"{_SETTLE} WHERE {UNDER_WAY} AND state = 'open' AND request_id = ?"


def touched_by_others(db: Connection, location: str, pairs: Iterable[Pair], now: float) -> None:
    """An event of somebody else named pairs that a request of ours is under way for."""
    db.executemany(
        f"UPDATE request_pairs SET foreign_at = ? WHERE {UNDER_WAY}",
        [(now, *key(location, pair)) for pair in pairs],
    )


def were_touched(db: Connection, request_id: int, pairs: Sequence[Pair]) -> list[Pair]:
    """Which of these pairs of a request others touched while it was under way."""
    found = db.execute(
        "SELECT adam_id, pricing_param, target FROM request_pairs "
        "WHERE request_id = ? AND foreign_at IS NOT NULL",
        (request_id,),
    )
    touched = {pair_of(row) for row in found}
    return [pair for pair in pairs if pair in touched] if touched else []


def looked(db: Connection, location: str, pairs: Iterable[Pair], now: float) -> None:
    """Apple's assignments were read for pairs whose newest request had ended."""
    db.executemany(
        f"UPDATE request_pairs SET looked_at = ? WHERE {PAIR} AND state = 'failed'",
        [(now, *key(location, pair)) for pair in pairs],
    )


def leave_line(db: Connection, location: str, pair: Pair, now: float) -> None:
    """A pair that was being collected is not needed any more."""
    db.execute(
        "UPDATE request_pairs SET state = 'withdrawn', settled_at = ? "
        f"WHERE {UNDER_WAY} AND state = 'collected'",
        (now, *key(location, pair)),
    )


def turned_up(db: Connection, location: str, pairs: Iterable[Pair], now: float) -> None:
    """Apple lists these licences already: what was collected for them is asked for no more."""
    db.executemany(
        f"UPDATE request_pairs SET state = 'withdrawn', settled_at = ? WHERE {UNDER_WAY} "
        "AND state = 'collected' AND kind = 'ASSOCIATE'",
        [(now, *key(location, pair)) for pair in pairs],
    )


def withdraw_collected(db: Connection, location: str, now: float) -> list[Pair]:
    """Nothing can be asked of this location now: what was being collected is given up."""
    found = db.execute(
        "UPDATE request_pairs SET state = 'withdrawn', settled_at = ? "
        "WHERE location = ? AND state = 'collected' RETURNING adam_id, pricing_param, target",
        (now, location),
    ).fetchall()
    return [pair_of(row) for row in found]


@dataclass(frozen=True, slots=True)
class Collection:
    """The pairs that wait for a batch of one kind to one location."""

    location: str
    kind: str
    oldest: float
    newest: float
    count: int


def collections(db: Connection) -> list[Collection]:
    """What is being collected, by location and kind."""
    found = []
    for name in _collecting_locations(db):
        for kind in ("ASSOCIATE", "DISASSOCIATE"):
            waiting = "request_pairs WHERE location = ? AND kind = ? AND state = 'collected'"
            row = db.execute(
                f"SELECT (SELECT min(ready_at) FROM {waiting}), "
                f"(SELECT max(ready_at) FROM {waiting}), (SELECT count(*) FROM {waiting})",
                (name, kind, name, kind, name, kind),
            ).fetchone()
            if row[0] is not None:
                found.append(Collection(name, kind, *row))
    return found


def _collecting_locations(db: Connection) -> list[str]:
    """The locations with pairs that wait, one index look-up each."""
    names, last = list[str](), ""
    while True:
        row = db.execute(
            "SELECT min(location) FROM request_pairs WHERE state = 'collected' AND location > ?",
            (last,),
        ).fetchone()
        if row[0] is None:
            return names
        last = str(row[0])
        names.append(last)


def newest(
    db: Connection,
    location: str,
    pairs: Sequence[tuple[str, str]],
) -> dict[tuple[str, Pair], PairRecord]:
    """For each kind, and each pair of these (serial number, adam id), the newest request."""
    found = db.execute(
        f"{rows.asked(len(pairs))}SELECT p.kind, p.adam_id, p.pricing_param, p.target, p.id, "
        "p.state, r.state, r.apple_event_id, p.ready_at, r.submitted_at, p.settled_at, "
        "p.looked_at, p.error_number, p.repeat, o.error, o.due_at "
        "FROM asked CROSS JOIN request_pairs p "
        "LEFT JOIN apple_requests r ON r.id = p.request_id LEFT JOIN outbox o "
        "ON o.id = p.request_id AND p.state = 'open' AND o.state = 'ready' "
        "AND o.error IS NOT NULL "
        "WHERE p.target = asked.one AND p.adam_id = asked.other AND p.location = ? "
        "ORDER BY p.id",
        (*chain.from_iterable(pairs), location),
    )
    newest: dict[tuple[str, Pair], PairRecord] = {}
    for kind, adam_id, pricing_param, holder, row_id, *rest in found:
        pair = Pair(Asset(adam_id, pricing_param), holder)
        newest[kind, pair] = PairRecord(row_id, pair, *rest)
    return newest


def taken_away(db: Connection, location: str, gone: Iterable[Pair], now: float) -> None:
    """Apple no longer lists these pairs, and it was not us: those that we asked for are marked."""
    db.executemany(
        "UPDATE request_pairs SET state = 'taken', settled_at = ? WHERE id = (SELECT max(id) "
        f"FROM request_pairs WHERE {PAIR}) AND kind = 'ASSOCIATE' AND state = 'confirmed'",
        [(now, *key(location, pair)) for pair in gone],
    )


def pair_of(row: Any) -> Pair:
    """The pair that a row is about."""
    return Pair(Asset(row["adam_id"], row["pricing_param"]), row["target"])


def columns(pairs: Iterable[Pair]) -> Iterator[str]:
    """The values of pairs for `COLUMNS`, one pair after the other."""
    return chain.from_iterable((*pair.asset, pair.holder) for pair in pairs)


def key(location: str, pair: Pair) -> tuple[str, str, str, str]:
    """The values for `PAIR`."""
    return location, pair.asset.adam_id, pair.asset.pricing_param, pair.holder


def withdraw_paused(db: Connection, scope: Scope, name: str, now: float) -> list[tuple[str, str]]:
    """Pairs that are being collected for Apple and must not go: they are asked for anew later.

    Returns their (serial number, adam id).
    """
    where, values = pauses.covered(scope, name)
    found = db.execute(
        "UPDATE request_pairs SET state = 'withdrawn', settled_at = ? "
        f"WHERE state = 'collected' AND {where} RETURNING target, adam_id",
        (now, *values),
    ).fetchall()
    return [(row[0], row[1]) for row in found]
