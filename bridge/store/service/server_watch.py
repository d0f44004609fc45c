"""How each configured MDM server was heard of without a break; see domain/reclaim/watch.py."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from bridge.domain.reclaim.watch import Heard, Signs, Watch
from bridge.store import meta, rows
from bridge.store.database import Connection

JOB = "watch"
"""The clock-driven job that looks how servers were heard of, and who is gone."""

_READ_AT = "devices_read_at"
_LISTED_AT = "devices_listed_at"

_COLUMNS = (
    "server, any_since, any_at, any_why, webhooks_since, webhooks_at, webhooks_why, looked_at, "
    "listed_at, dead_since"
)


def load(db: Connection) -> dict[str, Watch]:
    """The watches by server: only of those that are configured."""
    return {
        row[0]: Watch(row[0], Heard(*row[1:4]), Heard(*row[4:7]), *row[7:])
        for row in db.execute(f"SELECT {_COLUMNS} FROM server_watch")
    }


def keep(db: Connection, watches: Iterable[Watch]) -> None:
    """Keep how these servers were heard of."""
    db.executemany(
        f"INSERT INTO server_watch ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) "
        "ON CONFLICT (server) DO UPDATE SET any_since = excluded.any_since, "
        "any_at = excluded.any_at, any_why = excluded.any_why, "
        "webhooks_since = excluded.webhooks_since, webhooks_at = excluded.webhooks_at, "
        "webhooks_why = excluded.webhooks_why, looked_at = excluded.looked_at, "
        "listed_at = excluded.listed_at, dead_since = excluded.dead_since",
        [
            (
                w.server,
                *(w.any.since, w.any.at, w.any.why),
                *(w.webhooks.since, w.webhooks.at, w.webhooks.why),
                *(w.looked_at, w.listed_at, w.dead_since),
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


def list_read(db: Connection, server: str, at: float, listed_at: float | None) -> None:
    """A server's list of devices was read: one of them came to it last at `listed_at`."""
    meta.keep(db, f"{_READ_AT}:{server}", str(at))
    if listed_at is not None:
        meta.keep(db, f"{_LISTED_AT}:{server}", str(listed_at))


def heard_at(db: Connection) -> dict[str, Signs]:
    """The newest signs of each server that gave one."""
    webhooks = dict(db.execute("SELECT server, last_at FROM webhooks").fetchall())
    read_at, listed_at = _by_server(db, _READ_AT), _by_server(db, _LISTED_AT)
    return {
        server: Signs(webhooks.get(server), read_at.get(server), listed_at.get(server))
        for server in webhooks.keys() | read_at.keys()
    }


def _by_server(db: Connection, key: str) -> dict[str, float]:
    found = db.execute(
        "SELECT key, value FROM meta WHERE key >= ? AND key < ?", (f"{key}:", f"{key};")
    )
    return {row[0].partition(":")[2]: float(row[1]) for row in found}
