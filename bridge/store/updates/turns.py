"""What was tried on each device for the newest version that it did not have, and its turn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bridge.domain.policy import HOUR
from bridge.domain.updates.facts import MOST_TRIES, OPEN, Rollout, Tried, TriedState
from bridge.store import rows
from bridge.store.database import Connection
from bridge.store.updates import rollouts
from bridge.store.updates.rollouts import Scope

UNDER_WAY = "sent"

_SQL_OPEN = rows.among(OPEN)
_FAILED = ("failed", "refused")
_IS_IT = "adam_id = ? AND storefront = ? AND family = ?"


@dataclass(frozen=True, slots=True)
class Turn:
    """A device that waits for its turn with an app."""

    install_id: int
    target: str
    ring: int
    wake_at: float


def of_installs(db: Connection, install_ids: Sequence[int]) -> dict[int, Tried]:
    """What was tried for these installs."""
    some = rows.padded(install_ids)
    found = db.execute(
        f"SELECT {rows.columns(Tried)}, install_id FROM updates "
        f"WHERE install_id IN ({rows.marks(len(some))})",
        some,
    )
    return {row["install_id"]: rows.read(Tried, row) for row in found}


def under_way(db: Connection, targets: Sequence[str]) -> dict[str, int]:
    """Which of these devices are sent an app now, and for which install."""
    some = rows.padded(targets)
    found = db.execute(
        f"SELECT target, install_id FROM updates WHERE target IN ({rows.marks(len(some))}) "
        f"AND state = '{UNDER_WAY}'",
        some,
    )
    return {row[0]: row[1] for row in found}


def await_turn(
    db: Connection,
    install_id: int,
    target: str,
    rollout: Rollout,
    ring: int,
    had: str | None,
    *,
    opens_at: float,
    next_at: float,
    wake_at: float,
) -> None:
    """A device does not have the newest version, and has its turn from `opens_at` on."""
    scope = (rollout.adam_id, rollout.storefront, rollout.family)
    _uncount(db, install_id, rollout.number)
    db.execute(
        "INSERT INTO updates (install_id, target, adam_id, storefront, family, ring, number, "
        "state, had, opens_at, next_at, wake_at) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, 'waiting', ?, ?, ?, ?) "
        "ON CONFLICT (install_id) DO UPDATE SET target = excluded.target, "
        "adam_id = excluded.adam_id, storefront = excluded.storefront, "
        "family = excluded.family, ring = excluded.ring, number = excluded.number, "
        "state = 'waiting', had = excluded.had, opens_at = excluded.opens_at, "
        "next_at = excluded.next_at, wake_at = excluded.wake_at, "
        "tries = CASE WHEN updates.number = excluded.number THEN updates.tries ELSE 0 END, "
        "woken_at = CASE WHEN updates.number = excluded.number THEN updates.woken_at END",
        (install_id, target, *scope, ring, rollout.number, had, opens_at, next_at, wake_at),
    )
    rollouts.count(db, scope, ring, devices=1)


def _uncount(db: Connection, install_id: int, number: int) -> None:
    """What stood in this version's counts stands there no more."""
    row = db.execute(
        "SELECT adam_id, storefront, family, ring, state FROM updates "
        "WHERE install_id = ? AND number = ?",
        (install_id, number),
    ).fetchone()
    if row is not None:
        scope: Scope = (row[0], row[1], row[2])
        done, failed = int(row[4] == "done"), int(row[4] in _FAILED)
        rollouts.count(db, scope, row[3], devices=-1, done=-done, failed=-failed)


def start(db: Connection, install_id: int, next_at: float, now: float) -> None:
    """A command was made."""
    _move(db, install_id, UNDER_WAY)
    db.execute(
        "UPDATE updates SET started_at = ?, next_at = ? WHERE install_id = ?",
        (now, next_at, install_id),
    )


def done_at(db: Connection, install_id: int, listed_at: float) -> None:
    """The list of then showed that it has the version."""
    db.execute("UPDATE updates SET done_at = ? WHERE install_id = ?", (listed_at, install_id))


