"""Installs: which app is desired on which device, and what was decided last."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain

from bridge.domain.decision import Decision, TakeSeat
from bridge.domain.devices.targets import user_of
from bridge.domain.installs.options import Options
from bridge.domain.model import Asset, Install, OnHold
from bridge.store import rows
from bridge.store.database import Connection
from bridge.store.installs import location_lists
from bridge.store.installs.states import SQL_SETTLED


@dataclass(frozen=True, slots=True)
class Wish:
    """One app on one device, as the file (or a person) wants it; `held` until an apply, or not."""

    serial_number: str
    asset: Asset
    location: str
    desired_by: str
    priority: int
    options: Options
    on_hold: OnHold | None = None
    fallbacks: tuple[str, ...] = ()


_ELSEWHERE = (
    "(installs.location <> excluded.location AND NOT EXISTS (SELECT 1 FROM location_lists l "
    "WHERE l.locations = excluded.locations AND l.location = installs.location))"
)
"""Of an install: whether its location is none of those of the new wish."""

_OTHERWISE = (
    f"(installs.desired = 0 OR installs.pricing_param <> excluded.pricing_param OR {_ELSEWHERE} "
    "OR installs.options <> excluded.options OR installs.priority <> excluded.priority "
    "OR coalesce(installs.on_hold, '') <> coalesce(excluded.on_hold, ''))"
)
"""Of an install: whether it is not desired yet as the new wish has it."""


def store(db: Connection, wishes: Iterable[Wish], now: float) -> int:
    """Make or change installs so that these wishes stand; what is as it was stays untouched.

    Returns how many changed. A wish for something that was no longer desired starts anew, and so
    does one that is wished for otherwise; who wishes for it alone makes no difference to it.
    """
    lists: set[tuple[str, ...]] = set()
    values = [_values(wish, now, lists) for wish in wishes]
    location_lists.store(db, lists)
    changed = db.executemany(
        "INSERT INTO installs (target, adam_id, pricing_param, location, locations, "
        "desired, desired_by, on_hold, options, priority, state, reason, round_at, since, "
        "created_at, updated_at, dirty_at) "
        "VALUES (?, ?, ?, ?, ?, 1, ?, ?, ?, ?, 'waiting', 'NEW', ?, ?, ?, ?, ?) "
        "ON CONFLICT (target, adam_id) DO UPDATE SET desired = 1, "
        "pricing_param = excluded.pricing_param, locations = excluded.locations, "
        f"location = CASE WHEN {_ELSEWHERE} THEN excluded.location ELSE installs.location END, "
        "desired_by = excluded.desired_by, on_hold = excluded.on_hold, options = excluded.options, "
        "priority = excluded.priority, updated_at = excluded.updated_at, "
        "created_at = CASE WHEN installs.desired = 0 THEN excluded.created_at "
        "ELSE installs.created_at END, "
        f"round_at = CASE WHEN {_OTHERWISE} THEN excluded.round_at ELSE installs.round_at END, "
        f"dirty_at = CASE WHEN {_OTHERWISE} OR installs.locations <> excluded.locations "
        "THEN excluded.dirty_at ELSE installs.dirty_at END "
        "WHERE installs.desired_by <> excluded.desired_by "
        f"OR installs.locations <> excluded.locations OR {_OTHERWISE}",
        values,
    )
    return changed.rowcount


def _values(wish: Wish, now: float, lists: set[tuple[str, ...]]) -> tuple[object, ...]:
    """What an install is made of; its locations are added to `lists`."""
    names = (wish.location, *wish.fallbacks)
    lists.add(names)
    return (
        wish.serial_number,
        wish.asset.adam_id,
        wish.asset.pricing_param,
        wish.location,
        location_lists.key(names),
        wish.desired_by,
        wish.on_hold,
        document(wish.options),
        wish.priority,
        *(now,) * 5,
    )


@lru_cache(maxsize=1024)
def document(options: Options) -> str:
    """The stored form of options; a fleet has few different ones."""
    return options.as_text()


def no_longer_wanted(db: Connection, pairs: Iterable[tuple[str, str]], now: float) -> None:
    """These (serial number, adam id) are not desired any more."""
    db.executemany(
        "UPDATE installs SET desired = 0, needs_seat = 0, dirty_at = ?, updated_at = ?, "
        "round_at = ? WHERE target = ? AND adam_id = ? "
        "AND desired = 1",
        [(now, now, now, serial_number, adam_id) for serial_number, adam_id in pairs],
    )


def desired_by(db: Connection, pairs: Iterable[tuple[str, str]], by: str) -> None:
    """These (serial number, adam id) stay desired as they are, by others than before."""
    db.executemany(
        "UPDATE installs SET desired_by = ? WHERE target = ? AND adam_id = ? AND desired = 1",
        [(by, serial_number, adam_id) for serial_number, adam_id in pairs],
    )


def learn_bundle_id(db: Connection, install_id: int, bundle_id: str) -> bool:
    """Keep how a device names its app in an answer; whether that is news."""
    changed = db.execute(
        "UPDATE installs SET bundle_id = ? WHERE id = ? AND coalesce(bundle_id, '') <> ?",
        (bundle_id, install_id, bundle_id),
    )
    return changed.rowcount > 0


def bundle_ids(db: Connection, serial_numbers: Sequence[str]) -> dict[str, frozenset[str]]:
    """By serial number, the bundle ids that the devices themselves named in answers."""
    found = db.execute(
        "SELECT target, bundle_id FROM installs "
        f"WHERE target IN ({rows.marks(len(serial_numbers))}) AND bundle_id IS NOT NULL",
        tuple(serial_numbers),
    )
    named: dict[str, set[str]] = {serial_number: set() for serial_number in serial_numbers}
    for row in found:
        named[row[0]].add(row[1])
    return {serial_number: frozenset(some) for serial_number, some in named.items()}


def dirty(db: Connection, limit: int) -> list[Install]:
    """Installs that something touched, the oldest touch first; of one touch, all of a device, then
    all of the next: licences are asked for of whole devices, and facts are read for them.
    """
    found = db.execute(
        f"SELECT {rows.columns(Install)} FROM installs WHERE dirty_at IS NOT NULL "
        "ORDER BY dirty_at, target, id LIMIT ?",
        (limit,),
    )
    return [rows.read(Install, row) for row in found]


def any_desired(db: Connection, location: str) -> bool:
    """Whether a wish uses this location, or may use it."""
    row = db.execute(
        "SELECT 1 FROM installs WHERE desired = 1 AND locations IN "
        "(SELECT locations FROM location_lists WHERE location = ?) LIMIT 1",
        (location,),
    ).fetchone()
    return row is not None


def any_dirty(db: Connection, location: str) -> bool:
    """Whether an install of this location is still to be decided."""
    row = db.execute(
        "SELECT 1 FROM installs WHERE dirty_at IS NOT NULL AND location = ? LIMIT 1", (location,)
    ).fetchone()
    return row is not None


def record(db: Connection, decisions: Sequence[tuple[Install, Decision]], now: float) -> None:
    """Keep what was decided; the installs are clean after this."""
    for part in rows.parts(len(decisions)):
        some = decisions[part]
        db.execute(
            "UPDATE installs SET since = new_since, updated_at = CASE WHEN state <> new_state "
            "OR reason <> new_reason OR detail <> new_detail THEN ? ELSE updated_at END, "
            "installed_at = CASE WHEN new_state = 'installed' THEN coalesce(installed_at, ?) "
            "WHEN new_reason = 'WAS_INSTALLED' THEN installed_at ELSE NULL END, "
            "state = new_state, reason = new_reason, detail = new_detail, "
            f"next_check_at = nullif(check_at, {rows.NEVER}), needs_seat = seat, "
            f"dirty_at = NULL FROM ({rows.asked(len(some), _DECIDED)}SELECT {_DECIDED} FROM asked) "
            "AS decided WHERE id = decided_id",
            (now, now, *chain.from_iterable(_decided(*each, now) for each in some)),
        )


_DECIDED = "decided_id, new_since, new_state, new_reason, new_detail, check_at, seat"


def _decided(install: Install, decision: Decision, now: float) -> tuple[object, ...]:
    """What was decided of an install, for `_DECIDED`."""
    return (
        install.id,
        _since(install, decision, now),
        decision.state,
        decision.reason,
        decision.detail,
        rows.NEVER if decision.recheck_at is None else decision.recheck_at,
        int(any(isinstance(step, TakeSeat) for step in decision.steps)),
    )


_THERE = frozenset({"INSTALLED", "INSTALLED_UNMANAGED", "WAS_INSTALLED"})


def _since(install: Install, decision: Decision, now: float) -> float:
    """Since when an install stands as it was decided: what was there before the bridge was restored
    has been there all the while."""
    same = (install.state, install.reason) == (decision.state, decision.reason)
    restored = "WAS_INSTALLED" in (install.reason, decision.reason)
    if same or (restored and {install.reason, decision.reason} <= _THERE):
        return install.since
    return now


def attempted(db: Connection, install_ids: Iterable[int]) -> None:
    """Another CommandUUID was made for each of these installs."""
    some = rows.padded(install_ids)
    db.execute(
        f"UPDATE installs SET attempts = attempts + 1 WHERE id IN ({rows.marks(len(some))})", some
    )


def postpone(db: Connection, install_id: int, until: float) -> None:
    """An install that could not be decided: leave it alone until then."""
    db.execute(
        "UPDATE installs SET dirty_at = NULL, next_check_at = ? WHERE id = ?", (until, install_id)
    )


def _touch(db: Connection, where: str, values: Sequence[object], now: float) -> int:
    changed = db.execute(
        f"UPDATE installs SET dirty_at = coalesce(dirty_at, ?) WHERE dirty_at IS NULL AND {where}",
        (now, *values),
    )
    return changed.rowcount


def touch_ids(db: Connection, install_ids: Sequence[int], now: float) -> None:
    """Mark these installs dirty."""
    db.executemany(
        "UPDATE installs SET dirty_at = coalesce(dirty_at, ?) WHERE id = ?",
        [(now, i) for i in install_ids],
    )


def touch_serials(db: Connection, serial_numbers: Iterable[str], now: float) -> None:
    """Mark every install of these devices dirty."""
    db.executemany(
        "UPDATE installs SET dirty_at = coalesce(dirty_at, ?) WHERE target = ?",
        [(now, serial_number) for serial_number in serial_numbers],
    )


def touch_pairs(db: Connection, pairs: Collection[tuple[str, str]], now: float) -> None:
    """Mark the installs of these (holder, adam id) dirty: of a user, those on all devices."""
    holders = list(pairs)
    for part in rows.parts(len(holders)):
        some = holders[part]
        db.execute(
            "UPDATE installs SET dirty_at = ? WHERE dirty_at IS NULL AND id IN "
            f"({rows.asked(len(some))}SELECT i.id FROM asked CROSS JOIN installs i "
            "WHERE i.target = asked.one AND i.adam_id = asked.other)",
            (now, *chain.from_iterable(some)),
        )
    of_users = [(user, adam_id) for holder, adam_id in pairs if (user := user_of(holder))]
    if of_users:
        db.executemany(
            "UPDATE installs SET dirty_at = coalesce(dirty_at, ?) "
            "WHERE client_user_id = ? AND adam_id = ?",
            [(now, *pair) for pair in of_users],
        )


def touch_user(db: Connection, client_user_id: str, now: float) -> int:
    """Mark the installs dirty that are made with a user's licences; how many."""
    return _touch(db, "client_user_id = ?", (client_user_id,), now)


