"""That something was stored, told by NOTIFY and heard by LISTEN.

Source: PostgreSQL, "NOTIFY": it is delivered when the transaction is committed, and not if it is
undone; who sent it gets it, too, with the id of the process that serves its connection.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

import psycopg

from bridge.store.postgresql.connection import Connection

CHANNEL = "vpp_bridge"
DATABASE, INBOX = "database", "inbox"


def telling(what: str) -> str:
    """The expression by which others hear, once its transaction is committed."""
    return f"pg_notify('{CHANNEL}' || current_schema(), '{what}')"


class News:
    """What was heard so far, on a connection of its own."""

    def __init__(self, connect: Callable[[], Connection]) -> None:
        self._connect = connect
        self._lock = threading.Lock()
        self._listener: Connection | None = None
        self._others = 0
        self._arrived = 0
        self._own = 0

    def of_write(self, connection: Connection) -> str:
        """The statement by which others hear of what is about to be committed there."""
        self._own = connection.raw.pgconn.backend_pid
        return f"SELECT {telling(DATABASE)}; "

    def heard(self, wait: float = 0.0) -> tuple[int, int]:
        """Numbers that change when others stored something, and when something came in. Who begins
        to listen has heard something: what was stored before is not known. With `wait` seconds at
        most until there is something."""
        with self._lock:
            try:
                self._take_in(self._listening(), wait)
            except psycopg.OperationalError:
                if self._listener is None or not self._listener.is_lost:
                    raise
                self._take_in(self._listening(), wait)  # it was lost while nobody asked
            return self._others, self._arrived

    def _take_in(self, listener: Connection, wait: float) -> None:
        for each in listener.raw.notifies(timeout=wait, stop_after=1 if wait else None):
            if each.payload == INBOX:
                self._arrived += 1
            elif each.pid != self._own:
                self._others += 1

    def close(self) -> None:
        """Listen no more; whoever asks later begins anew."""
        with self._lock:
            if self._listener is not None:
                self._listener.close()
                self._listener = None

    def _listening(self) -> Connection:
        """The connection that listens; one that begins to has heard something of both kinds."""
        if self._listener is not None and not self._listener.is_lost:
            return self._listener
        made = self._connect()
        try:
            found = made.execute("SELECT quote_ident(? || current_schema())", (CHANNEL,)).fetchone()
            assert found is not None
            made.execute(f"LISTEN {found[0]}")
        except BaseException:
            made.close()
            raise
        self._listener = made
        self._others += 1
        self._arrived += 1
        return made
