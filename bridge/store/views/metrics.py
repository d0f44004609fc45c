"""What is measured: counted as it changes, counted for ever, and when what was heard of last."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from bridge.store import rows
from bridge.store.database import Connection
from bridge.store.outbox.states import SQL_OPEN


@dataclass(frozen=True, slots=True)
class Measured:
    """One row of what is counted for ever; `total` is a sum of seconds, `le` a bucket's bound."""

    name: str
    scope: str
    kind: str
    result: str
    le: float
    count: int
    total: float


@dataclass(frozen=True, slots=True)
class Licences:
    """Apple's counts of one app in a location, over all its price classes, and who holds how many
    of them; None for what Apple does not count."""

    location: str
    adam_id: str
    total: int | None
    available: int | None
    held: int
    ours: int


@dataclass(frozen=True, slots=True)
class Waiting:
    """Calls of one kind that are not settled, and when the oldest of them was intended."""

    service: str
    scope: str
    kind: str
    state: str
    count: int
    oldest_at: float


def measured(db: Connection) -> list[Measured]:
    """All that is counted for ever."""
    found = db.execute(
        f"SELECT {rows.columns(Measured)} FROM measured ORDER BY name, scope, kind, result, le"
    )
    return [Measured(*row) for row in found]


def licences(db: Connection) -> list[Licences]:
    """What the locations own, or hold licences of."""
    found = db.execute(
        "SELECT location, adam_id, sum(total) AS total, sum(available) AS available, "
        "sum(held) AS held, sum(ours) AS ours FROM ("
        "SELECT location, adam_id, CASE WHEN unlimited = 0 THEN total END AS total, "
        "CASE WHEN unlimited = 0 THEN available END AS available, 0 AS held, 0 AS ours "
        "FROM assets UNION ALL "
        "SELECT location, adam_id, NULL, NULL, held, ours FROM licences_held) AS counted "
        "GROUP BY location, adam_id ORDER BY location, adam_id"
    )
    return [
        Licences(row[0], row[1], _whole(row[2]), _whole(row[3]), int(row[4]), int(row[5]))
        for row in found
    ]


def waiting(db: Connection) -> list[Waiting]:
    """Calls that are not settled, by who is called, kind and state."""
    found = db.execute(
        "SELECT service, scope, kind, state, count(*), min(created_at) FROM outbox "
        f"WHERE state IN {SQL_OPEN} GROUP BY service, scope, kind, state "
        "ORDER BY service, scope, kind, state"
    )
    return [Waiting(*row) for row in found]


def names(db: Connection) -> Mapping[str, str]:
    """By adam id, the names of apps."""
    found = db.execute("SELECT adam_id, name FROM apps WHERE name IS NOT NULL ORDER BY adam_id")
    return {row[0]: row[1] for row in found}


def _whole(value: object) -> int | None:
    """PostgreSQL adds up to decimals."""
    return None if value is None else int(str(value))
