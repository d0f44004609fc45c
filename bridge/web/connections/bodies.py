"""Bodies that are not small take turns, so that what they need together is bounded."""

from __future__ import annotations

from collections import deque
from typing import Generic, TypeVar

COUNTED = 128 * 1024
"""Bytes from which on a body needs room to be read. Smaller ones on all connections that there may
be take hardly more than ROOM; a list of 200 apps is below."""
LARGE = 1024 * 1024
"""Bytes from which on a body is large: one of these is answered at a time, since it takes many
times its length then. A list of 2,000 apps is below."""
ROOM = 48 * 1024 * 1024
"""Bytes that bodies may take at once while they are read, but for small ones."""

C = TypeVar("C")


class Turns(Generic[C]):
    """Who may read a body that is not small, as far as there is room, and of the large ones, whose
    is being answered: one."""

    def __init__(self, room: int = ROOM, large: int = LARGE) -> None:
        self._room = room
        self._large = large
        self._reading: dict[C, int] = {}
        self._wait_for_room: deque[tuple[C, int]] = deque()
        self._wait_for_thread: deque[C] = deque()
        self._answered: C | None = None

    def may_read(self, peer: C, size: int) -> bool:
        """Whether a body of `size` bytes may be read now; else it gets its turn later.

        One that is larger than all the room may be read alone.
        """
        if peer in self._reading:
            return True
        if self._wait_for_room or not self._has_room(size):
            self._wait_for_room.append((peer, size))
            return False
        self._reading[peer] = size
        return True

    def may_run(self, peer: C) -> bool:
        """Whether a request may be answered now; else it gets its turn later.

        One whose body is not large always may.
        """
        if self._reading.get(peer, 0) < self._large or self._answered is peer:
            return True
        if self._answered is None:
            self._answered = peer
            return True
        self._wait_for_thread.append(peer)
        return False

    def ran(self, peer: C) -> C | None:
        """`peer` is not being answered any more: who may be answered now."""
        self._wait_for_thread = deque(each for each in self._wait_for_thread if each is not peer)
        if self._answered is not peer:
            return None
        self._answered = self._wait_for_thread.popleft() if self._wait_for_thread else None
        return self._answered

    def left(self, peer: C) -> list[C]:
        """The body of `peer` is needed no more: who may read now."""
        self._reading.pop(peer, None)
        self._wait_for_room = deque(each for each in self._wait_for_room if each[0] is not peer)
        readers = []
        while self._wait_for_room and self._has_room(self._wait_for_room[0][1]):
            reader, size = self._wait_for_room.popleft()
            self._reading[reader] = size
            readers.append(reader)
        return readers

    def _has_room(self, size: int) -> bool:
        return not self._reading or sum(self._reading.values()) + size <= self._room
