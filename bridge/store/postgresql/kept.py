"""A connection that is kept between transactions, and made anew where the server ended it."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TypeVar

import psycopg
from psycopg import errors

from bridge.store.postgresql.connection import Connection
from bridge.store.postgresql.silence import ServerSilent, Silences
from bridge.store.postgresql.statements import Result, Values

T = TypeVar("T")


class Kept:
    """One connection, made by `connect` when it is first needed; used by one thread at a time.

    After `lifetime` seconds by `clock`, or when the server was found silent on any connection
    meanwhile (`silences`), a new one takes its place, when a transaction begins.
    """

    def __init__(
        self,
        connect: Callable[[], Connection],
        lifetime: float = math.inf,
        clock: Callable[[], float] = time.monotonic,
        silences: Silences | None = None,
    ) -> None:
        self._connect = connect
        self._silences = silences or Silences()
        self._made_in = 0
        self._lifetime = lifetime
        self._clock = clock
        self._connection: Connection | None = None
        self._made_at = 0.0

    def connection(self) -> Connection:
        """The connection, made if there is none of use. Raises psycopg.Error."""
        kept = self._connection
        if kept is not None and (
            self._made_in != self._silences.count or self._clock() - self._made_at > self._lifetime
        ):
            kept.close()
        return self._made() if kept is None or kept.is_lost else kept

    def _made(self) -> Connection:
        made_in = self._silences.count
        self._connection = made = self._connect()
        self._made_in = made_in
        self._made_at = self._clock()
        return made

    def silent_for(self) -> float:
        """Seconds for which the server is waited for on it already."""
        kept = self._connection
        return 0.0 if kept is None else kept.raw.silent_for()

    @property
    def under_way(self) -> Connection | None:
        """The connection, if a transaction is under way on it."""
        found = self._connection
        return found if found is not None and found.in_transaction else None

    @contextmanager
    def transaction(
        self, begin: str, before_commit: Callable[[Connection], str]
    ) -> Iterator[Connection]:
        """A transaction that is begun by the statements of `begin`, and committed when the block
        ends; undone when it raises. Raises psycopg.Error, CommitUnknown."""
        connection = self.begun(begin)
        try:
            yield connection
            connection.commit(before_commit(connection))
        except errors.ReadOnlySqlTransaction:
            # It has become a standby: the next connection may find the server that took over.
            connection.close()
            raise
        except BaseException:
            connection.roll_back()
            raise

    def begun(self, begin: str) -> Connection:
        """A transaction that was begun."""
        return self.fresh(lambda connection: connection.begin(begin))

    def fresh(self, act: Callable[[Connection], T]) -> T:
        """What `act` makes of the connection. One that was lost, while it rested or in `act`, is
        replaced, and the same is done once on the new one. Raises psycopg.Error."""
        connection = self.connection()
        try:
            return act(connection)
        except ServerSilent:
            raise  # nobody waits for that twice
        except psycopg.OperationalError:
            if not connection.is_lost:
                raise
        return act(self._made())

    def at_once(self, statements: Sequence[tuple[str, Values]]) -> list[Result]:
        """Statements in one way there and back, outside of a transaction: they are one. Done once
        more where the connection was lost, though it be unknown whether they were committed."""
        try:
            return self.fresh(lambda connection: connection.execute_at_once(statements))
        except errors.ReadOnlySqlTransaction:
            self.close()  # as in a transaction
            raise

    def close(self) -> None:
        """Close it; it is made anew when it is needed again."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None
