"""Users at Apple, one row for each location and clientUserId: as wanted, as told, as decided."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from bridge.domain.devices.targets import of_user
from bridge.domain.users.facts import ACTIVE, UserState
from bridge.store import rows
from bridge.store.database import Connection


@dataclass(frozen=True, slots=True)
class UserRow:
    """One user in one location.

    `email`, `email_from` and `managed_apple_id` are what Apple is to have; `told_*` what it took or
    showed; `status`, `id_hash` and `invite_code` what it said last, `heard_at` when. `ours` says
    that a request of ours made the user, `retire` that an apply wants it gone.
    """

    id: int
    location: str
    client_user_id: str
    wanted: bool
    retire: bool
    email: str | None
    email_from: str | None
    managed_apple_id: str | None
    told_email: str | None
    told_managed_apple_id: str | None
    status: str | None
    id_hash: str | None = field(repr=False)
    invite_code: str | None = field(repr=False)
    ours: bool
    heard_at: float | None
    state: UserState
    reason: str
    detail: str
    since: float
    round_at: float

    @property
    def is_active(self) -> bool:
        """Whether Apple has the user, as far as is known."""
        return self.status in ACTIVE

    @property
    def is_associated(self) -> bool:
        """Whether licences can be given to the user and used."""
        return self.status == "Associated"


DECIDE_JOB: Final = "decide_users"
"""The clock's job that decides the users of a location, without the location."""

_COLUMNS: Final = rows.columns(UserRow)
_KEY = "location = ? AND client_user_id = ?"
PIECE = 500
"""Users that are looked up at once."""


def get(db: Connection, location: str, client_user_id: str) -> UserRow | None:
    """One user of one location."""
    row = db.execute(
        f"SELECT {_COLUMNS} FROM users WHERE {_KEY}", (location, client_user_id)
    ).fetchone()
    return rows.read(UserRow, row) if row else None


def of(db: Connection, location: str, client_user_ids: Collection[str]) -> dict[str, UserRow]:
    """Those of these users that the location has a row of."""
    names, found = list(dict.fromkeys(client_user_ids)), dict[str, UserRow]()
    for start in range(0, len(names), PIECE):
        some = rows.padded(names[start : start + PIECE])
        for row in db.execute(
            f"SELECT {_COLUMNS} FROM users WHERE location = ? "
            f"AND client_user_id IN ({rows.marks(len(some))})",
            (location, *some),
        ):
            user = rows.read(UserRow, row)
            found[user.client_user_id] = user
    return found


def everywhere(db: Connection, client_user_id: str) -> list[UserRow]:
    """The rows of a user in all locations."""
    found = db.execute(
        f"SELECT {_COLUMNS} FROM users WHERE client_user_id = ? ORDER BY location",
        (client_user_id,),
    )
    return [rows.read(UserRow, row) for row in found]


def names(db: Connection) -> list[str]:
    """The clientUserIds of all users, each once."""
    found = db.execute("SELECT DISTINCT client_user_id FROM users ORDER BY client_user_id")
    return [row[0] for row in found]


def concerned(db: Connection) -> list[UserRow]:
    """All users that an apply wanted, or wants retired, or that a request of ours made."""
    found = db.execute(
        f"SELECT {_COLUMNS} FROM users WHERE wanted = 1 OR retire = 1 OR ours = 1 "
        "ORDER BY location, client_user_id"
    )
    return [rows.read(UserRow, row) for row in found]


def at(db: Connection, location: str) -> list[UserRow]:
    """All users of a location."""
    found = db.execute(
        f"SELECT {_COLUMNS} FROM users WHERE location = ? ORDER BY client_user_id", (location,)
    )
    return [rows.read(UserRow, row) for row in found]


def is_any_concerned(db: Connection, location: str) -> bool:
    """Whether Apple is to be asked about users of a location at all."""
    row = db.execute(
        "SELECT 1 FROM users WHERE location = ? AND (wanted = 1 OR retire = 1) LIMIT 1", (location,)
    ).fetchone()
    return row is not None


def locations(db: Connection) -> list[str]:
    """The locations that have users."""
    return [row[0] for row in db.execute("SELECT DISTINCT location FROM users ORDER BY location")]


def forget(db: Connection, ids: Iterable[int]) -> None:
    """Nobody wants these users, and Apple never had them."""
    db.executemany("DELETE FROM users WHERE id = ?", [(each,) for each in ids])


