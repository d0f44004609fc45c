"""That something was stored, told by NOTIFY and heard by LISTEN.

Source: PostgreSQL, "NOTIFY": it is delivered when the transaction is committed, and not if it is
undone; who sent it gets it, too, with the id of the process that serves its connection.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

from bridge.store.postgresql.connection import Connection

CHANNEL = "vpp_bridge"
DATABASE, INBOX = "database", "inbox"


class News:
    """What was heard so far, on a connection of its own."""

    def __init__(self, connect: Callable[[], Connection]) -> None:
        self._connect = connect
        self._lock = threading.Lock()
        self._listener: Connection | None = None
        self._others = 0
        self._arrived = 0
        self._own: set[int] = set()

    def tell(self, connection: Connection, what: str = DATABASE) -> None:
        """Have others hear, once what is under way on that connection is committed."""
        if what == DATABASE:
            self._own.add(connection.raw.info.backend_pid)
        connection.execute("SELECT pg_notify(? || current_schema(), ?)", (CHANNEL, what))

    def heard(self, wait: float = 0.0) -> tuple[int, int]:
        """Numbers that change when others stored something, and when something came in. Who begins
        to listen has heard something: what was stored before is not known. With `wait` seconds at
        most until there is something."""
        with self._lock:
            if self._listener is None or self._listener.raw.closed:
                self._begin()
            assert self._listener is not None
            for each in self._listener.raw.notifies(timeout=wait, stop_after=1 if wait else None):
                if each.payload == INBOX:
                    self._arrived += 1
                elif each.pid not in self._own:
                    self._others += 1
            return self._others, self._arrived

    def close(self) -> None:
        """Listen no more; whoever asks later begins anew."""
        with self._lock:
            if self._listener is not None:
                self._listener.close()
                self._listener = None

    def _begin(self) -> None:
        self._listener = self._connect()
        schema = self._listener.execute("SELECT quote_ident(? || current_schema())", (CHANNEL,))
        row = schema.fetchone()
        assert row is not None
        self._listener.execute(f"LISTEN {row[0]}")
        self._others += 1
        self._arrived += 1
