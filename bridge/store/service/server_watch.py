"""How each configured MDM server was heard of without a break; see domain/reclaim/watch.py."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from bridge.domain.reclaim.watch import Heard, Watch
from bridge.store import rows
from bridge.store.database import Connection

JOB = "watch"
"""The clock-driven job that looks how servers were heard of, and who is gone."""

_COLUMNS = (
    "server, any_since, any_at, any_why, webhooks_since, webhooks_at, webhooks_why, looked_at"
)


def load(db: Connection) -> dict[str, Watch]:
    """The watches by server: only of those that are configured."""
    return {
        row[0]: Watch(row[0], Heard(*row[1:4]), Heard(*row[4:7]), row[7])
        for row in db.execute(f"SELECT {_COLUMNS} FROM server_watch")
    }


def keep(db: Connection, watches: Iterable[Watch]) -> None:
    """Keep how these servers were heard of."""
    db.executemany(
        f"INSERT INTO server_watch ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?) "
        "ON CONFLICT (server) DO UPDATE SET any_since = excluded.any_since, "
        "any_at = excluded.any_at, any_why = excluded.any_why, "
        "webhooks_since = excluded.webhooks_since, webhooks_at = excluded.webhooks_at, "
        "webhooks_why = excluded.webhooks_why, looked_at = excluded.looked_at",
        [
            (
                w.server,
                *(w.any.since, w.any.at, w.any.why),
                *(w.webhooks.since, w.webhooks.at, w.webhooks.why),
                w.looked_at,
            )
            for w in watches
        ],
    )


def only(db: Connection, servers: Collection[str]) -> None:
    """Forget those of all other servers: one that is configured again begins anew."""
    names = tuple(servers)
    db.execute(
        f"DELETE FROM server_watch WHERE server NOT IN ({rows.marks(len(names))})"
        if names
        else "DELETE FROM server_watch",
        names,
    )


def heard_at(db: Connection) -> dict[str, tuple[float | None, float | None]]:
    """By server, when its newest webhook was taken in, and when its devices were last read."""
    found: dict[str, tuple[float | None, float | None]] = {
        row[0]: (row[1], None) for row in db.execute("SELECT server, last_at FROM webhooks")
    }
    lists = db.execute(
        "SELECT key, value FROM meta WHERE key >= 'devices_read_at:' AND key < 'devices_read_at;'"
    )
    for key, value in lists.fetchall():
        server = key.partition(":")[2]
        found[server] = found.get(server, (None, None))[0], float(value)
    return found