def touch_location(db: Connection, location: str, now: float) -> int:
    """Mark every install of a location dirty."""
    return _touch(db, "location = ?", (location,), now)


def touch_waiting(db: Connection, location: str, now: float, adam_id: str | None = None) -> int:
    """Mark the installs of a location, or of one app there, dirty that wait; how many."""
    one_app = "" if adam_id is None else " AND adam_id = ?"
    values = (location,) if adam_id is None else (location, adam_id)
    return _touch(db, f"location = ? AND state = 'waiting'{one_app}", values, now)


def touch_unsettled(db: Connection, now: float, location: str | None = None) -> int:
    """Mark the installs dirty, of a location or all, that are on their way; how many."""
    at = "" if location is None else " AND location = ?"
    values = () if location is None else (location,)
    return _touch(db, f"state NOT IN {SQL_SETTLED}{at}", values, now)


def unsettled(db: Connection, after: int, limit: int) -> list[int]:
    """The ids of installs that are on their way and not dirty, in order, beyond the id `after`."""
    found = db.execute(
        f"SELECT id FROM installs WHERE id > ? AND dirty_at IS NULL AND state NOT IN {SQL_SETTLED} "
        "ORDER BY id LIMIT ?",
        (after, limit),
    )
    return [row[0] for row in found]


