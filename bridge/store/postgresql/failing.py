"""What PostgreSQL and the way to it raise, as the errors that the rest of the bridge knows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psycopg
from psycopg import errors

from bridge.errors import (
    StoreAway,
    StoreConflict,
    StoreDamaged,
    StoreError,
    StoreFull,
    StoreInDoubt,
    StoreLocked,
)


class CommitUnknown(psycopg.OperationalError):
    """The connection was lost between COMMIT and its answer: it may have been done."""


_FULL = (errors.DiskFull, errors.OutOfMemory, errors.IoError)
_CONFLICT = (errors.SerializationFailure, errors.DeadlockDetected)
_BUSY = (errors.LockNotAvailable, errors.QueryCanceled)
_DAMAGED = (errors.DataCorrupted, errors.IndexCorrupted)
_OURS = (
    psycopg.IntegrityError,
    psycopg.ProgrammingError,
    psycopg.DataError,
    errors.InFailedSqlTransaction,
)
"""A broken rule or statement: our mistake."""
_OUTSIDE = (errors.InvalidCatalogName, errors.InsufficientPrivilege, *_DAMAGED)
"""Those of them that are not."""

_READ_ONLY = "name the server that takes writes, or have this one take them"
_MEND: tuple[tuple[str, str], ...] = (
    ("certificate", "see to sslrootcert, or to the server's certificate"),
    ("read-only", _READ_ONLY),
    ("hot standby", _READ_ONLY),
    ("too many c", "give it more connections (max_connections), or the bridge fewer threads"),
    ("connection slots", "give it more connections (max_connections), or the bridge fewer threads"),
    ("authentication failed", "see to the user and the password"),
    ("no pg_hba.conf entry", "let the bridge's user in (pg_hba.conf)"),
    ("does not exist", "make it, or name another"),
)
"""By words of libpq or of an English server, what to do where a connection cannot be made: no code
comes with them."""


@contextmanager
def as_store_error(
    name: str, note: Callable[[StoreError], object] = lambda _error: None
) -> Iterator[None]:
    """Away, locked, full: StoreError, which `note` is told. A broken rule or statement is our
    mistake."""
    try:
        yield
    except psycopg.Error as error:
        failure = store_error(error, name)
        if failure is None:
            raise
        note(failure)
        raise failure from error


def is_ours(error: psycopg.Error) -> bool:
    """Whether we are to blame: nothing outside is in the way."""
    return isinstance(error, _OURS) and not isinstance(error, _OUTSIDE)


def store_error(error: psycopg.Error, name: str) -> StoreError | None:
    """What an error of PostgreSQL is for the database called `name`; None for a broken rule or
    statement.

    Source: PostgreSQL, "Appendix A. PostgreSQL Error Codes": class 08 is the connection's, 57P that
    of a server that stops or starts, 25006 a standby's, 28 and 3D those of who may come in.
    """
    said = " ".join(str(error).split()) or type(error).__name__
    if isinstance(error, _FULL):
        return StoreFull(f"{name}: {said}")
    if isinstance(error, _DAMAGED):
        return StoreDamaged(f"{name}: {said}")
    if isinstance(error, CommitUnknown):
        return StoreInDoubt(f"{name}: the connection was lost while it committed ({said})")
    if isinstance(error, _CONFLICT):
        return StoreConflict(f"{name}: another transaction stood in the way ({said})")
    if isinstance(error, _BUSY):
        return StoreLocked(f"{name}: another transaction stood in the way ({said})")
    if isinstance(error, errors.InsufficientPrivilege):
        return StoreError(f"{name}: {said}")
    if is_ours(error):
        return None
    away = StoreAway(f"{name}: {said}")
    away.mend = next(
        (f"{mend}; the bridge goes on by itself" for words, mend in _MEND if words in said),
        away.mend,
    )
    return away
