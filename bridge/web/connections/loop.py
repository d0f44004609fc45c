"""A thread that waits for sockets, and does what other threads ask of it."""

from __future__ import annotations

import contextlib
import os
import selectors
import socket
from collections.abc import Callable
from queue import SimpleQueue

Call = Callable[[], object]


class Loop:
    """What is waited for; `turn` is called by one thread alone, and so is all but `ask`."""

    def __init__(self) -> None:
        self._poller = selectors.DefaultSelector()
        self._asked: SimpleQueue[Call] = SimpleQueue()
        self._is_asked = False
        self._woken, self._wake = os.pipe()
        for fd in (self._woken, self._wake):
            os.set_blocking(fd, False)
        self._poller.register(self._woken, selectors.EVENT_READ, self._do_what_was_asked)

    def watch(self, sock: socket.socket, call: Call) -> None:
        """Call `call` in each turn in which there is something to read or to accept."""
        self._poller.register(sock, selectors.EVENT_READ, call)

    def forget(self, sock: socket.socket) -> None:
        """Watch it no more, where it was watched."""
        with contextlib.suppress(KeyError, ValueError):
            self._poller.unregister(sock)

    def ask(self, call: Call) -> None:
        """Have `call` called by the thread of the loop, soon. For every thread, also in a signal
        handler."""
        self._asked.put(call)
        if self._is_asked:
            return  # it is woken for another already, and looks at all of them after that
        self._is_asked = True
        with contextlib.suppress(BlockingIOError):  # so full that it wakes anyhow
            os.write(self._wake, b"\0")

    def turn(self, timeout: float) -> None:
        """Wait for at most `timeout` seconds, and call what is due."""
        for key, _ in self._poller.select(max(timeout, 0.0)):
            key.data()

    def _do_what_was_asked(self) -> None:
        os.read(self._woken, 4096)
        self._is_asked = False
        for _ in range(self._asked.qsize()):
            self._asked.get_nowait()()
