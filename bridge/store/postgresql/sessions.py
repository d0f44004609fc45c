"""Who else has a database on a server open."""

from __future__ import annotations

import time
from collections.abc import Callable

from bridge.errors import StoreLocked
from bridge.store.postgresql.connection import Connection

WAIT = 2.0
"""Seconds in which a session that was just closed is gone."""

_OTHERS = (
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() "
    "AND application_name = current_setting('application_name') AND pid <> pg_backend_pid()"
)


def check_alone(
    connection: Connection, name: str, sleep: Callable[[float], None] = time.sleep
) -> None:
    """That no bridge and no command has the database called `name` open, but on this connection;
    raises StoreLocked."""
    for _ in range(round(WAIT / 0.2)):
        row = connection.execute(_OTHERS).fetchone()
        if row is not None and not row[0]:
            return
        sleep(0.2)
    raise StoreLocked(
        f"{name}: the bridge, or another command, has this database open; stop it first"
    )
