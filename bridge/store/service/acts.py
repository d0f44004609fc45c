"""What people did, kept with what it changed, until the engine has written it into the log."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from bridge.store.database import Connection

ActLevel = Literal["info", "warning"]


@dataclass(frozen=True, slots=True)
class Act:
    """One thing that was done at `at`; `about` is what the log's line is about, by its keys."""

    id: int
    at: float
    level: ActLevel
    message: str
    about: Mapping[str, str | int]


def note(
    db: Connection,
    now: float,
    message: str,
    about: Mapping[str, str | int],
    level: ActLevel = "info",
) -> None:
    """Keep that something was done; it counts once the transaction of `db` is committed."""
    db.execute(
        "INSERT INTO acts (at, level, message, about) VALUES (?, ?, ?, ?)",
        (now, level, message, json.dumps(about)),
    )


def waiting(db: Connection) -> Sequence[Act]:
    """The oldest of what is not in the log yet, as much as one transaction may delete."""
    found = db.execute("SELECT id, at, level, message, about FROM acts ORDER BY id LIMIT 500")
    return [Act(row[0], row[1], row[2], row[3], json.loads(row[4])) for row in found]


def logged(db: Connection, acts: Sequence[Act]) -> None:
    """These are in the log now."""
    db.executemany("DELETE FROM acts WHERE id = ?", [(act.id,) for act in acts])
