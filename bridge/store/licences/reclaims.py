"""Licences of devices that may be gone: what is known of them, what went back, what is held."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from bridge.domain.model import Asset, Install, Pair
from bridge.domain.policy import DAY
from bridge.domain.reclaim.verdict import Record
from bridge.domain.reclaim.watch import Watch
from bridge.store import rows
from bridge.store.database import Connection


@dataclass(frozen=True, slots=True)
class Ours:
    """A licence that the bridge got for a device, and since when it is there."""

    location: str
    adam_id: str
    pricing_param: str
    target: str
    confirmed_at: float

    @property
    def pair(self) -> Pair:
        """What Apple counts."""
        return Pair(Asset(self.adam_id, self.pricing_param), self.target)


@dataclass(frozen=True, slots=True)
class Hold:
    """So many licences of a location wait for a person's word since then; `looked_at` is when one
    was last found to be due."""

    location: str
    since: float
    looked_at: float
    licences: int
    why: str


@dataclass(frozen=True, slots=True)
class GivenBack:
    """One licence that was given back, when and by whom, and what showed that it may be."""

    at: float
    done_by: str
    location: str
    adam_id: str
    pricing_param: str
    target: str
    kind: str
    why: str


_OF_OURS = rows.plain(Ours)


def records(
    db: Connection, serial_numbers: Sequence[str], watches: Mapping[str, Watch]
) -> dict[str, list[Record]]:
    """By serial number, what each MDM server knew of the device."""
    some = rows.padded(serial_numbers)
    found = db.execute(
        "SELECT serial_number, server, enrolled, authenticate_stamp, token_stamp, checkout_stamp, "
        "unenrolled_at, left_out_at, last_seen_at, moved_to FROM devices "
        f"WHERE serial_number IN ({rows.marks(len(some))}) ORDER BY id",
        some,
    ).fetchall()
    together: dict[tuple[str, float], tuple[int, int]] = {}
    by_serial: dict[str, list[Record]] = defaultdict(list)
    for row in found:
        server, left_out_at = row["server"], row["left_out_at"]
        with_, of_all = 0, 0
        if left_out_at is not None:
            key = server, left_out_at
            together[key] = together.get(key) or _together(db, *key)
            with_, of_all = together[key]
        enrolled = None if row["enrolled"] is None else bool(row["enrolled"])
        began, token, left = (
            row[each] or 0.0 for each in ("authenticate_stamp", "token_stamp", "checkout_stamp")
        )
        by_serial[row["serial_number"]].append(
            Record(
                server=server,
                enrolled=enrolled,
                is_enrolling=not enrolled and began > max(token, left),
                checked_out=left > 0.0 and left >= max(began, token),
                unenrolled_at=row["unenrolled_at"],
                left_out_at=left_out_at,
                last_seen_at=row["last_seen_at"],
                moved_to=row["moved_to"],
                watch=watches.get(server),
                left_out_with=with_,
                of_all=of_all,
            )
        )
    return by_serial


def _together(db: Connection, server: str, at: float) -> tuple[int, int]:
    """How many devices a server's list left out within a day of that, and how many it had."""
    left = db.execute(
        "SELECT count(*) FROM devices WHERE server = ? AND left_out_at >= ? AND left_out_at <= ?",
        (server, at - DAY, at + DAY),
    ).fetchone()[0]
    every = db.execute(
        "SELECT count(*) FROM devices WHERE server = ? AND udid IS NOT NULL", (server,)
    ).fetchone()[0]
    return left, every


def ours(db: Connection, serial_numbers: Sequence[str]) -> dict[str, list[Ours]]:
    """By serial number, the licences of these devices that the bridge got."""
    some = rows.padded(serial_numbers)
    found = db.execute(
        f"SELECT {_OF_OURS} FROM assignments WHERE target IN ({rows.marks(len(some))}) "
        "AND ours = 1 ORDER BY target, adam_id",
        some,
    )
    by_serial: dict[str, list[Ours]] = defaultdict(list)
    for row in found:
        by_serial[row["target"]].append(Ours(*row))
    return by_serial


def maybe_gone(db: Connection, *, unenrolled: bool, silent_since: float | None) -> list[str]:
    """The serial numbers with a licence of ours whose device counts as not enrolled, or was not
    heard of since then, at any of its servers."""
    found = db.execute(
        "SELECT DISTINCT target FROM assignments JOIN devices ON serial_number = target "
        "WHERE ours = 1 AND moved_to IS NULL "
        "AND ((? = 1 AND coalesce(enrolled, 0) = 0) OR coalesce(last_seen_at, ?) <= ?) "
        "ORDER BY target",
        (int(unenrolled), silent_since or 0.0, -1.0 if silent_since is None else silent_since),
    )
    return [row[0] for row in found]


def installs_of(db: Connection, targets: Sequence[str]) -> dict[tuple[str, str], Install]:
    """The installs of these devices, by target and adam id."""
    some = rows.padded(targets)
    found = db.execute(
        f"SELECT {rows.columns(Install)} FROM installs WHERE target IN ({rows.marks(len(some))})",
        some,
    )
    read = (rows.read(Install, row) for row in found)
    return {(each.target, each.adam_id): each for each in read}


def note(db: Connection, done: Iterable[GivenBack]) -> None:
    """Keep what was given back."""
    db.executemany(
        f"INSERT INTO reclaims ({rows.columns(GivenBack)}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        [
            (g.at, g.done_by, g.location, g.adam_id, g.pricing_param, g.target, g.kind, g.why)
            for g in done
        ],
    )


def lately(db: Connection, location: str, since: float) -> int:
    """How many licences of a location went back by policy since then."""
    row = db.execute(
        "SELECT count(*) FROM reclaims WHERE location = ? AND done_by = 'policy' AND at >= ?",
        (location, since),
    ).fetchone()
    return int(row[0])


def newest(db: Connection, target: str, adam_id: str | None = None) -> list[GivenBack]:
    """What was given back of a device, or of an app there, the newest first."""
    where = "" if adam_id is None else " AND adam_id = ?"
    found = db.execute(
        f"SELECT {rows.columns(GivenBack)} FROM reclaims WHERE target = ?{where} "
        "ORDER BY id DESC LIMIT 20",
        (target,) if adam_id is None else (target, adam_id),
    )
    return [rows.read(GivenBack, row) for row in found]


def in_use(db: Connection, location: str) -> int:
    """How many licences of a location are in use."""
    row = db.execute(
        "SELECT coalesce(sum(held), 0) FROM licences_held WHERE location = ?", (location,)
    ).fetchone()
    return int(row[0])


def holds(db: Connection) -> dict[str, Hold]:
    """The locations whose licences wait for a person's word."""
    found = db.execute(f"SELECT {rows.columns(Hold)} FROM reclaim_holds ORDER BY location")
    return {row[0]: rows.read(Hold, row) for row in found}


def hold(db: Connection, location: str, licences: int, why: str, now: float) -> None:
    """Have a location's licences wait for a person's word, since now unless they do already."""
    db.execute(
        "INSERT INTO reclaim_holds (location, since, looked_at, licences, why) "
        "VALUES (?, ?, ?, ?, ?) ON CONFLICT (location) DO UPDATE SET "
        "looked_at = excluded.looked_at, licences = excluded.licences, why = excluded.why",
        (location, now, now, licences, why),
    )


def let_go(db: Connection, location: str) -> bool:
    """No licence of a location waits any more; whether one did."""
    gone = db.execute("DELETE FROM reclaim_holds WHERE location = ?", (location,))
    return gone.rowcount > 0
