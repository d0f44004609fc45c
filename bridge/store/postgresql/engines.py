"""The engines that share the calls of a database on a server, and whether each of them lives.

Each has a row with a number, under which it claims calls, and says every second that it lives, by
the server's clock and on a connection of its own, so that no long transaction of another one makes
it silent. One of them has the engine's lock besides, and decides. A lock ends with its session,
while a silence has to last: so what a leader had begun is known to be open at once.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager

from bridge.errors import EngineReplaced, StorePutBack
from bridge.store import rows
from bridge.store.database import Connection, Silent
from bridge.store.patience import AT_THE_END, patient
from bridge.store.postgresql.connection import Connection as ServerConnection
from bridge.store.postgresql.engine_lock import ServerEngineLock
from bridge.store.postgresql.failing import as_store_error
from bridge.store.postgresql.kept import Kept
from bridge.store.postgresql.put_back import IS_PUT_BACK

LEASE = 15.0
"""Seconds of silence after which an engine counts as gone."""

HEARD = LEASE / 3
"""Seconds since it was last heard in which an engine may begin a call: one that cannot say that it
lives begins none long before others look its calls up."""

PROMPT = 0.5
"""Seconds within which the server's time was told, where it is to be known well."""

_NOW = "extract(epoch FROM clock_timestamp())::float8"
_JOIN = f"INSERT INTO engines (name, heard) VALUES (?, {_NOW}) RETURNING id, heard"
_BEAT = f"UPDATE engines SET heard = {_NOW} WHERE id = ? RETURNING heard, {IS_PUT_BACK} AS put_back"
_LEAD = "UPDATE engines SET leads = 1 WHERE id = ?"
_LEAVE = "DELETE FROM engines WHERE id = ?"
_IS_THERE = "SELECT 1 FROM engines WHERE id = ?"
_HELPING = "SELECT id FROM engines WHERE leads = 0 OR id = ? ORDER BY id"
_SILENT = (
    "SELECT id, name, heard FROM engines "
    f"WHERE heard < {_NOW} - CAST(? AS DOUBLE PRECISION) AND id <> ? ORDER BY id"
)


class ServerEngines:
    """One of the engines on a database, once it has joined; of all of them it knows before, too.

    `name` is the database in messages, `connect` makes a connection, `lock` is the engine's, and
    `read` is a look over another connection; `clock` tells seconds and is set by nobody.
    """

    def __init__(
        self,
        name: str,
        connect: Callable[[], ServerConnection],
        lock: ServerEngineLock,
        read: Callable[[], AbstractContextManager[ServerConnection]],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._name = name
        self._own = Kept(connect)
        self._lock = lock
        self._read = read
        self._clock = clock
        self._heard_at = -math.inf
        self._told: tuple[float, float] | None = None
        self._leads = False
        self.number = 0
        """This process among them; 0 before it has joined."""

    def join(self) -> None:
        """Be one of them from now on. Raises StoreError."""
        now = self._clock()
        with as_store_error(self._name):
            found = self._own.fresh(lambda db: db.execute(_JOIN, (self._lock.holder,)).fetchone())
        assert found is not None
        self.number, self._heard_at = int(found[0]), now
        self._compare(now, float(found[1]))

    def beat(self) -> None:
        """Say that this one is alive now, and that it has the lock, where it has. Raises
        EngineReplaced where it was given up meanwhile, StorePutBack where the rows are those of an
        earlier time, StoreError where it cannot be said."""
        now = self._clock()
        with as_store_error(self._name):
            found = self._own.fresh(lambda db: db.execute(_BEAT, (self.number,)).fetchone())
        if found is None:
            raise self._given_up()
        if found["put_back"]:
            raise StorePutBack(self._name)
        self._heard_at = now
        self._compare(now, float(found["heard"]))
        if self._leads:
            self._lock.beat()

    def lead(self) -> bool:
        """Take the lock if nobody has it, and say so; whether it is ours now. Raises StoreError."""
        if not self._lock.take():
            return False
        with as_store_error(self._name):
            self._own.fresh(lambda db: db.execute(_LEAD, (self.number,)))
        self._leads = True
        return True

    def time(self) -> float:
        """The server's time, as it goes on since it was asked last; before, this machine's."""
        told = self._told
        return time.time() if told is None else told[1] + self._clock() - told[0]

    def is_heard(self) -> bool:
        """Whether the others know that this one lives, so that it may begin a call."""
        return not self.number or self._clock() - self._heard_at < HEARD

    def leave(self) -> None:
        """Nothing that this one began is open, and it is none of them any more."""
        with as_store_error(self._name), patient(AT_THE_END):
            self._own.fresh(lambda db: db.execute(_LEAVE, (self.number,)))

    def close(self) -> None:
        """Give its connection back."""
        self._own.close()

    def check(self, db: Connection) -> None:
        """That this one is one of them yet; raises EngineReplaced."""
        if self.number and db.execute(_IS_THERE, (self.number,)).fetchone() is None:
            raise self._given_up()

    def helping(self, db: Connection) -> Sequence[int]:
        """The numbers of all that have not led, and that of this one."""
        return [int(row[0]) for row in db.execute(_HELPING, (self.number,))]

    def silent(self) -> Sequence[Silent]:
        """Those others of whom nothing was heard for longer than their lease. Raises StoreError."""
        with self._read() as db:
            found = db.execute(_SILENT, (LEASE, self.number)).fetchall()
        return [Silent(int(row[0]), str(row[1]), float(row[2])) for row in found]

    def give_up(self, db: Connection, numbers: Sequence[int]) -> None:
        """These are none of them any more."""
        db.execute(f"DELETE FROM engines WHERE id IN ({rows.marks(len(numbers))})", (*numbers,))

    def give_up_leaders(self, db: Connection) -> None:
        """All others that ever had the lock are none of them any more: it is ours."""
        db.execute("DELETE FROM engines WHERE leads = 1 AND id <> ?", (self.number,))

    def _compare(self, asked: float, told: float) -> None:
        """Set our clock by what the server told, unless it is not known well when that was."""
        now = self._clock()
        if now - asked < PROMPT or self._told is None:
            self._told = (asked + now) / 2, told

    def _given_up(self) -> EngineReplaced:
        return EngineReplaced(
            f"{self._name}: the other engines heard nothing of this one for {LEASE:g} s, and have "
            "looked up what it had begun"
        )
