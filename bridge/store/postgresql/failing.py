"""What PostgreSQL and the way to it raise, as the errors that the rest of the bridge knows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psycopg
from psycopg import errors

from bridge.errors import StoreAway, StoreDamaged, StoreError, StoreFull, StoreLocked

_FULL = (errors.DiskFull, errors.OutOfMemory, errors.IoError)
_BUSY = (
    errors.LockNotAvailable,
    errors.SerializationFailure,
    errors.DeadlockDetected,
    errors.QueryCanceled,
)
_DAMAGED = (errors.DataCorrupted, errors.IndexCorrupted)
_OURS = (psycopg.IntegrityError, psycopg.ProgrammingError, psycopg.DataError)
"""A broken rule or statement: our mistake."""


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
    if isinstance(error, _BUSY):
        return StoreLocked(f"{name}: another transaction stood in the way ({said})")
    if isinstance(error, errors.InsufficientPrivilege):
        return StoreError(f"{name}: {said}")
    if isinstance(error, _OURS) and not isinstance(error, errors.InvalidCatalogName):
        return None
    return StoreAway(f"{name}: {said}")