def note(db: Connection, install_id: int, state: TriedState, *, jitter: float) -> None:
    """What came of it. Where it may be sent again, that is from the next window on."""
    if state == "failed":
        db.execute("UPDATE updates SET tries = tries + 1 WHERE install_id = ?", (install_id,))
        found = db.execute("SELECT tries FROM updates WHERE install_id = ?", (install_id,))
        row = found.fetchone()
        if row is not None and row[0] >= MOST_TRIES:
            state = "refused"
    _move(db, install_id, state)
    if state in OPEN:
        db.execute(
            "UPDATE updates SET opens_at = next_at, wake_at = next_at + ? WHERE install_id = ?",
            (jitter, install_id),
        )


def _move(db: Connection, install_id: int, state: str) -> None:
    """From one state to another, with the counts of its ring."""
    row = db.execute(
        "SELECT u.adam_id, u.storefront, u.family, u.ring, u.state, u.number = r.number "
        "FROM updates u LEFT JOIN rollouts r ON r.adam_id = u.adam_id "
        "AND r.storefront = u.storefront AND r.family = u.family WHERE u.install_id = ?",
        (install_id,),
    ).fetchone()
    if row is None:
        return
    db.execute("UPDATE updates SET state = ? WHERE install_id = ?", (state, install_id))
    if row[5]:
        done = int(state == "done") - int(row[4] == "done")
        failed = int(state in _FAILED) - int(row[4] in _FAILED)
        if done or failed:
            rollouts.count(db, (row[0], row[1], row[2]), row[3], done=done, failed=failed)


def scope_of(db: Connection, install_id: int) -> tuple[Scope, int] | None:
    """Of what app, storefront and family an install waits for a version, and in which ring."""
    row = db.execute(
        "SELECT adam_id, storefront, family, ring FROM updates WHERE install_id = ?", (install_id,)
    ).fetchone()
    return ((row[0], row[1], row[2]), row[3]) if row else None


def has_turn(db: Connection, target: str, now: float) -> list[int]:
    """The installs of a device that may be sent now, or whose device comes at another time than
    they wait for."""
    found = db.execute(
        "SELECT u.install_id FROM updates u JOIN rollouts r ON r.adam_id = u.adam_id "
        "AND r.storefront = u.storefront AND r.family = u.family AND r.number = u.number "
        "LEFT JOIN installs i ON i.id = u.install_id "
        f"WHERE u.target = ? AND u.state IN {_SQL_OPEN} AND u.opens_at <= ? "
        "AND (i.update_asked IS NOT NULL OR (r.stopped IS NULL AND u.ring <= r.ring))",
        (target, now),
    )
    return [row[0] for row in found]


def any_waits(db: Connection, target: str) -> bool:
    """Whether any app of a device waits for its turn."""
    row = db.execute(
        f"SELECT 1 FROM updates WHERE target = ? AND state IN {_SQL_OPEN} LIMIT 1", (target,)
    ).fetchone()
    return row is not None


def in_hour(db: Connection, adam_id: str, now: float) -> tuple[int, float | None]:
    """How many devices were sent an app within the last hour, and when the first of them was."""
    row = db.execute(
        "SELECT count(*), min(started_at) FROM updates WHERE adam_id = ? AND started_at > ?",
        (adam_id, now - HOUR),
    ).fetchone()
    return int(row[0]), row[1]


def called_in_hour(db: Connection, adam_id: str, now: float) -> int:
    """How many devices were called, or sent an app, within the last hour."""
    row = db.execute(
        "SELECT count(*) FROM (SELECT install_id FROM updates WHERE adam_id = ? AND started_at > ? "
        "UNION SELECT install_id FROM updates WHERE adam_id = ? AND woken_at > ?) AS called",
        (adam_id, now - HOUR, adam_id, now - HOUR),
    ).fetchone()
    return int(row[0])


def to_wake(db: Connection, rollout: Rollout, now: float, limit: int) -> list[Turn]:
    """The devices to be called now for a version, up to its ring, the longest due first."""
    found: list[Turn] = []
    for state in OPEN:
        for ring in range(rollout.ring + 1):
            found += _due(db, rollout, state, ring, now, limit)
    return sorted(found, key=lambda turn: (turn.wake_at, turn.install_id))[:limit]


def _due(
    db: Connection, rollout: Rollout, state: str, ring: int, now: float, limit: int
) -> list[Turn]:
    found = db.execute(
        f"SELECT {rows.plain(Turn)} FROM updates WHERE {_IS_IT} AND state = ? AND ring = ? "
        "AND wake_at <= ? AND number = ? ORDER BY wake_at, install_id LIMIT ?",
        (
            *(rollout.adam_id, rollout.storefront, rollout.family),
            *(state, ring, now, rollout.number, limit),
        ),
    )
    return [Turn(*row) for row in found]


