"""Who holds a licence, as far as Apple has told."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from itertools import chain

from bridge.domain.model import Asset, Pair
from bridge.store import rows
from bridge.store.database import Connection
from bridge.store.licences import request_pairs


@dataclass(frozen=True, slots=True)
class Assignment:
    """A licence that Apple lists for a target; `confirmed_by` is who told it first."""

    adam_id: str
    pricing_param: str
    target: str
    confirmed_at: float
    confirmed_by: str
    read_at: float


_COLUMNS = rows.plain(Assignment)


def owned(
    db: Connection, location: str, pairs: Collection[tuple[str, str]]
) -> dict[Pair, Assignment]:
    """The licences from one location that devices hold for apps, for these (serial number, adam
    id)."""
    found = db.execute(
        f"{rows.asked(len(pairs))}SELECT {_COLUMNS} FROM asked "
        "CROSS JOIN assignments WHERE target = asked.one AND adam_id = asked.other "
        "AND location = ?",
        (*chain.from_iterable(pairs), location),
    )
    assignments = (Assignment(*row) for row in found)
    return {Pair(Asset(a.adam_id, a.pricing_param), a.target): a for a in assignments}


def confirm(
    db: Connection, location: str, pairs: Iterable[Pair], *, told_by: str, now: float
) -> None:
    """Apple says that these devices hold these licences; who told it first is kept.

    What was only collected to be asked for is not asked for any more.
    """
    pairs = list(pairs)
    if _add(db, location, pairs, told_by, now, ours=0) < len(pairs):
        db.executemany(_SHOWN, [(now, *request_pairs.key(location, p), now) for p in pairs])
    request_pairs.turned_up(db, location, pairs, now)


def granted(
    db: Connection, location: str, pairs: Iterable[Pair], *, told_by: str, now: float
) -> None:
    """As `confirm`, for pairs that a request of ours was open for: none of them is collected, and
    the licences are ours."""
    pairs = list(pairs)
    if _add(db, location, pairs, told_by, now, ours=1) < len(pairs):
        db.executemany(_GRANTED, [(now, now, *request_pairs.key(location, p), now) for p in pairs])


_SHOWN = f"UPDATE assignments SET read_at = ? WHERE {request_pairs.PAIR} AND read_at < ?"
_GRANTED = (
    "UPDATE assignments SET ours = 1, read_at = CASE WHEN read_at < ? THEN ? ELSE read_at END "
    f"WHERE {request_pairs.PAIR} AND (ours = 0 OR read_at < ?)"
)


def _add(
    db: Connection, location: str, pairs: Sequence[Pair], told_by: str, now: float, *, ours: int
) -> int:
    """Keep those that are not known yet, and count them; returns how many they are.

    They are counted here and not by a trigger, which takes as long for each as the row itself.
    """
    new, by_asset = dict[Asset, int](), dict[Asset, list[str]]()
    for asset, holder in pairs:
        by_asset.setdefault(asset, []).append(holder)
    for asset, holders in by_asset.items():
        for part in rows.parts(len(holders)):
            some = holders[part]
            made = db.execute(
                "INSERT INTO assignments (location, adam_id, pricing_param, target, confirmed_at, "
                f"confirmed_by, read_at, ours) {rows.asked(len(some), 'target')}"
                "SELECT ?, ?, ?, target, ?, ?, ?, ? FROM asked WHERE true ON CONFLICT DO NOTHING",
                (*some, location, *asset, now, told_by, now, ours),
            ).rowcount
            new[asset] = new.get(asset, 0) + made
    db.executemany(
        "INSERT INTO licences_held (location, adam_id, pricing_param, held, ours) "
        "VALUES (?, ?, ?, ?, ?) ON CONFLICT (location, adam_id, pricing_param) DO UPDATE "
        "SET held = licences_held.held + excluded.held, ours = licences_held.ours + excluded.ours",
        [(location, *asset, number, number * ours) for asset, number in new.items() if number],
    )
    return sum(new.values())


def withdraw(db: Connection, location: str, pairs: Iterable[Pair]) -> None:
    """Apple says that these devices hold these licences no more."""
    db.executemany(
        "DELETE FROM assignments WHERE location = ? AND adam_id = ? AND pricing_param = ? "
        "AND target = ?",
        [(location, p.asset.adam_id, p.asset.pricing_param, p.holder) for p in pairs],
    )


def unread_since(db: Connection, location: str, read_began_at: float) -> list[Pair]:
    """The licences that a full read begun at that time did not show: they are gone.

    What was confirmed after the read began is not among them: Apple may have listed it later.
    """
    found = db.execute(
        "SELECT adam_id, pricing_param, target FROM assignments WHERE location = ? AND read_at < ?",
        (location, read_began_at),
    )
    return [Pair(Asset(r["adam_id"], r["pricing_param"]), r["target"]) for r in found]
