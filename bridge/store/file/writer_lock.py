"""The writer's lock of a database: one writer at a time, of all threads and processes.

Who waits for it, waits in the kernel's line, so that nobody is starved by a process that takes it
again and again; and not for ever, since its holder may be stopped (Ctrl-Z, a debugger, a frozen
container). The kernel's line has no limit of time, so a thread stands in it for us.
"""

from __future__ import annotations

import fcntl
import os
import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from bridge.errors import StoreLocked
from bridge.store.database import WAIT

_COMMAND = re.compile(r"[a-z][a-z-]*")


class WriterLock:
    """The lock in `file`, which is open for reading and writing and is closed by `close`.

    Messages name `path`, the database.
    """

    def __init__(
        self, file: IO[bytes], path: Path, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._file = file
        self._path = path
        self._clock = clock
        self._turn = threading.Lock()
        self._line = threading.Condition()
        self._in_line = False
        self._granted = False
        self._wanted = False
        self._over = False

    def close(self) -> None:
        """Nobody here wants the lock any more. Who still stands in line closes the file."""
        with self._line:
            self._over = True
            if not self._in_line:
                self._file.close()

    @contextmanager
    def held(self, wait: float = WAIT) -> Iterator[None]:
        """Hold the lock. Raises StoreLocked, which names the holder, after `wait` seconds."""
        deadline = self._clock() + wait
        if not self._turn.acquire(timeout=wait):
            raise StoreLocked(f"{self._path}: {self._holder(wait)}")
        try:
            if not self._take(deadline):
                raise StoreLocked(f"{self._path}: {self._holder(wait)}")
            try:
                os.pwrite(self._file.fileno(), b"%-20d\n" % os.getpid(), 0)
                yield
            finally:
                fcntl.flock(self._file, fcntl.LOCK_UN)
        finally:
            self._turn.release()

    @contextmanager
    def turn(self, wait: float = WAIT) -> Iterator[None]:
        """Hold it among the threads of this process alone; raises StoreLocked."""
        if not self._turn.acquire(timeout=wait):
            raise StoreLocked(f"{self._path}: {self._holder(wait)}")
        try:
            yield
        finally:
            self._turn.release()

    def _take(self, deadline: float) -> bool:
        with self._line:
            if not self._in_line:
                try:
                    fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    self._in_line = True
                    threading.Thread(target=self._stand, name="writer-lock", daemon=True).start()
                else:
                    return True
            self._wanted = True
            self._line.wait_for(lambda: self._granted, max(deadline - self._clock(), 0.0))
            self._wanted = False
            granted, self._granted = self._granted, False
            return granted

    def _stand(self) -> None:
        """Wait in the kernel's line; who wanted the lock may have given up by its end."""
        fcntl.flock(self._file, fcntl.LOCK_EX)
        with self._line:
            self._in_line = False
            self._granted = self._wanted
            if self._over:
                self._file.close()
            elif not self._wanted:
                fcntl.flock(self._file, fcntl.LOCK_UN)
            self._line.notify_all()

    def _holder(self, waited: float) -> str:
        """Who holds the lock, as far as can be told, and what to do about it."""
        pid = self._held_by()
        if pid is None:
            return f"another process has kept the lock for writing for {waited:g} s"
        text = f"process {pid}{_command_of(pid)} has kept the lock for writing for {waited:g} s"
        if _is_stopped(pid):
            return f"{text} and is stopped: have it go on (kill -CONT {pid}) or end it"
        return text

    def _held_by(self) -> int | None:
        """The holder's process id: as the kernel says (Linux), else as it wrote it itself, which
        one that was stopped while it waited in line did not."""
        inode = str(os.fstat(self._file.fileno()).st_ino)
        with suppress(OSError):
            for line in Path("/proc/locks").read_text(errors="replace").splitlines():
                # "3: FLOCK ADVISORY WRITE 4317 fe:00:10003121 0 EOF"; "->" is before who waits.
                # Source: Linux, proc_locks(5).
                words = line.split()
                if words[1:2] == ["FLOCK"] and words[5].rpartition(":")[2] == inode:
                    return int(words[4]) if words[4].isdigit() and words[4] != "0" else None
        written = os.pread(self._file.fileno(), 20, 0).strip()
        return int(written) if written.isdigit() else None


def _command_of(pid: int) -> str:
    """Which of our commands a process runs; nothing where the system does not tell."""
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace").split("\0")
    except OSError:
        return ""
    commands = [word for word in words if _COMMAND.fullmatch(word)]
    return f" ({commands[-1]})" if commands else ""


def _is_stopped(pid: int) -> bool:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(errors="replace")
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] in ("T", "t")