@dataclass(frozen=True, slots=True)
class WantedUser:
    """What an apply wants of one user in one location."""

    location: str
    client_user_id: str
    email: str | None
    email_from: str | None
    managed_apple_id: str | None


def want(db: Connection, wanted: Iterable[WantedUser], now: float) -> None:
    """Let these be as an apply wants them; who is so already stays untouched."""
    db.executemany(
        "INSERT INTO users (location, client_user_id, wanted, email, email_from, "
        "managed_apple_id, state, reason, since, created_at, updated_at, round_at, dirty_at) "
        "VALUES (?, ?, 1, ?, ?, ?, 'waiting', 'NEW', ?, ?, ?, ?, ?) "
        "ON CONFLICT (location, client_user_id) DO UPDATE SET wanted = 1, retire = 0, "
        "email = excluded.email, email_from = excluded.email_from, "
        "managed_apple_id = excluded.managed_apple_id, updated_at = excluded.updated_at, "
        "round_at = excluded.round_at, dirty_at = excluded.dirty_at "
        "WHERE users.wanted = 0 OR users.retire = 1 "
        "OR coalesce(users.email, '') <> coalesce(excluded.email, '') "
        "OR coalesce(users.email_from, '') <> coalesce(excluded.email_from, '') "
        "OR coalesce(users.managed_apple_id, '') <> coalesce(excluded.managed_apple_id, '')",
        [
            (u.location, u.client_user_id, u.email, u.email_from, u.managed_apple_id, *(now,) * 5)
            for u in wanted
        ],
    )


def want_no_more(
    db: Connection, keys: Iterable[tuple[str, str]], now: float, *, retire: bool
) -> None:
    """No apply wants these (location, clientUserId) any more; with `retire` they are to go."""
    db.executemany(
        "UPDATE users SET wanted = 0, retire = ?, updated_at = ?, round_at = ?, dirty_at = ? "
        f"WHERE {_KEY} AND (wanted = 1 OR retire <> ?)",
        [(int(retire), now, now, now, *key, int(retire)) for key in keys],
    )


def see(db: Connection, location: str, client_user_ids: Iterable[str], now: float) -> None:
    """Have a row for each of these users, whom Apple told of."""
    db.executemany(
        "INSERT INTO users (location, client_user_id, state, reason, since, created_at, "
        "updated_at, round_at) VALUES (?, ?, 'waiting', 'NEW', ?, ?, ?, ?) ON CONFLICT DO NOTHING",
        [(location, each, *(now,) * 4) for each in client_user_ids],
    )


def tell(
    db: Connection,
    location: str,
    told: Mapping[str, Mapping[str, Any]],
    *,
    by: str,
    now: float,
) -> None:
    """Keep what Apple said of these users: by clientUserId, the columns of what it told. They are
    to be decided anew. The names of columns come from code, never from outside."""
    for client_user_id, values in told.items():
        changes = {**values, "heard_at": now, "heard_by": by, "dirty_at": now, "updated_at": now}
        columns = ", ".join(f"{column} = ?" for column in changes)
        db.execute(
            f"UPDATE users SET {columns} WHERE {_KEY}",
            (*changes.values(), location, client_user_id),
        )


def heard(db: Connection, location: str, client_user_ids: Iterable[str], now: float) -> None:
    """Apple showed these users as they are known."""
    db.executemany(
        f"UPDATE users SET heard_at = ?, heard_by = 'read' WHERE {_KEY} "
        "AND coalesce(heard_at, 0) < ?",
        [(now, location, each, now) for each in client_user_ids],
    )


def touch(db: Connection, location: str, client_user_ids: Iterable[str], now: float) -> None:
    """Have these users decided anew."""
    db.executemany(
        f"UPDATE users SET dirty_at = ? WHERE {_KEY}",
        [(now, location, each) for each in client_user_ids],
    )


def touch_unsettled(db: Connection, location: str, now: float) -> int:
    """Have those users of a location decided anew of whom something is wanted; how many."""
    return db.execute(
        "UPDATE users SET dirty_at = ? WHERE location = ? AND (wanted = 1 OR retire = 1)",
        (now, location),
    ).rowcount


