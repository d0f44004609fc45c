"""Intended outside calls: claimed with a mark that survives a crash, then settled."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from bridge.store import rows
from bridge.store.database import Connection, Row
from bridge.store.outbox.states import SQL_NOT_BEGUN, SQL_OPEN, SQL_OVER


@dataclass(frozen=True, slots=True)
class OutboxRow:
    """One intended call. `subject` is an id or a JSON document, as its `kind` says."""

    id: int
    service: str
    scope: str
    kind: str
    key: str
    subject: str
    state: str
    due_at: float
    tries: int
    created_at: float
    claimed_at: float | None
    error: str | None


_COLUMNS = rows.plain(OutboxRow)


def add(
    db: Connection,
    *,
    service: str,
    scope: str,
    kind: str,
    key: str,
    subject: str,
    due_at: float,
    now: float,
) -> int:
    """Intend a call. One with the same key that is open already is kept, and hastened unless it
    failed before and waits.
    """
    row = db.execute(
        f"INSERT INTO outbox ({_NEW}) VALUES (?, ?, ?, ?, ?, 'ready', ?, ?) {_KEPT} RETURNING id",
        (service, scope, kind, key, subject, due_at, now),
    ).fetchone()
    return int(row[0])


def add_all(
    db: Connection,
    *,
    service: str,
    scope: str,
    kind: str,
    subjects: Iterable[str],
    due_at: float,
    now: float,
) -> None:
    """Intend as many calls of one kind as there are subjects, in this order; the subject of each is
    its key, and it is kept or hastened as by `add`."""
    keys = list(dict.fromkeys(subjects))
    for part in rows.parts(len(keys)):
        some = keys[part]
        db.execute(
            f"INSERT INTO outbox ({_NEW}) {rows.asked(len(some), 'subject')}SELECT ?, ?, ?, "
            f"subject, subject, 'ready', ?, ? FROM asked WHERE true {_KEPT}",
            (*some, service, scope, kind, due_at, now),
        )


_NEW = "service, scope, kind, key, subject, state, due_at, created_at"
_KEPT = (
    f"ON CONFLICT (service, scope, kind, key) WHERE state IN {SQL_OPEN} "
    "DO UPDATE SET due_at = CASE WHEN outbox.error IS NULL AND excluded.due_at < outbox.due_at "
    "THEN excluded.due_at ELSE outbox.due_at END"
)


def claim(
    db: Connection,
    now: float,
    limit: int,
    service: str,
    scope: str,
    *,
    by: int = 0,
    kinds: Sequence[str] = (),
) -> list[OutboxRow]:
    """Take the oldest due calls to one location or server, at most `limit`.

    They are `claimed` when this commits. `by` is the number of an engine that shares them with
    others; with `kinds`, only those of these kinds are taken.
    """
    some = f"AND kind IN ({rows.marks(len(kinds))}) " if kinds else ""
    found = db.execute(
        "UPDATE outbox SET state = 'claimed', claimed_at = ?, claimed_by = ?, tries = tries + 1 "
        "WHERE id IN (SELECT id FROM outbox WHERE state = 'ready' AND service = ? AND scope = ? "
        f"AND due_at <= ? {some}ORDER BY due_at, id LIMIT ?) RETURNING {_COLUMNS}",
        (now, by, service, scope, now, *kinds, limit),
    ).fetchall()
    return sorted((OutboxRow(*row) for row in found), key=lambda r: (r.due_at, r.id))


def due_by_scope(db: Connection) -> dict[tuple[str, str], float]:
    """When the next call to each location and server is due, by (service, scope)."""
    found, last = dict[tuple[str, str], float](), ("", "")
    while row := _next_scope(db, *last):
        last = (row[0], row[1])
        found[last] = row[2]
    return found


def _next_scope(db: Connection, service: str, scope: str) -> Row | None:
    """The first call of the next scope: from one to the next along the index, past all that waits
    there. A comparison of both columns at once would walk through it."""
    query = "SELECT service, scope, due_at FROM outbox WHERE state = 'ready' AND "
    beside: Row | None = db.execute(
        f"{query} service = ? AND scope > ? ORDER BY service, scope, due_at LIMIT 1",
        (service, scope),
    ).fetchone()
    if beside is not None:
        return beside
    following: Row | None = db.execute(
        f"{query} service > ? ORDER BY service, scope, due_at LIMIT 1", (service,)
    ).fetchone()
    return following


def done(db: Connection, row_id: int, now: float) -> None:
    """The call was made and its answer stored."""
    db.execute(
        "UPDATE outbox SET state = 'done', settled_at = ?, error = NULL WHERE id = ?",
        (now, row_id),
    )


def again(
    db: Connection, row_id: int, due_at: float, error: str | None, *, passing: bool = True
) -> None:
    """The call is to be made again at `due_at`. `passing` says that the cause is likely to go
    away by itself: the other side is busy or out of reach.
    """
    db.execute(
        "UPDATE outbox SET state = 'ready', due_at = ?, claimed_at = NULL, error = ?, "
        "passing = ? WHERE id = ?",
        (due_at, error, int(passing), row_id),
    )


def give_back(db: Connection, row_id: int) -> None:
    """A claimed call was not begun: it is due as before."""
    db.execute(
        "UPDATE outbox SET state = 'ready', tries = tries - 1, claimed_at = NULL "
        "WHERE id = ? AND state = 'claimed'",
        (row_id,),
    )


def is_begun(db: Connection, row: OutboxRow, by: int = 0) -> bool:
    """Whether a row that was claimed is so yet, by the same claim: its end was not kept. `by` is
    as in `claim`."""
    found = db.execute(
        "SELECT 1 FROM outbox WHERE id = ? AND state = 'claimed' AND tries = ? AND claimed_by = ?",
        (row.id, row.tries, by),
    ).fetchone()
    return found is not None


def failed(db: Connection, row_id: int, now: float, error: str) -> None:
    """The call will not be made again."""
    db.execute(
        "UPDATE outbox SET state = 'failed', settled_at = ?, error = ? WHERE id = ?",
        (now, error, row_id),
    )


def slow_down(db: Connection, row_id: int, due_at: float, error: str) -> None:
    """If the call is to be made again, then not before `due_at`."""
    db.execute(
        "UPDATE outbox SET due_at = ?, error = ? WHERE id = ? AND state = 'ready'",
        (due_at, error, row_id),
    )


def pause(db: Connection, row_id: int) -> None:
    """The call must not leave now: it waits until `resume`."""
    db.execute(
        "UPDATE outbox SET tries = CASE state WHEN 'claimed' THEN tries - 1 ELSE tries END, "
        f"state = 'held', claimed_at = NULL WHERE id = ? AND state IN {SQL_OPEN}",
        (row_id,),
    )


def resume(db: Connection, now: float) -> None:
    """Paused calls are due at once."""
    db.execute("UPDATE outbox SET state = 'ready', due_at = ? WHERE state = 'held'", (now,))


def ready(db: Connection) -> list[OutboxRow]:
    """Calls that have not begun."""
    found = db.execute(f"SELECT {_COLUMNS} FROM outbox WHERE state = 'ready' ORDER BY id")
    return [OutboxRow(*row) for row in found]


def trouble(db: Connection, service: str, scope: str) -> str | None:
    """Why calls to a location or server are being repeated now, if they are."""
    found = _trouble(db, service, scope)
    return found[0] if found else None


def is_passing(db: Connection, service: str, scope: str) -> bool:
    """Whether that trouble is likely to go away by itself."""
    found = _trouble(db, service, scope)
    return found is not None and found[1]


def _trouble(db: Connection, service: str, scope: str) -> tuple[str, bool] | None:
    row = db.execute(
        "SELECT error, passing FROM outbox WHERE state = 'ready' AND service = ? AND scope = ? "
        "AND error IS NOT NULL ORDER BY passing, due_at DESC LIMIT 1",
        (service, scope),
    ).fetchone()
    return (str(row[0]), bool(row[1])) if row else None


def get(db: Connection, row_id: int) -> OutboxRow | None:
    """One call by its id, or None when it is not kept (any more)."""
    row = db.execute(f"SELECT {_COLUMNS} FROM outbox WHERE id = ?", (row_id,)).fetchone()
    return OutboxRow(*row) if row else None


def revive(db: Connection, row_id: int, now: float) -> bool:
    """Make a failed call due now; False when one with its key is open already."""
    changed = db.execute(
        "UPDATE outbox SET state = 'ready', due_at = ?, claimed_at = NULL, "
        "settled_at = NULL, error = NULL, tries = 0 WHERE id = ? AND state = 'failed' "
        "AND NOT EXISTS (SELECT 1 FROM outbox other WHERE other.service = outbox.service "
        "AND other.scope = outbox.scope AND other.kind = outbox.kind AND other.key = outbox.key "
        f"AND other.state IN {SQL_OPEN})",
        (now, row_id),
    )
    return changed.rowcount == 1


def claimed(db: Connection, but_by: Sequence[int] = ()) -> list[OutboxRow]:
    """Calls that were begun and not settled; after a start, their outcome is not known, save of
    those that engines with these numbers have."""
    others = f"AND claimed_by NOT IN ({rows.marks(len(but_by))}) " if but_by else ""
    found = db.execute(
        f"SELECT {_COLUMNS} FROM outbox WHERE state = 'claimed' {others}ORDER BY id", (*but_by,)
    )
    return [OutboxRow(*row) for row in found]


def claimed_by(db: Connection, numbers: Sequence[int]) -> list[OutboxRow]:
    """Calls that engines with these numbers have begun and not settled."""
    found = db.execute(
        f"SELECT {_COLUMNS} FROM outbox WHERE state = 'claimed' "
        f"AND claimed_by IN ({rows.marks(len(numbers))}) ORDER BY id",
        (*numbers,),
    )
    return [OutboxRow(*row) for row in found]


def unsettled(db: Connection) -> list[OutboxRow]:
    """Calls that are intended or were begun, oldest first."""
    found = db.execute(f"SELECT {_COLUMNS} FROM outbox WHERE state NOT IN {SQL_OVER} ORDER BY id")
    return [OutboxRow(*row) for row in found]


def open_counts(db: Connection) -> dict[tuple[str, str], int]:
    """How many calls are intended or under way, by (service, scope)."""
    found = db.execute(
        f"SELECT service, scope, count(*) FROM outbox WHERE state IN {SQL_OPEN} "
        "GROUP BY service, scope"
    )
    return {(row[0], row[1]): row[2] for row in found}


def open_keys(db: Connection, service: str) -> set[tuple[str, str]]:
    """(scope, key) of all calls of a service that are intended or under way."""
    found = db.execute(
        f"SELECT scope, key FROM outbox WHERE service = ? AND state IN {SQL_OPEN}", (service,)
    )
    return {(row[0], row[1]) for row in found}


def cancel_elsewhere(
    db: Connection, service: str, scopes: Sequence[str], now: float
) -> list[OutboxRow]:
    """Calls to locations or servers that are no longer configured are not made; returns them."""
    elsewhere = f"AND scope NOT IN ({rows.marks(len(scopes))}) " if scopes else ""
    found = db.execute(
        "UPDATE outbox SET state = 'failed', settled_at = ?, error = 'no longer configured' "
        f"WHERE state IN {SQL_NOT_BEGUN} AND service = ? {elsewhere}"
        f"RETURNING {_COLUMNS}",
        (now, service, *scopes),
    ).fetchall()
    return [OutboxRow(*row) for row in found]


def is_open(db: Connection, service: str, scope: str, kind: str) -> bool:
    """Whether such a call is to be made, held or under way."""
    found = db.execute(
        "SELECT 1 FROM outbox WHERE service = ? AND scope = ? AND kind = ? "
        f"AND state IN {SQL_OPEN} LIMIT 1",
        (service, scope, kind),
    ).fetchone()
    return found is not None
