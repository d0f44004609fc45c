"""The engine's lock: one engine on a database, and whether it lives."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import IO

from bridge.errors import EngineRuns, StoreError
from bridge.store.file.companions import beside, lock_file, open_private

_BEAT = 20
"""Bytes of a heartbeat, at the begin of the lock's file."""

_IN_ORDER = b"ended in order\n"


class EngineLock:
    """Says that an engine runs on this database; held by its process for as long as it lives.

    The lock file holds the engine's heartbeat, so that a process that hangs can be told from one
    that lives, without a write to the database: the monotonic clock's time, which all processes
    of a machine share and nobody sets. The file says, too, whether the last engine ended in order:
    a mark within the database would come back with a copy of it.
    """

    def __init__(self, database: Path, clock: Callable[[], float] = time.monotonic) -> None:
        self.path = lock_file(database, ".engine")
        self._database = database
        self._file: IO[bytes] | None = None
        self._clock = clock

    def acquire(
        self,
        wait: float,
        *,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Take the lock, waiting up to `wait` seconds for its last holder to go.

        Raises StoreError when the lock's file cannot be made, EngineRuns when another process
        still holds it after that.
        """
        try:
            file = open_private(self.path)
        except OSError as error:
            raise StoreError(f"{self.path}: the lock cannot be taken: {error.strerror}") from error
        deadline = self._clock() + wait
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if self._clock() >= deadline:
                    file.close()
                    raise EngineRuns(
                        f"{self.path}: another engine runs on this database; stop it first"
                    ) from None
                sleep(0.05)
            else:
                self._file = file
                self.beat()
                return

    def beat(self) -> None:
        """Say that the engine is alive now; the lock must be held."""
        assert self._file is not None, "whoever has not the lock is not the engine"
        os.pwrite(self._file.fileno(), f"{self._clock():0{_BEAT - 1}.6f}\n".encode(), 0)

    def begin(self) -> bool:
        """An engine begins, with the lock held. Whether the last one ended in order, and left
        nothing in the `-wal`; True where there was no database yet."""
        assert self._file is not None
        in_order = os.pread(self._file.fileno(), 100, _BEAT) == _IN_ORDER
        self._file.truncate(_BEAT)
        os.fsync(self._file)
        if not self._database.exists() or not self._database.stat().st_size:
            return True
        wal = beside(self._database, "-wal")
        return in_order and not (wal.exists() and wal.stat().st_size)

    def end_in_order(self) -> None:
        """The engine ends, and the database is closed; the lock is still held."""
        assert self._file is not None
        os.pwrite(self._file.fileno(), _IN_ORDER, _BEAT)

    def release(self) -> None:
        """Give the lock back."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def held(self) -> bool:
        """Whether some process holds the lock now."""
        if self._file is not None:
            return True
        try:
            with self.path.open("rb") as file:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        except OSError:  # it is not there, or not for us
            return False
        return False

    def silent_for(self) -> float | None:
        """Seconds since the engine last said that it is alive, or None if there never was one."""
        try:
            beat = self.path.read_bytes()[:_BEAT]
        except OSError:
            return None
        return max(self._clock() - float(beat), 0.0) if beat else None
