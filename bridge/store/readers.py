"""The connections of a file that only read: one for each thread, and one for each long look."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Generic, Protocol, TypeVar


class _Closable(Protocol):
    def close(self) -> None: ...


class _Here(threading.local):
    connection: Any = None


C = TypeVar("C", bound=_Closable)


class Readers(Generic[C]):
    """Connections that `connect` makes; all are closed by `close`."""

    def __init__(self, connect: Callable[[], C]) -> None:
        """`connect` hands what it makes to `add`."""
        self._connect = connect
        self.here = _Here()
        """`connection` is this thread's own one, None until it has one."""
        self._all: list[C] = []
        self.lock = threading.RLock()
        """Held while they are closed."""

    def add(self, connection: C) -> C:
        """Have it closed with the others."""
        with self.lock:
            self._all.append(connection)
        return connection

    def begin_here(self) -> C:
        """Make this thread's own one; it may raise what `connect` does."""
        self.here.connection = made = self._connect()
        return made

    @contextmanager
    def one_more(self) -> Iterator[C]:
        """One for this block alone; it may raise what `connect` does."""
        connection = self._connect()
        try:
            yield connection
        finally:
            with self.lock:
                if connection in self._all:  # else all were closed meanwhile
                    self._all.remove(connection)
                    connection.close()

    def close(self) -> None:
        """Close them all; who reads later has a new one."""
        with self.lock:
            for connection in self._all:
                connection.close()
            self._all.clear()
            self.here = _Here()
