"""Small things the bridge remembers of itself: identity, counters, and when jobs are due."""

from __future__ import annotations

import uuid
from collections.abc import Mapping

from bridge.store.database import Connection

_FORMER = "former_instance_ids"


def instance_id(db: Connection) -> str:
    """This bridge's stable id, drawn once; it is the `mdmInfo.id` that Apple is told."""
    db.execute(
        "INSERT INTO meta (key, value) VALUES ('instance_id', ?) ON CONFLICT DO NOTHING",
        (str(uuid.uuid4()),),
    )
    row = db.execute("SELECT value FROM meta WHERE key = 'instance_id'").fetchone()
    return str(row[0])


def new_instance_id(db: Connection) -> str:
    """Be another bridge from now on: one that was restored may not be taken for the first, whose id
    is kept as a former one."""
    keep(db, _FORMER, " ".join({*former_ids(db), instance_id(db)}))
    keep(db, "instance_id", str(uuid.uuid4()))
    return instance_id(db)


def former_ids(db: Connection) -> frozenset[str]:
    """The ids of the bridges of which this one is a restored copy."""
    return frozenset((recall(db, _FORMER) or "").split())


def keep(db: Connection, key: str, value: str) -> None:
    """Remember a value under a key."""
    db.execute(
        "INSERT INTO meta (key, value) VALUES (?, ?) "
        "ON CONFLICT (key) DO UPDATE SET value = excluded.value",
        (key, value),
    )


def recall(db: Connection, key: str) -> str | None:
    """What was remembered under a key."""
    row = db.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
    return str(row[0]) if row else None


def forget(db: Connection, key: str) -> None:
    """Remember nothing more under a key."""
    db.execute("DELETE FROM meta WHERE key = ?", (key,))


def count(db: Connection, name: str, now: float, by: int = 1) -> None:
    """Add `by` to a counter, which starts at nought."""
    db.execute(
        "INSERT INTO counters (name, value, updated_at) VALUES (?, ?, ?) ON CONFLICT (name) "
        "DO UPDATE SET value = counters.value + excluded.value, updated_at = excluded.updated_at",
        (name, by, now),
    )


def counters(db: Connection) -> Mapping[str, int]:
    """Every counter by name."""
    return {row[0]: row[1] for row in db.execute("SELECT name, value FROM counters ORDER BY name")}


def due_jobs(db: Connection, now: float) -> list[str]:
    """The names of the clock-driven jobs that are due."""
    rows = db.execute("SELECT name FROM schedule WHERE next_at <= ? ORDER BY next_at, name", (now,))
    return [str(row[0]) for row in rows]


def plan_job(db: Connection, name: str, next_at: float) -> None:
    """Set when a clock-driven job runs next, later or earlier than it was planned."""
    db.execute(
        "INSERT INTO schedule (name, next_at) VALUES (?, ?) "
        "ON CONFLICT (name) DO UPDATE SET next_at = excluded.next_at",
        (name, next_at),
    )


def hasten_job(db: Connection, name: str, at: float) -> None:
    """Let a clock-driven job run at `at` unless it runs earlier already."""
    db.execute(
        "INSERT INTO schedule (name, next_at) VALUES (?, ?) ON CONFLICT (name) "
        "DO UPDATE SET next_at = excluded.next_at WHERE excluded.next_at < schedule.next_at",
        (name, at),
    )


def hasten_all(db: Connection, at: float) -> None:
    """Let every clock-driven job run at `at` unless it runs earlier already."""
    db.execute("UPDATE schedule SET next_at = ? WHERE next_at > ?", (at, at))


def forget_job(db: Connection, name: str) -> None:
    """The job is of something that is no longer configured."""
    db.execute("DELETE FROM schedule WHERE name = ?", (name,))
