"""The files of a database: itself, SQLite's companions, and the locks beside it."""

from __future__ import annotations

import os
import shutil
from contextlib import suppress
from pathlib import Path
from typing import IO

Identity = tuple[int, int]
"""Device and inode: what stays the same while a file is moved."""


def beside(path: Path, ending: str) -> Path:
    """The file beside a database that has its name and this ending."""
    return path.with_name(path.name + ending)


def lock_file(path: Path, ending: str) -> Path:
    """A lock belongs to the file, by whatever name (a symbolic link) it is opened."""
    return beside(path.resolve(), ending)


def open_private(path: Path) -> IO[bytes]:
    """The file; if it is made now, nobody else may read what it will hold."""
    return os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600), "r+b")


def identity(path: Path | str) -> Identity:
    """Which file it is; raises OSError."""
    found = os.stat(path)
    return found.st_dev, found.st_ino


def close_to_others(path: Path) -> None:
    """A file that was put here may be open to others; it holds secrets, as its companions do."""
    for file in (path, beside(path, "-wal"), beside(path, "-shm")):
        # SQLite makes the companions and removes them, maybe just now.
        with suppress(FileNotFoundError):
            found = file.stat()
            if found.st_mode & 0o077 and found.st_uid == os.geteuid():
                file.chmod(0o600)


def free_space(database: Path) -> int | None:
    """Bytes that are free on the disk of the database at this path; None where its folder is
    gone, of which whoever uses the database is told."""
    try:
        return shutil.disk_usage(database.resolve().parent).free
    except OSError:
        return None
