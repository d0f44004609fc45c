"""Noticing at once that the process which started us is gone, however it ended.

The other end of a pipe is held by that process alone, so the pipe ends when it does, also by
SIGKILL. Works alike on Linux and macOS.
"""

from __future__ import annotations

import os
import select
import threading

_ORPHANED = 1


def watch(*fds: int) -> None:
    """End this process, at once and without clearing up, when one of the pipes `fds` ends.

    Nothing is lost by that: what was answered is committed, what was not is asked again.
    """
    threading.Thread(target=_wait, args=(fds,), name="lifeline", daemon=True).start()


class Lifeline:
    """A pipe from a process to those that it forks."""

    def __init__(self) -> None:
        self._read, self._write = os.pipe()

    def child_end(self) -> int:
        """Called in the forked process: its end, which ends when the parent is gone."""
        os.close(self._write)
        return self._read


def _wait(fds: tuple[int, ...]) -> None:
    while True:
        for fd in select.select(fds, (), ())[0]:
            if not os.read(fd, 4096):
                os._exit(_ORPHANED)
