"""What is forgotten with time, a few rows at a time, and the room on the disk that this gives back.

One transaction that deletes tens of thousands of rows holds every hook up and fills the `-wal`. So
rows are looked for while others may write, and deleted a handful at a time; a row that changed
between the two stays. SQLite keeps the pages of what was deleted until it is told to return them,
which it does bit by bit, too. Source: SQLite, "PRAGMA incremental_vacuum".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bridge.domain.over_time import HOURS, MINUTES, Step
from bridge.domain.policy import DAY, RetentionPolicy
from bridge.domain.webhooks import first_day
from bridge.store import row_ids
from bridge.store.commands.states import SQL_OPEN, SQL_OVER
from bridge.store.database import Connection
from bridge.store.licences.subscriptions import SQL_OVER as SQL_SUBSCRIPTION_OVER
from bridge.store.row_ids import RowId

ROWS = 500
"""Rows that one transaction deletes at most."""

BYTES = 4 * 1024 * 1024
"""Bytes of messages that it deletes at most; a single one may be larger."""

PAGES = 500
"""Pages that one transaction returns to the file system at most."""

LOOKED_AT = 2000
"""Rows that one look reads at most where no index tells which may go."""

_INCREMENTAL = 2


@dataclass(frozen=True, slots=True)
class Rule:
    """Rows of one table that may go: an SQL condition on `bounds`, and the bytes that one holds.

    With `by_index` an index has the rows that may go together; else the table is walked through, a
    part at each look, so that the rows that stay, which are nearly all, are read once a round.
    `at_once` is how many rows are deleted at most, where it takes long to see that one may go.
    """

    table: str
    condition: str
    size: str = "0"
    by_index: bool = False
    at_once: int = ROWS


@dataclass(frozen=True, slots=True)
class Found:
    """Some rows that may go, by their row ids; how many were `looked` at, and after which row the
    next look begins, None when this was the last one."""

    rows: Sequence[RowId]
    looked: int
    after: int | None


RULES = (
    Rule("events", "status <> 'new' AND received_at < :events", "length(body)", by_index=True),
    Rule("seen_messages", "source = 'mdm' AND seen_at < :mdm_duplicates", by_index=True),
    Rule("seen_messages", "source = 'apple' AND seen_at < :duplicates", by_index=True),
    Rule("outbox", "settled_at < :outbox", by_index=True),
    Rule(
        "installs",
        "desired = 0 AND state = 'removed' AND since < :removed AND dirty_at IS NULL",
        by_index=True,
    ),
    Rule(
        "location_lists",
        "NOT EXISTS (SELECT 1 FROM installs WHERE installs.locations = location_lists.locations)",
        at_once=1,
    ),
    # Of each install the newest, and the newest that its device took, are kept, since decisions
    # look at them.
    Rule(
        "commands",
        f"state IN {SQL_OVER} AND created_at < :outbox "
        "AND (install_id IS NULL OR EXISTS (SELECT 1 FROM commands newer "
        "WHERE newer.install_id = commands.install_id "
        "AND newer.request_type = commands.request_type "
        "AND newer.created_at > commands.created_at "
        "AND (commands.state = 'error' OR newer.state = 'acknowledged')) "
        "OR NOT EXISTS (SELECT 1 FROM installs WHERE installs.id = commands.install_id))",
    ),
    Rule("failures", "at < :outbox"),
    Rule("reclaims", "at < :removed", by_index=True),
    # The values that no wish and no command that may still be posted names.
    Rule(
        "configurations",
        "NOT EXISTS (SELECT 1 FROM applied WHERE instr(document, digest) > 0) AND NOT EXISTS "
        "(SELECT 1 FROM installs WHERE desired = 1 AND instr(options, digest) > 0) AND NOT EXISTS "
        "(SELECT 1 FROM commands WHERE install_id IS NOT NULL AND instr(settings, digest) > 0 AND "
        f"state IN {SQL_OPEN})",
        at_once=1,
    ),
    # The newest of each pair is kept, since it says whether a licence is ours.
    Rule(
        "request_pairs",
        "settled_at < :outbox AND EXISTS (SELECT 1 "
        "FROM request_pairs newer WHERE newer.target = request_pairs.target "
        "AND newer.adam_id = request_pairs.adam_id AND newer.location = request_pairs.location "
        "AND newer.pricing_param = request_pairs.pricing_param "
        "AND newer.kind = request_pairs.kind AND newer.id > request_pairs.id)",
    ),
    Rule(
        "apple_requests",
        "settled_at < :outbox AND NOT EXISTS "
        "(SELECT 1 FROM request_pairs WHERE request_id = apple_requests.id) AND NOT EXISTS "
        "(SELECT 1 FROM user_changes WHERE request_id = apple_requests.id)",
    ),
    Rule(
        "user_changes",
        "settled_at < :outbox AND EXISTS (SELECT 1 FROM user_changes newer "
        "WHERE newer.location = user_changes.location "
        "AND newer.client_user_id = user_changes.client_user_id AND newer.id > user_changes.id)",
    ),
    Rule(
        "invitations",
        "created_at < :outbox AND NOT EXISTS "
        "(SELECT 1 FROM commands WHERE command_uuid = invitations.command_uuid)",
    ),
    Rule("users", "wanted = 0 AND retire = 0 AND state = 'retired' AND since < :removed"),
    Rule(
        "subscription_assignments",
        f"state IN {SQL_SUBSCRIPTION_OVER} AND since < :removed",
        by_index=True,
    ),
    Rule("audit_subjects", "at < :audit", by_index=True),
    Rule("audit", "at < :audit", by_index=True),
    Rule("asset_days", "day < :counts_day"),
    Rule("webhook_gaps", "day < :gaps_day"),
    Rule(
        "install_counts",
        "(step = 600 AND slot < :minutes_slot) OR (step = 3600 AND slot < :hours_slot) "
        "OR (step = 86400 AND slot < :counts_day)",
    ),
)
"""All that is forgotten with time, in this order."""


def bounds(retention: RetentionPolicy, now: float) -> Mapping[str, float]:
    """The times before which things go, by the names that the rules use."""
    return {
        "events": now - retention.events,
        "mdm_duplicates": now - retention.mdm_duplicates,
        "duplicates": now - retention.duplicates,
        "outbox": now - retention.outbox,
        "removed": now - retention.removed,
        "audit": now - retention.audit,
        "counts_day": (now - retention.counts) // DAY,
        "gaps_day": first_day(now),
        "minutes_slot": _first_slot(MINUTES, now),
        "hours_slot": _first_slot(HOURS, now),
    }


def _first_slot(step: Step, now: float) -> float:
    assert step.kept is not None
    return (now - step.kept) // step.seconds


def find(db: Connection, rule: Rule, before: Mapping[str, float], after: int = 0) -> Found:
    """Some rows beyond the row `after` that may go, as one transaction may delete them."""
    ids = row_ids.of(db)
    if rule.by_index or not ids.walked:  # who never waits for a reader may be read as a whole
        query = (
            f"SELECT {ids.column}, {rule.size}, 1 FROM {rule.table} WHERE {rule.condition} "
            "LIMIT :most"
        )
        most = rule.at_once
    else:
        query = (
            f"SELECT rowid, {rule.size}, {rule.condition} FROM {rule.table} "
            "WHERE rowid > :after ORDER BY rowid LIMIT :most"
        )
        most = LOOKED_AT
    found, size, looked = list[RowId](), 0, 0
    cursor = db.execute(query, {**before, "after": after, "most": most})
    for rowid, bytes_, goes in cursor:
        size += bytes_ if goes else 0
        if len(found) == rule.at_once or (found and size > BYTES):
            break
        after, looked = rowid if ids.walked else 0, looked + 1
        found += [rowid] if goes else []
    else:
        is_end = looked < most
        return Found(found, looked, None if is_end else after)
    cursor.close()
    return Found(found, looked, after)


def remove(db: Connection, rule: Rule, found: Sequence[RowId], before: Mapping[str, float]) -> int:
    """Delete those of them that still may go; returns how many."""
    ids = row_ids.of(db)
    deleted = db.execute(
        f"DELETE FROM {rule.table} WHERE {ids.these} AND {rule.condition}",
        {**before, "found": ids.given(found)},
    )
    return deleted.rowcount


def free_pages(db: Connection) -> int:
    """Pages that hold nothing and can be returned; none in a file that was not made for it, and of
    a server, which uses them again by itself."""
    if not row_ids.of(db).walked:
        return 0
    if db.execute("PRAGMA auto_vacuum").fetchone()[0] != _INCREMENTAL:
        return 0
    return int(db.execute("PRAGMA freelist_count").fetchone()[0])


def return_pages(db: Connection) -> int:
    """Return a few pages from the end of the file; how many."""
    before = free_pages(db)
    db.execute(f"PRAGMA incremental_vacuum({PAGES})").fetchall()  # a page a row: all must be read
    return before - free_pages(db)
