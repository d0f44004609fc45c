"""Whether another program has put the rows of a database back, as `pg_restore` does.

PostgreSQL keeps with each row which transaction wrote it, and two rows here say the same of
themselves. Whatever copies the files of a server takes both along: a standby that takes over, a
copy of its disk, VACUUM FULL, pg_upgrade. Who writes the rows anew does so in another transaction,
and both in one: so one of them at least says what is not true, also where a new server happens to
count from the same number. Source: PostgreSQL, "System Columns" (xmin), "Transaction ID and
Snapshot Information Functions".
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bridge.store import meta

if TYPE_CHECKING:
    from bridge.store.database import Connection

MARKS = ("written_by", "written_by_another")
"""Under these keys stands which transaction wrote them; each is written in one of its own."""

_OURS = f"key IN ('{MARKS[0]}', '{MARKS[1]}')"

IS_PUT_BACK = (
    f"EXISTS (SELECT 1 FROM meta WHERE {_OURS} "
    "AND xmin::text::bigint <> (value::bigint & 4294967295))"
)
"""The expression that tells it; a row has the lower half of the transaction's number."""

_NUMBER = "SELECT pg_current_xact_id()::text"


def is_put_back(db: Connection) -> bool:
    """Whether it was."""
    row = db.execute(f"SELECT {IS_PUT_BACK}").fetchone()
    return bool(row[0])


def missing(db: Connection) -> list[str]:
    """The marks that are not there yet."""
    found = {row[0] for row in db.execute(f"SELECT key FROM meta WHERE {_OURS}")}
    return [key for key in MARKS if key not in found]


def write(db: Connection, key: str) -> None:
    """Write one of them, in a transaction that writes no other."""
    meta.keep(db, key, db.execute(_NUMBER).fetchone()[0])


def forget(db: Connection) -> None:
    """What is there is taken as it is; it is marked anew when it is opened next."""
    for key in MARKS:
        meta.forget(db, key)
