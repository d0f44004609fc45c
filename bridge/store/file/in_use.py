"""Which file a database's name means, for as long as anybody has it open.

Another file by the same name has the same `-wal`: whoever opened it would damage both. So all who
come get the file that the first got, or none; and a file that was removed is not made anew.
"""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from typing import IO

from bridge.errors import StoreGone, StoreLocked
from bridge.store.file.companions import Identity, identity, lock_file, open_private

_LENGTH = 48


class InUse:
    """Says in the lock `file`, beside the database at `path`, that it is in use; see `begin`."""

    def __init__(self, path: Path, file: IO[bytes]) -> None:
        self._path = path
        self._file = file

    def begin(self) -> Identity:
        """Have it in use until `end`; which file it is. Whoever is the first makes it, if needed.

        Waits while somebody is `alone`. Raises OSError, and StoreGone when others have another
        file in use, or one that was removed.
        """
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            fcntl.flock(self._file, fcntl.LOCK_SH)
            return self._same_as_others()
        open_private(self._path).close()
        found = identity(self._path)
        text = f"{found[0]} {found[1]}"
        os.pwrite(self._file.fileno(), f"{text:<{_LENGTH - 1}}\n".encode(), 0)
        fcntl.flock(self._file, fcntl.LOCK_SH)
        return found

    def alone(self) -> None:
        """Nobody has it in use until `end`; raises StoreLocked when somebody has."""
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise StoreLocked(
                f"{self._path}: the bridge, or another command, has this database open; "
                "stop it first"
            ) from None

    def end(self) -> None:
        """It is in use no more."""
        self._file.close()

    def _same_as_others(self) -> Identity:
        first = os.pread(self._file.fileno(), _LENGTH, 0).split()
        try:
            found = identity(self._path)
        except FileNotFoundError:
            raise gone(self._path) from None
        if first and [str(each).encode() for each in found] != first:
            raise gone(self._path)
        return found


def in_use(path: Path) -> InUse:
    """For the database at `path`, by whatever name (a symbolic link); raises OSError."""
    return InUse(path, open_private(lock_file(path, ".open")))


def gone(path: Path) -> StoreGone:
    """That the file at `path` is not the one that is in use."""
    return StoreGone(
        f"{path}: the database was removed, or another file was put in its place, "
        "while the bridge has it open"
    )
