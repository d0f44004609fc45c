"""After the wall clock was set: what is stored by the old time goes on by the new one.

What is due stays as far away as it was, and what happened lately as long ago, so that nothing
waits, is doubted or given up because of the clock. Nothing that happened may lie after what
happens next, or rules such as "a list that was asked for after the command" hold the wrong way
round. What happened more than RECENT ago keeps its time, for whoever reads a history.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace

from bridge.store import meta, row_ids
from bridge.store.database import Connection, Database

TOLERANCE = 60.0
"""Seconds by which a stored time may lie ahead without meaning that the clock went back."""

RECENT = 86400.0
"""Seconds for which what happened is moved along with the clock."""

WRITING = (2.0, 10.0)
"""Seconds before and after the moment a step is noticed in which others have written by the new
time already, or will before all is moved."""

AT_ONCE = 1000
"""Row ids looked at in one transaction, so that nobody waits for longer than a moment."""

DUE: Mapping[str, tuple[str, ...]] = {
    "commands": ("due_at", "look_at", "push_at", "not_after"),
    "outbox": ("due_at",),
    "apple_requests": ("next_status_at", "next_read_at"),
    "request_pairs": ("ready_at",),
    "devices": ("queue_at", "reclaim_at"),
    "installs": ("next_check_at",),
    "events": ("next_try_at",),
    "schedule": ("next_at",),
    "pauses": ("next_probe_at",),
    "users": ("next_check_at",),
    "metadata_misses": ("next_at",),
    "alerts": ("settles_at",),
    "updates": ("opens_at", "next_at", "wake_at"),
}
"""Columns that say when something is to be done, by table."""

HAPPENED: Mapping[str, tuple[str, ...]] = {
    "commands": (
        *("created_at", "posted_at", "missed_at", "in_doubt_at", "not_now_since", "not_now_at"),
        *("offered_at", "stalled_at", "odd_at", "answered_at"),
    ),
    "outbox": ("created_at", "claimed_at", "settled_at"),
    "apple_requests": (
        *("created_at", "submitted_at", "answered_at", "status_asked_at", "settled_at"),
    ),
    "request_pairs": ("settled_at", "looked_at", "foreign_at"),
    "devices": (
        *("enrolled_at", "enrolled_after", "authenticate_stamp", "token_stamp", "checkout_stamp"),
        *("last_seen_at", "last_connect_at", "apps_asked_at", "apps_listed_at", "apps_refused_at"),
        *("media_asked_at", "media_listed_at", "media_refused_at"),
        *("installed_refused_at", "declared_at", "left_out_at", "serial_asked_at", "moved_at"),
        "unenrolled_at",
        *("facts_asked_at", "facts_at", "pushed_at", "created_at", "awaiting_at"),
        *("setup_since", "setup_ended_at", "setup_free_at", "setup_ready_at"),
    ),
    "first_facts": ("learnt_at",),
    "unheard_answers": ("last_at",),
    "unreadable_answers": ("since", "last_at", "listed_asked_at", "listed_at"),
    "app_reports": ("reported_at", "once_at", "there_at"),
    "declared_apps": ("stamp", "since", "reported_at"),
    "installed_apps": ("asked_at", "reported_at", "there_at"),
    "apps": ("metadata_at",),
    "probes": ("since",),
    "unknown_commands": ("since",),
    "rollouts": ("found_at", "through_at"),
    "updates": ("woken_at", "started_at", "done_at"),
    "applied": ("stored_at", "limited_at"),
    "one_offs": ("made_at",),
    "installs": (*("round_at", "since", "created_at", "updated_at", "installed_at", "dirty_at"),),
    "events": ("received_at", "processed_at"),
    "seen_messages": ("seen_at",),
    "webhooks": ("last_at", "told_at"),
    "server_watch": (
        *("any_since", "any_at", "webhooks_since", "webhooks_at", "looked_at"),
        *("listed_at", "dead_since"),
    ),
    "reclaims": ("at",),
    "reclaim_holds": ("since", "looked_at"),
    "replaced": ("at",),
    "webhook_refusals": ("first_at", "last_at"),
    "webhook_streams": (*("heard_to", "advanced_at", "ahead_at", "behind_since", "waiting_since"),),
    "acts": ("at",),
    "audit": ("at",),
    "audit_subjects": ("at",),
    "counters": ("updated_at",),
    "pauses": ("since", "probe_at"),
    "failures": ("at",),
    "locations": (
        *("heard_at", "url_refused_at", "notification_token_at", "registered_at"),
        *("token_suspension_at", "config_read_at", "limits_read_at", "assets_read_at"),
        *("assignments_read_at", "users_read_at", "last_notification_at"),
    ),
    "odd_rows": ("since",),
    "assignment_looks": ("looked_at",),
    "assets": ("read_at", "counted_at"),
    "assignments": ("confirmed_at", "read_at"),
    "users": (*("heard_at", "since", "created_at", "updated_at", "round_at", "dirty_at"),),
    "user_changes": ("created_at", "settled_at"),
    "invitations": ("created_at",),
    "subscriptions": ("counted_at", "read_at"),
    "subscription_assignments": ("since", "told_at"),
    "alerts": ("since", "seen_since", "counted_from"),
    "alert_tellings": ("told_since", "told_at", "sent_since", "tried_at"),
}
"""Columns that say when something happened, by table."""

FROM_OUTSIDE: Mapping[str, tuple[str, ...]] = {
    "locations": ("token_file_expires_at", "token_apple_expires_at"),
    "engines": ("heard",),  # by the clock of the database's server
}
"""Columns with times that others set, which may lie ahead."""

LENGTHS: Mapping[str, tuple[str, ...]] = {
    "webhook_gaps": ("longest",),
    "measured": ("le", "total"),
}
"""Columns that say how long something took."""

DIFFERENCES: Mapping[str, tuple[str, ...]] = {"webhook_streams": ("ahead",)}
"""Columns that say by how much our clock is ahead of another one."""

_WHOLE = -1
"""The batch that is a whole table."""
_PENDING = "clock_step_pending"
_LATEST = (
    "SELECT max(at) FROM (SELECT max(received_at) AS at FROM events "
    "UNION ALL SELECT max(created_at) FROM commands UNION ALL SELECT max(settled_at) FROM outbox "
    "UNION ALL SELECT max(updated_at) FROM counters) AS newest"
)
_WITHOUT_ROWID = frozenset({"first_facts", "unheard_answers", "unreadable_answers"})
"""Tables of few rows for each device, whose ids stand for the row ids that they have not."""


@dataclass(frozen=True, slots=True)
class Move:
    """The clock was set by `by` seconds and shows `now`; `done` batches have been moved."""

    now: float
    by: float
    done: int = 0


def ahead(db: Connection, now: float) -> float:
    """By how many seconds what is stored lies ahead of `now`; 0.0 within TOLERANCE.

    Looks at a few columns only, each by its index or in a small table.
    """
    found = db.execute(_LATEST).fetchone()[0]
    by = 0.0 if found is None else float(found) - now
    return by if by > TOLERANCE else 0.0


def pending(db: Connection) -> Move | None:
    """A move that was broken off: hand it to `move`."""
    stored = meta.recall(db, _PENDING)
    return None if stored is None else Move(**json.loads(stored))


def move(database: Database, step: Move) -> None:
    """Move what is stored by the old time to the new one.

    In small transactions, each of which keeps how far it got: whatever breaks it off, nothing is
    moved twice.
    """
    with database.write() as db:
        batches = list(_batches(db))
        _keep(db, step)
    for number, (table, batch) in enumerate(batches):
        if number >= step.done:
            with database.write() as db:
                _move(db, table, batch, step)
                _keep(db, replace(step, done=number + 1))
    with database.write() as db:
        meta.forget(db, _PENDING)


def _keep(db: Connection, step: Move) -> None:
    meta.keep(db, _PENDING, json.dumps(asdict(step)))


def _batches(db: Connection) -> Iterator[tuple[str, int]]:
    """Every table in batches of its row ids. Rows that are made later are by the new time."""
    for table in {**DUE, **HAPPENED}:
        if not row_ids.of(db).walked:  # one batch; nobody who reads waits for it
            yield table, _WHOLE
            continue
        column = _row_id(table)
        lowest = db.execute(f"SELECT min({column}) FROM {table}").fetchone()[0]
        highest = db.execute(f"SELECT max({column}) FROM {table}").fetchone()[0]
        for batch in range((lowest or 0) // AT_ONCE, (highest or 0) // AT_ONCE + 1):
            yield table, batch


def _row_id(table: str) -> str:
    return "device_id" if table in _WITHOUT_ROWID else "rowid"


def _move(db: Connection, table: str, batch: int, step: Move) -> None:
    within = f" AND {_row_id(table)} >= :low AND {_row_id(table)} < :high"
    if batch == _WHOLE:
        within = ""
    old = step.now - step.by
    values = {
        "by": step.by,
        "now": step.now,
        "old": old,
        "recent": old - RECENT,
        "oldest": step.now - RECENT,
        "middle": (old + step.now) / 2,
        "writing": step.now - WRITING[0],
        "written": step.now + WRITING[1],
        "low": batch * AT_ONCE,
        "high": (batch + 1) * AT_ONCE,
    }
    back = step.by < 0
    for column in DUE.get(table, ()):
        value, where = _DUE_BACK if back else _DUE_FORWARD
        _set(db, table, column, value, where + within, values)
    for column in HAPPENED.get(table, ()):
        value, where = _HAPPENED_BACK if back else _HAPPENED_FORWARD
        _set(db, table, column, value, where + within, values)
    for column in DIFFERENCES.get(table, ()):
        _set(db, table, column, "{c} + :by", "{c} IS NOT NULL" + within, values)


_DUE_BACK = "CASE WHEN {c} + :by > :now THEN {c} + :by ELSE :now END", "{c} > :now"
_DUE_FORWARD = "{c} + :by", "{c} > :old AND {c} < :middle"
_HAPPENED_BACK = (
    "CASE WHEN {c} <= :recent THEN :oldest WHEN {c} + :by < :now THEN {c} + :by ELSE :now END",
    "{c} > :oldest AND {c} NOT BETWEEN :writing AND :written",
)
_HAPPENED_FORWARD = "{c} + :by", "{c} > :recent AND {c} < :middle"


def _set(
    db: Connection, table: str, column: str, value: str, where: str, values: Mapping[str, float]
) -> None:
    db.execute(
        f"UPDATE {table} SET {column} = {value.format(c=column)} WHERE {where.format(c=column)}",
        values,
    )
