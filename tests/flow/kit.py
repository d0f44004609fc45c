"""What several flows look at."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping
from typing import Any

from bridge.store.bodies import unpacked
from bridge.store.inbox.message import Arrived
from tests.flow.scene import Scene


def stored_bytes(scene: Scene) -> Mapping[str, bytes]:
    """All that is stored, by file or as a dump; and the bodies of messages, which are packed."""
    files = {path.name: path.read_bytes() for path in scene.tmp_path.glob("bridge.db*")}
    with scene.bridge.database.read() as db:
        bodies = [unpacked(row[0]) for row in db.execute("SELECT body FROM events")]
        if not isinstance(db, sqlite3.Connection):
            files = {"dump": "\n".join(dump(db)).encode()}
    return files | {"bodies": b"\n".join(bodies)}


def dump(db: Any) -> list[str]:
    """All that a database holds, a line for each row."""
    if isinstance(db, sqlite3.Connection):
        return list(db.iterdump())
    return [
        f'INSERT INTO "{table}" VALUES{tuple(row)}'
        for table in tables(db)
        for row in db.execute(f"SELECT * FROM {table} ORDER BY {table}")
    ]


def tables(db: Any) -> list[str]:
    """The names of a database's tables."""
    found = db.execute(
        "SELECT name FROM sqlite_master WHERE type = 'table'"
        if isinstance(db, sqlite3.Connection)
        else "SELECT tablename FROM pg_tables WHERE schemaname = current_schema() ORDER BY 1"
    )
    return [row[0] for row in found.fetchall()]


def waiting(scene: Scene) -> list[Arrived]:
    """What came in and was not taken yet, the oldest first."""
    with scene.bridge.database.read_all() as (_, inbox):
        return list(inbox.all())


def kinds(scene: Scene) -> list[str]:
    """The request types that reached the first device, in their order."""
    return [received.request_type for received in scene.world.devices[0].received]


def installs_sent(scene: Scene) -> int:
    """How many installs reached the first device."""
    return kinds(scene).count("InstallApplication")


def is_in(scene: Scene, state: str) -> Callable[[], bool]:
    """Whether the only install is in this "state REASON"."""
    return lambda: scene.states() == {state: 1}
