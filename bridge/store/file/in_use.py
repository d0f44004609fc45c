"""Which file a database's name means, for as long as anybody has it open, and that there was one.

Another file by the same name has the same `-wal`: whoever opened it would damage both. So all who
come get the file that the first got, or none; and a file that was removed is not made anew: not
while others have it in use, and not by the first who comes afterwards either, since a bridge that
began with an empty one would have forgotten everything, and nobody would know.
"""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from typing import IO

from bridge.errors import StoreGone, StoreLocked, StoreLost
from bridge.store.file.companions import Identity, identity, lock_file, open_private

_ENDING = ".open"
_LENGTH = 48
"""Bytes of the line in the lock file: device, inode, and `_MADE` once it held a database."""
_MADE = b"made"


class InUse:
    """Says in the lock `file`, beside the database at `path`, that it is in use; see `begin`."""

    def __init__(self, path: Path, file: IO[bytes]) -> None:
        self._path = path
        self._file = file

    def begin(self) -> Identity:
        """Have it in use until `end`; which file it is. Whoever is the first makes it, if needed.

        Waits while somebody is `alone`. Raises OSError, StoreGone when others have another file in
        use, or one that was removed, StoreLost when there was a database here that is gone.
        """
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            fcntl.flock(self._file, fcntl.LOCK_SH)
            return self._same_as_others()
        try:
            found = self._as_first()
        except BaseException:
            fcntl.flock(self._file, fcntl.LOCK_UN)  # others may find it better
            raise
        fcntl.flock(self._file, fcntl.LOCK_SH)
        return found

    def made(self) -> None:
        """What is in use is a database now, and not a new file: say so for those who come later."""
        words = self._words()
        if words and _MADE not in words:
            self._say(*words, _MADE)

    def alone(self) -> None:
        """Nobody has it in use until `end`; raises StoreLocked when somebody has."""
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise StoreLocked(
                f"{self._path}: the bridge, or another command, has this database open; "
                "stop it first"
            ) from None

    def close(self) -> None:
        """It is in use no more."""
        self._file.close()

    def _as_first(self) -> Identity:
        made = self._words()[2:]
        if made and not _has_content(self._path):
            raise StoreLost(self._path, lock_file(self._path, _ENDING))
        open_private(self._path).close()
        found = identity(self._path)
        self._say(*(str(each).encode() for each in found), *made)
        return found

    def _same_as_others(self) -> Identity:
        first = self._words()[:2]
        try:
            found = identity(self._path)
        except FileNotFoundError:
            raise gone(self._path) from None
        if first and [str(each).encode() for each in found] != first:
            raise gone(self._path)
        return found

    def _words(self) -> list[bytes]:
        return os.pread(self._file.fileno(), _LENGTH, 0).split()

    def _say(self, *words: bytes) -> None:
        os.pwrite(self._file.fileno(), b" ".join(words).ljust(_LENGTH - 1) + b"\n", 0)


def check_not_lost(path: Path) -> None:
    """Where there is no file at `path`: raises StoreLost when it was a database, StoreGone when
    somebody has that in use yet."""
    try:
        with lock_file(path, _ENDING).open("rb") as file:
            if _MADE not in file.read().split():
                return
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise gone(path) from None
    except OSError:
        return  # nothing says that there was one; whether it can be used, opening it tells
    raise StoreLost(path, lock_file(path, _ENDING))


def _has_content(path: Path) -> bool:
    try:
        return path.stat().st_size > 0
    except (FileNotFoundError, NotADirectoryError):
        return False


def in_use(path: Path) -> InUse:
    """For the database at `path`, by whatever name (a symbolic link); raises OSError."""
    return InUse(path, open_private(lock_file(path, _ENDING)))


def gone(path: Path) -> StoreGone:
    """That the file at `path` is not the one that is in use."""
    return StoreGone(
        f"{path}: the database was removed, or another file was put in its place, "
        "while the bridge has it open"
    )