def next_wake(db: Connection, rollout: Rollout) -> float | None:
    """When the next device is to be called for a version."""
    soonest = []
    for state in OPEN:
        for ring in range(rollout.ring + 1):
            row = db.execute(
                f"SELECT min(wake_at) FROM updates WHERE {_IS_IT} AND state = ? AND ring = ?",
                (rollout.adam_id, rollout.storefront, rollout.family, state, ring),
            ).fetchone()
            soonest += [] if row[0] is None else [float(row[0])]
    return min(soonest, default=None)


def woken(db: Connection, install_id: int, wake_at: float, now: float) -> None:
    """Its device was called; if it does not come, it is called again at `wake_at`."""
    db.execute(
        "UPDATE updates SET woken_at = ?, wake_at = ? WHERE install_id = ?",
        (now, wake_at, install_id),
    )


def postpone(
    db: Connection, install_id: int, *, opens_at: float, next_at: float, wake_at: float
) -> None:
    """Its device did not come in its window, and has its turn in the next."""
    db.execute(
        "UPDATE updates SET opens_at = ?, next_at = ?, wake_at = ? WHERE install_id = ?",
        (opens_at, next_at, wake_at, install_id),
    )


def forget(db: Connection, install_id: int) -> None:
    """Nobody wishes for it any more."""
    row = db.execute("SELECT number FROM updates WHERE install_id = ?", (install_id,)).fetchone()
    if row is not None:
        found = scope_of(db, install_id)
        rollout = rollouts.get(db, found[0]) if found is not None else None
        if rollout is not None and rollout.number == row[0]:
            _uncount(db, install_id, rollout.number)
        db.execute("DELETE FROM updates WHERE install_id = ?", (install_id,))


def call_again(db: Connection, install_id: int, wake_at: float) -> None:
    """It could not go at the pace that is allowed: its device is called again."""
    db.execute("UPDATE updates SET wake_at = ? WHERE install_id = ?", (wake_at, install_id))


def first_without_chance(db: Connection, rollout: Rollout) -> int | None:
    """An install of the rings that have begun whose device was neither called nor sent the version;
    None where each had its chance."""
    row = db.execute(
        f"SELECT install_id FROM updates WHERE {_IS_IT} AND state = 'waiting' AND ring <= ? "
        "AND number = ? AND woken_at IS NULL LIMIT 1",
        (
            *(rollout.adam_id, rollout.storefront, rollout.family),
            *(rollout.ring, rollout.number),
        ),
    ).fetchone()
    return row[0] if row else None


def a_later_one(db: Connection, rollout: Rollout) -> int | None:
    """An install of a ring that has not begun."""
    row = db.execute(
        f"SELECT install_id FROM updates WHERE {_IS_IT} AND state = 'waiting' AND ring > ? "
        "AND number = ? LIMIT 1",
        (
            *(rollout.adam_id, rollout.storefront, rollout.family),
            *(rollout.ring, rollout.number),
        ),
    ).fetchone()
    return row[0] if row else None


def first_open(db: Connection, rollout: Rollout) -> int | None:
    """An install that waits for a version."""
    for state in OPEN:
        row = db.execute(
            f"SELECT install_id FROM updates WHERE {_IS_IT} AND state = ? LIMIT 1",
            (rollout.adam_id, rollout.storefront, rollout.family, state),
        ).fetchone()
        if row is not None:
            return int(row[0])
    return None


def ahead(db: Connection, install_id: int, now: float) -> None:
    """A person wants it now, or in the next window: its ring and what failed do not count."""
    found = scope_of(db, install_id)
    row = db.execute(
        "SELECT number, state FROM updates WHERE install_id = ?", (install_id,)
    ).fetchone()
    if found is None or row is None or row[1] in ("sent", "taken"):
        return
    rollout = rollouts.get(db, found[0])
    if rollout is not None and rollout.number == row[0]:
        _uncount(db, install_id, rollout.number)
        rollouts.count(db, found[0], 0, devices=1)
    db.execute(
        "UPDATE updates SET state = 'waiting', ring = 0, tries = 0, opens_at = ?, wake_at = ? "
        "WHERE install_id = ?",
        (now, now, install_id),
    )
