"""How installs stood over time: a small history of counts, kept beside them for charts.

What is counted lately is kept finely, what is older coarsely: of each slot of each step the newest
count stands. Counting reads an index, and nothing that is decided waits for it.
"""

from __future__ import annotations

from dataclasses import dataclass

from bridge.domain.over_time import STEPS
from bridge.store import rows
from bridge.store.database import Connection
from bridge.store.views import totals


@dataclass(frozen=True, slots=True)
class StateCount:
    """How many desired installs were in a state in a slot of time, the `slot`th since the epoch."""

    slot: int
    state: str
    count: int


def keep(db: Connection, counts: list[totals.InstallCount], now: float) -> None:
    """Keep these counts as those of now, in the present slot of each step."""
    states: dict[tuple[str, str], int] = {}
    for each in counts:
        key = each.adam_id, each.state
        states[key] = states.get(key, 0) + each.count
    for step in STEPS:
        slot = int(now // step.seconds)
        db.execute("DELETE FROM install_counts WHERE step = ? AND slot = ?", (step.seconds, slot))
        db.executemany(
            "INSERT INTO install_counts (step, slot, adam_id, state, count) VALUES (?, ?, ?, ?, ?)",
            [(step.seconds, slot, *key, count) for key, count in states.items()],
        )


def spans(db: Connection) -> dict[int, int]:
    """By step (seconds), how many slots lie between the oldest count and the newest."""
    found = db.execute("SELECT step, max(slot) - min(slot) FROM install_counts GROUP BY step")
    return {row[0]: row[1] for row in found}


def of_all(db: Connection, step: int) -> list[StateCount]:
    """The counts of one step (seconds), of all apps together, the oldest first."""
    found = db.execute(
        "SELECT slot, state, sum(count) AS count FROM install_counts WHERE step = ? "
        "GROUP BY slot, state ORDER BY slot, state",
        (step,),
    )
    return [rows.read(StateCount, row) for row in found]


def of_app(db: Connection, step: int, adam_id: str) -> list[StateCount]:
    """The counts of one step (seconds), of one app, the oldest first."""
    found = db.execute(
        "SELECT slot, state, count FROM install_counts WHERE step = ? AND adam_id = ? "
        "ORDER BY slot, state",
        (step, adam_id),
    )
    return [rows.read(StateCount, row) for row in found]
