"""Where a database file lies: whether this user may have it there, and whose its files are."""

from __future__ import annotations

import os
import pwd
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from bridge.store.database import Noticed
from bridge.store.file.companions import beside

_COMPANIONS = ("", "-wal", "-shm", ".lock", ".engine")


class Misplaced(NamedTuple):
    """What is wrong with the place, and how it is mended."""

    text: str
    mend: str


def misplaced(path: Path) -> Misplaced | None:
    """What keeps this user from having a database at `path`; None where nothing does."""
    try:
        return _folder(path.parent) or _file(path)
    except OSError as error:
        return Misplaced(f"it cannot be looked at: {error.strerror}", _RIGHTS.format(path=path))


_RIGHTS = "let this user through to {path}"


def _folder(folder: Path) -> Misplaced | None:
    if not folder.exists():
        text = f"its folder {folder} does not exist"
        return Misplaced(text, f"make it (mkdir -p {folder}), or let database name another place")
    if not folder.is_dir():
        return Misplaced(f"{folder} is no folder", "let database name another place")
    if os.statvfs(folder).f_flag & os.ST_RDONLY:
        return Misplaced(
            f"the file system of {folder} is read-only",
            "put the database on one that can be written (a volume, in a container), or remount it",
        )
    if not os.access(folder, os.W_OK | os.X_OK, effective_ids=True):
        text = f"{_me()} may not write into its folder {folder}, which is {_whose(folder)}"
        return Misplaced(text, _let(folder, folder, "u+rwx"))
    return None


def _file(path: Path) -> Misplaced | None:
    if path.is_dir():
        text = "it is a folder"
        return Misplaced(text, f"let database name a file, for example {path}/bridge.db")
    if path.exists() and not os.access(path, os.R_OK | os.W_OK, effective_ids=True):
        text = f"{_me()} may not read and write it: it is {_whose(path)}"
        return Misplaced(text, _let(path, f"{path}*", "u+rw"))
    return None


def owners(path: Path) -> Iterator[Noticed]:
    """Files of the database that are another user's than the file itself, as they become when a
    command is run once as root: then `serve` cannot write to them."""
    owner = path.stat().st_uid
    for ending in _COMPANIONS[1:]:
        file = beside(path, ending)
        try:
            found = file.stat().st_uid
        except FileNotFoundError:
            continue
        if found != owner:
            text = f"{file} belongs to {_name(found)}, and the database to {_name(owner)}"
            mend = f"chown {_name(owner)} {path}*, and run every command as {_name(owner)}"
            yield Noticed("warn", text, mend)


def _let(path: Path, files: object, mode: str) -> str:
    """How this user may use what is there, or who else may."""
    if path.stat().st_uid == os.geteuid():
        return f"chmod {mode} {files}"
    return f"chown {_me()} {files}, or run the bridge and its commands as who owns it"


def _whose(path: Path) -> str:
    found = path.stat()
    return f"{_name(found.st_uid)}'s ({stat.filemode(found.st_mode)})"


def _me() -> str:
    return _name(os.geteuid())


def _name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)
