"""Subscriptions and who has them, as Apple told last: by a notification, or by a full read."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from bridge.domain.licences.subscriptions import (
    HELD,
    OVER,
    CountKind,
    Holding,
    Seats,
    Subscription,
)
from bridge.domain.vocabulary import SubscriptionState
from bridge.store import rows
from bridge.store.database import Connection

SQL_HELD = rows.among(HELD)
SQL_OVER = rows.among(OVER)

_BY_READ = (
    "INSERT INTO subscriptions (location, adam_id, parent_adam_id, status, period_ends_on, "
    "assigned_renewing, assigned_expiring, available_renewing, available_expiring, "
    "total_renewing, total_expiring, counted_at, read_at) "
    "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (location, adam_id) DO UPDATE SET "
    "parent_adam_id = excluded.parent_adam_id, status = excluded.status, "
    "period_ends_on = excluded.period_ends_on, "
    "assigned_renewing = excluded.assigned_renewing, "
    "assigned_expiring = excluded.assigned_expiring, "
    "available_renewing = excluded.available_renewing, "
    "available_expiring = excluded.available_expiring, "
    "total_renewing = excluded.total_renewing, total_expiring = excluded.total_expiring, "
    "counted_at = excluded.counted_at, read_at = excluded.read_at"
)
_TELL = (
    "INSERT INTO subscription_assignments "
    "(location, adam_id, client_user_id, state, since, told_at, told_by, error_number) "
    "VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (location, adam_id, client_user_id) "
    "DO UPDATE SET since = CASE WHEN subscription_assignments.state = excluded.state "
    "THEN subscription_assignments.since ELSE excluded.since END, state = excluded.state, "
    "told_at = excluded.told_at, told_by = excluded.told_by, error_number = excluded.error_number"
)


def count(
    db: Connection,
    location: str,
    adam_id: str,
    parent_adam_id: str | None,
    counts: Iterable[tuple[CountKind, Seats]],
    now: float,
) -> None:
    """Keep the counts that a notification tells; those that it does not tell stay."""
    _ensure(db, location, adam_id)
    values: dict[str, object] = {"counted_at": now}
    if parent_adam_id is not None:
        values["parent_adam_id"] = parent_adam_id
    for kind, seats in counts:
        told = {f"{kind}_renewing": seats.renewing, f"{kind}_expiring": seats.expiring}
        values |= {column: number for column, number in told.items() if number is not None}
    columns = ", ".join(f"{column} = ?" for column in values)
    db.execute(
        f"UPDATE subscriptions SET {columns} WHERE location = ? AND adam_id = ?",
        (*values.values(), location, adam_id),
    )


def state(
    db: Connection, location: str, adam_id: str, client_user_id: str
) -> SubscriptionState | None:
    """The state of a user's assignment; None where nothing is known of it."""
    row = db.execute(
        "SELECT state FROM subscription_assignments "
        "WHERE location = ? AND adam_id = ? AND client_user_id = ?",
        (location, adam_id, client_user_id),
    ).fetchone()
    return None if row is None else row[0]


def tell(
    db: Connection,
    location: str,
    holding: Holding,
    become: SubscriptionState,
    now: float,
    error_number: int | None = None,
) -> None:
    """A notification told of a user's assignment; `error_number` if it was refused."""
    _ensure(db, location, holding.adam_id)
    who = (location, holding.adam_id, holding.client_user_id)
    db.execute(_TELL, (*who, become, now, now, "notification", error_number))


def told_after(db: Connection, location: str, moment: float) -> bool:
    """Whether a notification told anything of a location's subscriptions after `moment`."""
    row = db.execute(
        "SELECT 1 FROM subscriptions WHERE location = ? AND counted_at > ? UNION ALL "
        "SELECT 1 FROM subscription_assignments WHERE location = ? AND told_at > ? LIMIT 1",
        (location, moment, location, moment),
    ).fetchone()
    return row is not None


def store_read(
    db: Connection,
    location: str,
    listed: Sequence[Subscription],
    held: Sequence[Holding],
    read_at: float,
    *,
    complete: bool,
) -> None:
    """Keep a full read begun at `read_at`. What it does not list is over, unless the read is not
    `complete`: then it may be in a row that could not be read."""
    db.executemany(_BY_READ, [_row(location, each, read_at) for each in listed])
    for adam_id in {each.adam_id for each in held}:
        _ensure(db, location, adam_id)
    db.executemany(
        _TELL,
        [
            (
                location,
                each.adam_id,
                each.client_user_id,
                each.state,
                read_at,
                read_at,
                "read",
                None,
            )
            for each in held
        ],
    )
    if not complete:
        return
    db.execute(
        "UPDATE subscription_assignments SET state = 'ended', since = ?, told_at = ?, "
        f"told_by = 'read', error_number = NULL WHERE location = ? AND state IN {SQL_HELD} "
        "AND told_at < ?",
        (read_at, read_at, location, read_at),
    )
    db.execute(
        "DELETE FROM subscriptions WHERE location = ? AND coalesce(read_at, counted_at, 0) < ? "
        "AND NOT EXISTS (SELECT 1 FROM subscription_assignments a "
        "WHERE a.location = subscriptions.location AND a.adam_id = subscriptions.adam_id)",
        (location, read_at),
    )
    db.execute(
        "UPDATE subscriptions SET status = NULL, period_ends_on = NULL, "
        "assigned_renewing = NULL, assigned_expiring = NULL, available_renewing = NULL, "
        "available_expiring = NULL, total_renewing = NULL, total_expiring = NULL "
        "WHERE location = ? AND coalesce(read_at, 0) < ?",
        (location, read_at),
    )


def _ensure(db: Connection, location: str, adam_id: str) -> None:
    db.execute(
        "INSERT INTO subscriptions (location, adam_id) VALUES (?, ?) ON CONFLICT DO NOTHING",
        (location, adam_id),
    )


def _row(location: str, each: Subscription, read_at: float) -> tuple[object, ...]:
    return (
        location,
        each.adam_id,
        each.parent_adam_id,
        each.status,
        each.period_ends_on,
        each.assigned.renewing,
        each.assigned.expiring,
        each.available.renewing,
        each.available.expiring,
        each.total.renewing,
        each.total.expiring,
        read_at,
        read_at,
    )
