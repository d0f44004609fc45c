"""What is told of a database file to who examines it: its SQLite, and the room on its disk."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

from bridge.store.database import Level, Noticed
from bridge.store.file.companions import beside
from bridge.store.file.place import owners
from bridge.store.file.soundness import has_wal_reset_fault, sqlite_version

_MIB = 1024 * 1024
LITTLE_SPACE = 1024 * _MIB
NO_SPACE = 100 * _MIB
LARGE_WAL = 1024 * _MIB


def noticed(path: Path) -> Iterator[Noticed]:
    """What there is to be known of the sound file at `path`."""
    yield _sqlite()
    yield from owners(path)
    free = shutil.disk_usage(path.parent).free
    if free < LITTLE_SPACE:
        level: Level = "fail" if free < NO_SPACE else "warn"
        yield Noticed(level, f"only {_mib(free)} are free on its disk", "make room there")
    wal = _size(beside(path, "-wal"))
    if wal > LARGE_WAL:
        text = f"its write-ahead log has grown to {_mib(wal)}"
        yield Noticed("warn", text, "end programs that have the database open, other than serve")


def _sqlite() -> Noticed:
    version = sqlite_version()
    if not has_wal_reset_fault(version):
        return Noticed("ok", f"SQLite {version}, which does not have the WAL-reset fault")
    return Noticed(
        "ok",
        f"SQLite {version}, which has the WAL-reset fault (until 3.51.3, but for 3.44.6 and "
        "3.50.7): a commit beside a checkpoint may damage the file. The bridge never does the one "
        "beside the other, and no other program may write to the file",
    )


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def _mib(size: int) -> str:
    return f"{size / _MIB:.1f} MiB"
