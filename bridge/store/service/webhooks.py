"""How the webhooks of each MDM server come: taken in, refused, and the gaps between them.

Of `doctor`'s probes nothing is counted here. What was refused is of no server, "", where nobody
can say whose webhook it was.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from bridge.domain import webhooks
from bridge.domain.policy import DAY
from bridge.domain.webhooks import Record, Refused
from bridge.store import meta, rows
from bridge.store.database import Connection

JOB = "webhooks"
"""The clock-driven job, `webhooks:<server>`, that tells the log what is wrong."""


def accepted(db: Connection, server: str, times: Sequence[float], now: float) -> None:
    """Some were taken in at these times: whatever was refused before is over."""
    before = db.execute(
        "SELECT last_at, told_at FROM webhooks WHERE server = ?", (server,)
    ).fetchone()
    db.execute(
        "INSERT INTO webhooks (server, accepted, last_at) VALUES (?, ?, ?) ON CONFLICT (server) "
        "DO UPDATE SET accepted = webhooks.accepted + excluded.accepted, "
        "last_at = excluded.last_at",
        (server, len(times), times[-1]),
    )
    db.execute(
        "DELETE FROM webhook_refusals WHERE server = ? AND last_at <= ?", (server, times[-1])
    )
    known = [] if before is None or before["last_at"] is None else [before["last_at"]]
    for last, following in pairwise((*known, *times)):
        if following - last >= webhooks.SHORT_GAP:
            _gap(db, server, following, following - last)
    if before is not None and before["told_at"] is not None:
        meta.hasten_job(db, f"{JOB}:{server}", now)


def _gap(db: Connection, server: str, ended_at: float, length: float) -> None:
    db.execute(
        "INSERT INTO webhook_gaps (server, day, longest) VALUES (?, ?, ?) "
        "ON CONFLICT (server, day) DO UPDATE SET longest = excluded.longest "
        "WHERE excluded.longest > webhook_gaps.longest",
        (server, int(ended_at // DAY), length),
    )


def refused(db: Connection, server: str, more: Refused) -> None:
    """Some were refused.

    What is of no known server begins anew once every server was heard of since; what is older than
    the newest that was taken in does not count.
    """
    newest = last_at(db, server)
    if newest is not None and more.last_at < newest:
        return
    if server == webhooks.NOBODY:
        db.execute(
            "DELETE FROM webhook_refusals WHERE server = '' AND last_at < "
            "(SELECT min(last_at) FROM webhooks WHERE server <> '')"
        )
    db.execute(
        "INSERT INTO webhook_refusals (server, status, count, first_at, last_at) "
        "VALUES (?, ?, ?, ?, ?) ON CONFLICT (server, status) DO UPDATE SET "
        "count = webhook_refusals.count + excluded.count, last_at = excluded.last_at",
        (server, more.status, more.count, more.first_at, more.last_at),
    )


def record(db: Connection, server: str, now: float) -> Record:
    """How the webhooks of a server came until now."""
    known = db.execute(
        "SELECT accepted, last_at FROM webhooks WHERE server = ?", (server,)
    ).fetchone()
    longest = db.execute(
        "SELECT max(longest) FROM webhook_gaps WHERE server = ? AND day >= ?",
        (server, webhooks.first_day(now)),
    ).fetchone()[0]
    found = db.execute(
        f"SELECT {rows.columns(Refused)} FROM webhook_refusals WHERE server = ? ORDER BY status",
        (server,),
    )
    return Record(
        accepted=known["accepted"] if known else 0,
        last_at=known["last_at"] if known else None,
        longest_gap=longest or 0.0,
        refused=tuple(rows.read(Refused, row) for row in found),
    )


def last_at(db: Connection, server: str) -> float | None:
    """When the newest webhook of a server was taken in."""
    row = db.execute("SELECT last_at FROM webhooks WHERE server = ?", (server,)).fetchone()
    return None if row is None else row["last_at"]


def told_at(db: Connection, server: str) -> float | None:
    """When the log last told that something is wrong; None if all was well since."""
    row = db.execute("SELECT told_at FROM webhooks WHERE server = ?", (server,)).fetchone()
    return None if row is None else row["told_at"]


def told(db: Connection, server: str, at: float | None) -> None:
    """The log has told that something is wrong, or (None) that all is well again."""
    db.execute(
        "INSERT INTO webhooks (server, accepted, told_at) VALUES (?, 0, ?) ON CONFLICT (server) "
        "DO UPDATE SET told_at = excluded.told_at",
        (server, at),
    )
