"""What Apple was asked of users, each in a request with others of its kind, and what came of it.

A user is in at most one open request of a location: the index `user_changes_open` holds it, so that
nothing is asked of a user while a request is on its way or in doubt.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field

from bridge.domain.users.facts import ChangeKind, LastChange, OpenChange
from bridge.store import rows
from bridge.store.database import Connection
from bridge.store.licences import requests
from bridge.store.licences.requests import AppleRequest
from bridge.store.licences.states import SQL_UNNAMED
from bridge.store.users.users import PIECE


@dataclass(frozen=True, slots=True)
class Change:
    """One user of a request, as Apple is to have it."""

    client_user_id: str
    email: str | None = field(default=None, repr=False)
    managed_apple_id: str | None = field(default=None, repr=False)


def make(
    db: Connection, location: str, kind: ChangeKind, users: Sequence[Change], now: float
) -> int:
    """One request about these users, and its outbox row; returns its id. None of them is in an open
    one."""
    first = users[0].client_user_id
    request_id = requests.add(db, location, kind, f"{first}:{now}", len(users), now)
    db.executemany(
        "INSERT INTO user_changes (request_id, location, client_user_id, kind, email, "
        "managed_apple_id, state, created_at) VALUES (?, ?, ?, ?, ?, ?, 'open', ?)",
        [
            (request_id, location, u.client_user_id, kind, u.email, u.managed_apple_id, now)
            for u in users
        ],
    )
    return request_id


def open_of(db: Connection, request_id: int) -> list[Change]:
    """The users of a request whose result is not known."""
    found = db.execute(
        "SELECT client_user_id, email, managed_apple_id FROM user_changes "
        "WHERE request_id = ? AND state = 'open' ORDER BY id",
        (request_id,),
    )
    return [Change(row[0], row[1], row[2]) for row in found]


def is_any_open(db: Connection, request_id: int) -> bool:
    """Whether the result of a request is not known for some of its users."""
    row = db.execute(
        "SELECT 1 FROM user_changes WHERE request_id = ? AND state = 'open' LIMIT 1", (request_id,)
    ).fetchone()
    return row is not None


def settle(
    db: Connection,
    request_id: int,
    client_user_ids: Iterable[str],
    *,
    state: str,
    told_by: str,
    now: float,
    error_number: int | None = None,
) -> list[Change]:
    """The result is known for these users of a request: `confirmed`, `failed`, `missing` or
    `withdrawn`. Returns those that this settled; what was settled before stays as it was."""
    settled = []
    for each in dict.fromkeys(client_user_ids):
        row = db.execute(
            "UPDATE user_changes SET state = ?, settled_at = ?, settled_by = ?, error_number = ? "
            "WHERE request_id = ? AND client_user_id = ? AND state = 'open' "
            "RETURNING client_user_id, email, managed_apple_id",
            (state, now, told_by, error_number, request_id, each),
        ).fetchone()
        if row is not None:
            settled.append(Change(row[0], row[1], row[2]))
    return settled


def under_way(
    db: Connection, location: str, client_user_ids: Collection[str]
) -> dict[str, OpenChange]:
    """By clientUserId, what Apple is being asked of these users."""
    names, found = list(dict.fromkeys(client_user_ids)), dict[str, OpenChange]()
    for start in range(0, len(names), PIECE):
        some = rows.padded(names[start : start + PIECE])
        for row in db.execute(
            "SELECT c.client_user_id, c.kind, r.state, o.error, o.due_at FROM user_changes c "
            "JOIN apple_requests r ON r.id = c.request_id LEFT JOIN outbox o "
            "ON o.id = c.request_id AND o.state = 'ready' AND o.error IS NOT NULL "
            f"WHERE c.location = ? AND c.client_user_id IN ({rows.marks(len(some))}) "
            "AND c.state = 'open'",
            (location, *some),
        ):
            found[row[0]] = OpenChange(row[1], row[2], row[3], row[4])
    return found


def last(db: Connection, location: str, since: dict[str, float]) -> dict[str, LastChange]:
    """By clientUserId, how the newest request about a user ended, since the time given for it."""
    found: dict[str, LastChange] = {}
    names = list(since)
    for start in range(0, len(names), PIECE):
        some = rows.padded(names[start : start + PIECE])
        for row in db.execute(
            "SELECT client_user_id, kind, state, error_number, settled_at FROM user_changes "
            f"WHERE location = ? AND client_user_id IN ({rows.marks(len(some))}) "
            "AND state <> 'open' AND settled_at IS NOT NULL ORDER BY id",
            (location, *some),
        ):
            if row[4] < since[row[0]]:
                continue
            before = found.get(row[0])
            same = before is not None and before.kind == row[1] and before.state == "failed"
            failures = (before.failures if same and before is not None else 0) + 1
            found[row[0]] = LastChange(
                row[1], row[2], row[3], row[4], failures if row[2] == "failed" else 0
            )
    return found


def adopt(
    db: Connection, location: str, kind: str, client_user_ids: Collection[str]
) -> AppleRequest | None:
    """A request of ours without an eventId that asked this of all these users.

    A notification may come before the reply that names its eventId, or the reply may be lost. One
    that names a user of whom we did not ask that is about somebody else's event.
    """
    owners = {_owner(db, location, kind, each) for each in client_user_ids}
    request_id = owners.pop() if len(owners) == 1 else None
    return None if request_id is None else requests.get(db, request_id)


def _owner(db: Connection, location: str, kind: str, client_user_id: str) -> int | None:
    row = db.execute(
        "SELECT r.id FROM user_changes c JOIN apple_requests r ON r.id = c.request_id "
        "WHERE c.location = ? AND c.client_user_id = ? AND c.kind = ? AND c.state = 'open' "
        f"AND r.apple_event_id IS NULL AND r.state IN {SQL_UNNAMED}",
        (location, client_user_id, kind),
    ).fetchone()
    return None if row is None else int(row[0])


def doubtful(
    db: Connection, location: str, client_user_ids: Collection[str]
) -> dict[int, list[Change]]:
    """The requests in doubt that are about one of these users, with those of them they are of."""
    found: dict[int, list[Change]] = {}
    names = list(dict.fromkeys(client_user_ids))
    for start in range(0, len(names), PIECE):
        some = rows.padded(names[start : start + PIECE])
        for row in db.execute(
            "SELECT c.request_id, c.client_user_id, c.email, c.managed_apple_id "
            "FROM user_changes c JOIN apple_requests r ON r.id = c.request_id "
            f"WHERE c.location = ? AND c.client_user_id IN ({rows.marks(len(some))}) "
            "AND c.state = 'open' AND r.state = 'in_doubt' ORDER BY c.id",
            (location, *some),
        ):
            found.setdefault(row[0], []).append(Change(row[1], row[2], row[3]))
    return found
