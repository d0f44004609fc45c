"""Rows of Apple's lists that could not be read, and pairs that were looked up because of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from bridge.domain.licences.odd_rows import OddRow
from bridge.domain.model import Pair
from bridge.store import rows
from bridge.store.database import Connection
from bridge.store.licences.request_pairs import key, pair_of

Source = Literal["assets", "assignments", "subscriptions"]
SOURCES: tuple[Source, ...] = ("assets", "assignments", "subscriptions")

AT_MOST = 200
"""Rows kept of one list; more than that is not read by people, and one row stands for the rest."""


@dataclass(frozen=True, slots=True)
class Look:
    """When a pair was looked up on its own, and what was odd then; None if it is not owned."""

    looked_at: float
    odd: str | None


def replace(
    db: Connection, location: str, source: Source, odd: Sequence[OddRow], now: float
) -> list[OddRow]:
    """Keep what a full read could not read, in place of what the last one could not.

    Returns the rows that are news.
    """
    if len(odd) > AT_MOST:
        rest = len(odd) - AT_MOST
        odd = (*odd[:AT_MOST], OddRow(f"{rest} more rows cannot be read"))
    before = (row for row in _stored(db, location) if row["source"] == source)
    known = {_identity(row): row["since"] for row in before}
    found = {(o.adam_id, o.pricing_param, o.holder, o.what): o for o in reversed(odd)}
    db.execute("DELETE FROM odd_rows WHERE location = ? AND source = ?", (location, source))
    db.executemany(
        "INSERT INTO odd_rows (location, source, adam_id, pricing_param, target, what, "
        "place, since) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        [
            (
                location,
                source,
                *(text or "" for text in identity[:3]),
                each.what,
                each.place,
                known.get(identity, now),
            )
            for identity, each in found.items()
        ],
    )
    if source == "assignments" and not found:
        db.execute("DELETE FROM assignment_looks WHERE location = ?", (location,))
    return [each for identity, each in reversed(found.items()) if identity not in known]


def load(db: Connection, location: str, source: Source) -> tuple[OddRow, ...]:
    """What the newest full read could not read."""
    return of_location(db, location).get(source, ())


def of_location(db: Connection, location: str) -> Mapping[Source, tuple[OddRow, ...]]:
    """What the newest full reads of a location could not read, by what was read; what is missing
    was read whole."""
    found: dict[Source, tuple[OddRow, ...]] = {}
    for row in _stored(db, location):
        odd = OddRow(row["what"], row["place"], *_identity(row)[:3])
        found[row["source"]] = (*found.get(row["source"], ()), odd)
    return found


def since(db: Connection, location: str) -> float:
    """Since when the newest odd row among a location's assignments is there; 0.0 without one."""
    found = db.execute(
        "SELECT max(since) FROM odd_rows WHERE location = ? AND source = 'assignments'",
        (location,),
    ).fetchone()
    return float(found[0] or 0.0)


def looked(
    db: Connection, location: str, found: Iterable[tuple[Pair, str | None]], now: float
) -> None:
    """Pairs were looked up on their own; with each what was odd, None if it is not owned."""
    db.executemany(
        "INSERT INTO assignment_looks (location, adam_id, pricing_param, target, looked_at, odd) "
        "VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (location, target, adam_id, pricing_param) "
        "DO UPDATE SET looked_at = excluded.looked_at, odd = excluded.odd",
        [(*key(location, pair), now, odd) for pair, odd in found],
    )


def looks(
    db: Connection, location: str, serial_numbers: Sequence[str], adam_ids: Sequence[str]
) -> dict[Pair, Look]:
    """The newest look at each pair of these devices and apps that was looked up."""
    found = db.execute(
        "SELECT adam_id, pricing_param, target, looked_at, odd FROM assignment_looks "
        f"WHERE location = ? AND target IN ({rows.marks(len(serial_numbers))}) "
        f"AND adam_id IN ({rows.marks(len(adam_ids))})",
        (location, *serial_numbers, *adam_ids),
    )
    return {pair_of(row): Look(row["looked_at"], row["odd"]) for row in found}


def _stored(db: Connection, location: str) -> list[Any]:
    return db.execute(
        "SELECT source, adam_id, pricing_param, target, what, place, since FROM odd_rows "
        "WHERE location = ? ORDER BY id",
        (location,),
    ).fetchall()


def _identity(row: Any) -> tuple[str | None, str | None, str | None, str]:
    names = ("adam_id", "pricing_param", "target")
    adam_id, price, holder = (row[name] or None for name in names)
    return adam_id, price, holder, row["what"]
