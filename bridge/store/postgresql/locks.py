"""The advisory locks of a database: one that writes, one that puts messages in, one engine.

Each has two numbers: the first is ours, the second says which one, and of which schema.
"""

from __future__ import annotations

OURS = 0x42524447
WRITER, INBOX, ENGINE = "writer", "inbox", "engine"

_SECOND = "hashtext(current_schema() || '{}')"


def key(which: str) -> str:
    """Both numbers of a lock, in SQL."""
    return f"{OURS}, {_SECOND.format(which)}"


def in_pg_locks(which: str) -> str:
    """A condition on the rows of pg_locks: those of this lock, where both numbers are unsigned.

    Source: PostgreSQL, "pg_locks": a lock with two keys has them in classid and objid, and 2 in
    objsubid.
    """
    second = f"({_SECOND.format(which)}::bigint & 4294967295)"
    return f"classid::bigint = {OURS} AND objid::bigint = {second} AND objsubid = 2"


def take(which: str) -> str:
    """The expression that takes a lock, which ends with its transaction."""
    return f"pg_advisory_xact_lock({key(which)})"


def begin(wait: float, which: str = WRITER) -> str:
    """The statements that begin a transaction with a lock, which ends with it; in it nobody's lock
    is waited for longer than `wait`, in seconds."""
    milliseconds = max(int(wait * 1000), 1)
    return (
        "BEGIN ISOLATION LEVEL READ COMMITTED; "
        f"SET LOCAL lock_timeout = {milliseconds}; SELECT {take(which)}"
    )