def retry(db: Connection, location: str, client_user_ids: Sequence[str], now: float) -> int:
    """Give users whose request failed another round; how many."""
    return db.executemany(
        f"UPDATE users SET round_at = ?, dirty_at = ? WHERE {_KEY} AND state = 'failed'",
        [(now, now, location, each) for each in client_user_ids],
    ).rowcount


def to_decide(db: Connection, location: str, now: float, limit: int) -> list[UserRow]:
    """The users of a location that are to be decided now, the first that were made."""
    found = db.execute(
        f"SELECT {_COLUMNS} FROM users WHERE location = ? "
        "AND (dirty_at IS NOT NULL OR next_check_at <= ?) ORDER BY id LIMIT ?",
        (location, now, limit),
    )
    return [rows.read(UserRow, row) for row in found]


@dataclass(frozen=True, slots=True)
class Decided:
    """What was decided of one user."""

    id: int
    state: UserState
    reason: str
    detail: str
    next_check_at: float | None


def decide(db: Connection, decided: Iterable[Decided], now: float) -> None:
    """Keep what was decided of users; since when stays where the state is the same."""
    db.executemany(
        "UPDATE users SET since = CASE WHEN state = ? AND reason = ? THEN since ELSE ? END, "
        "updated_at = CASE WHEN state = ? AND reason = ? AND detail = ? THEN updated_at ELSE ? END,"
        " state = ?, reason = ?, detail = ?, next_check_at = ?, dirty_at = NULL WHERE id = ?",
        [
            (
                *(d.state, d.reason, now),
                *(d.state, d.reason, d.detail, now),
                *(d.state, d.reason, d.detail, d.next_check_at, d.id),
            )
            for d in decided
        ],
    )


def next_check(db: Connection, location: str) -> float | None:
    """When a user of a location is decided next by the clock."""
    row = db.execute(
        "SELECT min(next_check_at) FROM users WHERE location = ? AND next_check_at IS NOT NULL",
        (location,),
    ).fetchone()
    return None if row[0] is None else float(row[0])


def not_shown(db: Connection, location: str, read_began_at: float) -> list[UserRow]:
    """The active users of a location whom a full read begun at that time did not show."""
    found = db.execute(
        f"SELECT {_COLUMNS} FROM users WHERE location = ? AND heard_at < ? "
        f"AND status IN {rows.among(sorted(ACTIVE))} ORDER BY id",
        (location, read_began_at),
    )
    return [rows.read(UserRow, row) for row in found]


def revocable(db: Connection, location: str, client_user_id: str) -> tuple[int, int]:
    """How many licences go back when a user is retired: those that we asked for, and those of
    others."""
    found = db.execute(
        "SELECT a.ours, count(*) FROM assignments a LEFT JOIN assets s ON s.location = a.location "
        "AND s.adam_id = a.adam_id AND s.pricing_param = a.pricing_param "
        "WHERE a.target = ? AND a.location = ? AND coalesce(s.revocable, 1) = 1 GROUP BY a.ours",
        (of_user(client_user_id), location),
    )
    counts = {bool(row[0]): int(row[1]) for row in found}
    return counts.get(True, 0), counts.get(False, 0)


def by_state(db: Connection) -> list[tuple[str, str, int]]:
    """How many users there are of whom something is wanted, by (location, state)."""
    found = db.execute(
        "SELECT location, state, count(*) FROM users WHERE wanted = 1 OR retire = 1 "
        "GROUP BY location, state ORDER BY location, state"
    )
    return [(row[0], row[1], row[2]) for row in found]


def own_devices(db: Connection, user_of: Mapping[str, str]) -> None:
    """Keep whose devices are whose: by target, the clientUserId."""
    db.execute("DELETE FROM user_devices")
    db.executemany(
        "INSERT INTO user_devices (target, client_user_id) VALUES (?, ?)", list(user_of.items())
    )


def devices_of(db: Connection, client_user_ids: Sequence[str]) -> dict[str, list[str]]:
    """By clientUserId, the targets of the devices of these users, in order."""
    found: dict[str, list[str]] = {each: [] for each in client_user_ids}
    for start in range(0, len(client_user_ids), PIECE):
        some = rows.padded(client_user_ids[start : start + PIECE])
        for row in db.execute(
            "SELECT client_user_id, target FROM user_devices "
            f"WHERE client_user_id IN ({rows.marks(len(some))}) ORDER BY target",
            some,
        ):
            found[row[0]].append(row[1])
    return found
