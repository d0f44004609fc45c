"""Full reads as one person asked for them: their outbox rows, and how far they have come."""

from __future__ import annotations

from bridge.store import rows
from bridge.store.database import Connection
from bridge.store.outbox.outbox import OutboxRow


def under_way(db: Connection, service: str, scope: str, kind: str) -> bool:
    """Whether such a call has begun and not ended."""
    row = db.execute(
        "SELECT 1 FROM outbox WHERE service = ? AND scope = ? AND kind = ? AND state = 'claimed'",
        (service, scope, kind),
    ).fetchone()
    return row is not None


def get(db: Connection, row_id: int) -> OutboxRow:
    """One outbox row."""
    row = db.execute(
        f"SELECT {rows.columns(OutboxRow)} FROM outbox WHERE id = ?", (row_id,)
    ).fetchone()
    return rows.read(OutboxRow, row)


def claim(db: Connection, row_id: int, now: float) -> OutboxRow:
    """Take this one call, whoever had it: to be used by the holder of the engine's lock only."""
    row = db.execute(
        "UPDATE outbox SET state = 'claimed', claimed_at = ?, claimed_by = 0, tries = tries + 1 "
        f"WHERE id = ? RETURNING {rows.columns(OutboxRow)}",
        (now, row_id),
    ).fetchone()
    return rows.read(OutboxRow, row)


def last_error(db: Connection, service: str, scope: str, kind: str) -> str | None:
    """Why the newest call of this kind that came to an end, or to a try, failed; None when it
    succeeded, or when none is kept."""
    row = db.execute(
        "SELECT state, error FROM outbox WHERE service = ? AND scope = ? AND kind = ? "
        "AND (state = 'done' OR error IS NOT NULL) ORDER BY id DESC LIMIT 1",
        (service, scope, kind),
    ).fetchone()
    return None if row is None or row[0] == "done" else str(row[1])


def assets(db: Connection, location: str, since: float) -> int:
    """How many assets of a location were shown by a read that began then or later."""
    return _count(
        db, "SELECT count(*) FROM assets WHERE location = ? AND read_at >= ?", location, since
    )


def assignments(db: Connection, location: str, since: float) -> int:
    """How many licences in use were shown by a read that began then or later."""
    return _count(
        db, "SELECT count(*) FROM assignments WHERE location = ? AND read_at >= ?", location, since
    )


def users(db: Connection, location: str) -> int:
    """How many users of a location Apple has told of."""
    row = db.execute(
        "SELECT count(*) FROM users WHERE location = ? AND status IS NOT NULL", (location,)
    ).fetchone()
    return int(row[0])


def subscriptions(db: Connection, location: str) -> int:
    """How many subscriptions of a location are known."""
    row = db.execute(
        "SELECT count(*) FROM subscriptions WHERE location = ?", (location,)
    ).fetchone()
    return int(row[0])


def devices(db: Connection, server: str) -> int:
    """How many devices of a server are known."""
    return _count(
        db, "SELECT count(*) FROM devices WHERE server = ? AND created_at >= ?", server, 0
    )


def _count(db: Connection, query: str, scope: str, since: float) -> int:
    return int(db.execute(query, (scope, since)).fetchone()[0])