def touch_app(db: Connection, adam_id: str, now: float) -> int:
    """An app's bundle id is news: mark its installs dirty, and those that an entry of unknown
    origin holds up, since it may be this app's.
    """
    return _touch(db, "(adam_id = ? OR reason = 'BUNDLE_ID_UNKNOWN')", (adam_id,), now)


def touch_behind_probe(db: Connection, adam_id: str, now: float) -> int:
    """Mark the installs of an app dirty that wait for what its probe learns."""
    return _touch(db, "adam_id = ? AND reason = 'BUNDLE_ID_SCOUT'", (adam_id,), now)


def touch_due(db: Connection, now: float, limit: int) -> int:
    """Mark installs dirty whose decision the clock alone may have changed."""
    return _touch(
        db,
        "id IN (SELECT id FROM installs WHERE next_check_at <= ? AND dirty_at IS NULL "
        "ORDER BY next_check_at LIMIT ?)",
        (now, limit),
        now,
    )


def get(db: Connection, serial_number: str, adam_id: str) -> Install | None:
    """One install."""
    row = db.execute(
        f"SELECT {rows.columns(Install)} FROM installs WHERE target = ? AND adam_id = ?",
        (serial_number, adam_id),
    ).fetchone()
    return rows.read(Install, row) if row else None


def by_id(db: Connection, install_id: int) -> Install | None:
    """One install by its internal id."""
    row = db.execute(
        f"SELECT {rows.columns(Install)} FROM installs WHERE id = ?", (install_id,)
    ).fetchone()
    return rows.read(Install, row) if row else None


def by_state(db: Connection) -> list[tuple[str, str, int]]:
    """How many desired installs there are by (adam id, state)."""
    found = db.execute(
        "SELECT adam_id, state, count(*) FROM installs WHERE desired = 1 "
        "GROUP BY adam_id, state ORDER BY adam_id, state"
    )
    return [(row[0], row[1], row[2]) for row in found]


def leave_by(db: Connection, pairs: Iterable[tuple[str, str]], options: Options) -> None:
    """These are about to be desired no more, under the options that the app has now."""
    db.executemany(
        "UPDATE installs SET options = ? WHERE target = ? AND adam_id = ?",
        [(document(options), *pair) for pair in pairs],
    )
