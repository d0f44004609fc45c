"""How far each MDM server's webhooks have come, as far as they are processed (domain/lag.py)."""

from __future__ import annotations

from dataclasses import replace

from bridge.domain.lag import Stream
from bridge.store import events
from bridge.store.database import Connection

OFTEN = 0.5
"""Seconds that webhooks go on by before it is kept that they do."""


def load(db: Connection, server: str) -> Stream:
    """How far they have come, with what waits here for being processed."""
    stream = _load(db, server)
    again = events.waiting_since(db, "mdm", server)
    waiting = [at for at in (stream.waiting_since, again) if at is not None]
    return replace(stream, waiting_since=min(waiting, default=None))


def waiting(db: Connection, since: float | None) -> None:
    """What came to the inbox since then waits for being processed; None: nothing does."""
    if since is not None:
        db.execute("UPDATE webhook_streams SET waiting_since = ?", (since,))
    else:
        db.execute("UPDATE webhook_streams SET waiting_since = NULL WHERE waiting_since > 0")


def heard(
    db: Connection, server: str, said_at: float, received_at: float, made_at: float | None
) -> Stream:
    """One more came: see `Stream.heard`. Returns how far they have come, as if nothing waited."""
    before = replace(_load(db, server), waiting_since=None)
    after = before.heard(said_at, received_at, made_at)
    if _is_news(before, after):
        db.execute(
            "INSERT INTO webhook_streams "
            "(server, heard_to, advanced_at, ahead, ahead_at, behind_since) "
            "VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (server) DO UPDATE SET "
            "heard_to = excluded.heard_to, advanced_at = excluded.advanced_at, "
            "ahead = excluded.ahead, ahead_at = excluded.ahead_at, "
            "behind_since = excluded.behind_since",
            (
                server,
                after.heard_to,
                after.advanced_at,
                after.ahead,
                after.ahead_at,
                after.behind_since,
            ),
        )
    return after


def _is_news(before: Stream, after: Stream) -> bool:
    """Whether it is worth a row: nearly each of a thousand webhooks that come together is not."""
    if before.heard_to is None or after.heard_to is None:
        return True
    went_on = after.heard_to - before.heard_to >= OFTEN
    changed = before.behind_since != after.behind_since
    return went_on or changed or abs((after.ahead or 0.0) - (before.ahead or 0.0)) >= OFTEN


def _load(db: Connection, server: str) -> Stream:
    row = db.execute(
        "SELECT heard_to, advanced_at, ahead, ahead_at, behind_since, waiting_since "
        "FROM webhook_streams WHERE server = ?",
        (server,),
    ).fetchone()
    return Stream(*row) if row else Stream()
