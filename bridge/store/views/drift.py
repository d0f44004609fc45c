"""What may disagree, found by indexes: nothing is read of an install that is where it should be.

An install in one of `_AT_REST` has its licence, since whatever changes one of its facts marks it to
be decided anew (`dirty_at`). So of an asset that has as many licences in use as installs in these
states, and others with a licence, none is left over, and none of them is looked at.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain

from bridge.domain.drift import HeldLicence
from bridge.domain.model import Install
from bridge.domain.reasons.declaration import DECLARATION_REASONS
from bridge.domain.reasons.location import LOCATION_REASONS
from bridge.domain.vocabulary import PRICING_PARAMS
from bridge.store import rows
from bridge.store.commands.unknown import UnknownCommand
from bridge.store.database import Connection
from bridge.store.views.totals import InstallCount
from bridge.store.views.view import is_enrolment, is_user, user_of

Key = tuple[str, str]
"""A target and an adam id; empty for a device as a whole."""
Asset = tuple[str, str]
"""A location and an adam id, whatever the price."""

FIRST: Key = ("", "")

AT_REST = ("licensed", "sending", "sent", "acknowledged", "installing", "installed", "unconfirmed")
_AT_REST = rows.among(AT_REST)
_NEEDED = (
    "EXISTS (SELECT 1 FROM installs i WHERE i.target = a.target AND i.adam_id = a.adam_id "
    "AND i.desired = 1 AND i.location = a.location AND i.pricing_param = a.pricing_param "
    "AND i.client_user_id IS NULL) "
    f"OR ({is_user('a.target')} AND EXISTS (SELECT 1 FROM installs u "
    f"WHERE u.client_user_id = {user_of('a.target')} AND u.adam_id = a.adam_id "
    "AND u.desired = 1 AND u.location = a.location AND u.pricing_param = a.pricing_param))"
)
_GAVE_BACK = (
    "EXISTS (SELECT 1 FROM request_pairs p WHERE p.target = i.target AND p.adam_id = i.adam_id "
    "AND p.kind = 'DISASSOCIATE' AND p.state = 'confirmed' AND p.id > coalesce((SELECT max(q.id) "
    "FROM request_pairs q WHERE q.target = i.target AND q.adam_id = i.adam_id "
    "AND q.kind = 'ASSOCIATE'), 0))"
)
_DIRTY = "i.dirty_at > 0"
"""Of the index that has those alone: `IS NOT NULL` would be looked for along another."""
_COUNTED = (
    "i.adam_id = ? AND i.desired = 1 AND i.location = ? "
    f"AND i.pricing_param IN {rows.among(PRICING_PARAMS)} AND i.state = ? AND i.reason = ?"
)
"""The installs of one count, by the index along which it was counted."""
_TOLD = f"SELECT i.target, i.adam_id FROM installs i WHERE {_COUNTED}"
_UNLICENSED = (
    "NOT (i.client_user_id IS NULL AND EXISTS (SELECT 1 FROM assignments a "
    "WHERE a.location = i.location AND a.adam_id = i.adam_id "
    "AND a.pricing_param = i.pricing_param AND a.target = i.target))"
)
_LOST = f"{_TOLD} AND i.installed_at >= i.round_at AND {_UNLICENSED}"
_TAKEN = (
    f"{_TOLD} AND {_UNLICENSED} AND (i.installed_at >= i.round_at OR EXISTS "
    "(SELECT 1 FROM request_pairs p WHERE p.target = i.target AND p.adam_id = i.adam_id "
    "AND p.state = 'taken'))"
)
_NOWHERE = (
    "NOT EXISTS (SELECT 1 FROM devices d WHERE d.serial_number = i.target "
    "AND d.left_out_at IS NULL)"
)
_UNKNOWN = f"{_TOLD} AND {_NOWHERE}"
_OF_UNKNOWN = ("NOT_ENROLLED", "PLATFORM_UNKNOWN")
_OF_TAKEN = ("LICENSE_TAKEN", "TAKEN_AWAY")
_IN_THE_WAY = ("PAUSED", *LOCATION_REASONS)
_WITHOUT = ("NO_SEAT", "SEAT_PENDING", *_OF_TAKEN)
"""Reasons of installs that have no licence: none is looked for."""
_UNNEEDED = (
    "SELECT a.target, a.adam_id FROM assignments a WHERE a.location = ? AND a.adam_id = ? "
    f"AND NOT ({_NEEDED})"
)
_ALWAYS = (
    f"SELECT i.target, i.adam_id FROM installs i WHERE {_DIRTY} AND i.desired = 1",
    # What nobody wants any more, still managed without a licence, that was not given back by us.
    "SELECT i.target, i.adam_id FROM installs i JOIN devices d ON d.serial_number = i.target "
    "LEFT JOIN apps ON apps.adam_id = i.adam_id JOIN app_reports r ON r.device_id = d.id "
    "AND r.bundle_id = coalesce(i.bundle_id, apps.bundle_id) WHERE i.since > 0 AND i.desired = 0 "
    "AND i.state = 'removed' AND d.enrolled = 1 AND r.status = 'Managed' AND NOT EXISTS "
    "(SELECT 1 FROM assignments a WHERE a.target = i.target AND a.adam_id = i.adam_id) "
    f"AND NOT {_GAVE_BACK}",
    "SELECT serial_number AS target, '' AS adam_id FROM devices "
    "WHERE enrolled = 1 AND serial_number IS NOT NULL AND channel_of IS NULL "
    "GROUP BY serial_number HAVING count(DISTINCT server) > 1",
    "SELECT target, adam_id FROM unknown_commands",
)


@dataclass(frozen=True, slots=True)
class Suspects:
    """Where something may disagree, by what is counted: installs that are not at rest, or that
    declarations manage, and assets of which licences may be in use that no wish needs."""

    troubled: Sequence[InstallCount]
    leftover: Sequence[Asset]


@dataclass(frozen=True, slots=True)
class Record:
    """A device as one server has it."""

    serial_number: str
    server: str
    enrolment_id: str
    enrolled_at: float | None
    last_seen_at: float | None


def suspects(db: Connection, counts: Sequence[InstallCount], *, others: bool) -> Suspects:
    """Where to look, with `others` also for others' licences; `counts` are the installs as they are
    counted now."""
    troubled = [e for e in counts if e.state not in AT_REST or e.reason in DECLARATION_REASONS]
    needed = Counter[Asset]()
    for each in counts:
        if each.state in AT_REST:
            needed[each.location, each.adam_id] += each.count
    for location, adam_id, number in db.execute(
        f"SELECT i.location, i.adam_id, count(*) FROM installs i WHERE {_DIRTY} "
        f"AND i.desired = 1 AND i.state IN {_AT_REST} GROUP BY i.location, i.adam_id"
    ):
        needed[location, adam_id] -= number
    licensed = (
        "SELECT i.location, i.adam_id, count(*) FROM installs i JOIN assignments a "
        "ON a.location = i.location AND a.adam_id = i.adam_id "
        "AND a.pricing_param = i.pricing_param AND a.target = i.target WHERE i.desired = 1 AND "
    )
    by_place = " GROUP BY i.location, i.adam_id"
    found = [db.execute(f"{licensed}{_DIRTY} AND i.state IN {_AT_REST}{by_place}")]
    found += [
        db.execute(f"{licensed}{_COUNTED}{by_place}", _values(each))
        for each in troubled
        if each.state not in (*AT_REST, "associating") and each.reason not in _WITHOUT
    ]
    for location, adam_id, number in chain.from_iterable(found):
        needed[location, adam_id] += number
    of_users = {
        (row[0], row[1])
        for row in db.execute(
            "SELECT DISTINCT i.location, i.adam_id FROM installs i WHERE i.client_user_id > ''"
        )
    }
    held = db.execute(
        "SELECT location, adam_id, sum(held), sum(ours) FROM licences_held "
        "GROUP BY location, adam_id HAVING sum(held) > 0 ORDER BY location, adam_id"
    )
    leftover = [
        (location, adam_id)
        for location, adam_id, number, ours in held
        if others or ours
        if int(number) != needed[location, adam_id] or (location, adam_id) in of_users
    ]
    return Suspects(troubled, leftover)


def _source(count: InstallCount) -> str | None:
    """Which of the installs of one count are to be compared; None where nothing can disagree."""
    if count.state == "conflict" or count.reason in (*DECLARATION_REASONS, *_OF_TAKEN):
        return _TOLD
    if count.reason in _OF_UNKNOWN:
        return _UNKNOWN
    if count.state == "associating":
        return None
    return _TAKEN if count.reason in _IN_THE_WAY else _LOST


def wanted_unknown(db: Connection, where: Suspects) -> int:
    """How many apps are wanted for serial numbers that no server knows, of devices that are not
    expected, as far as that is decided."""
    number = 0
    for each in where.troubled:
        if each.reason in _OF_UNKNOWN:
            row = db.execute(
                f"SELECT count(*) FROM installs i WHERE {_COUNTED} AND {_NOWHERE} "
                f"AND NOT {is_enrolment('i.target')} AND NOT {is_user('i.target')} "
                "AND coalesce(i.on_hold, '') NOT IN ('NOT_PLANNED', 'HELD_BACK') "
                "AND i.options NOT LIKE '%before_enrolment%'",
                _values(each),
            ).fetchone()
            number += int(row[0])
    return number


def _values(count: InstallCount) -> tuple[str, str, str, str]:
    return count.adam_id, count.location, count.state, count.reason


def keys(
    db: Connection,
    after: Key,
    limit: int,
    where: Suspects,
    *,
    only: str | None = None,
    including: bool = False,
    with_unknown: bool = True,
) -> list[Key]:
    """What may disagree beyond the key `after`, or from it on (`including`), in order: at most
    `limit` apps on devices, or on one device `only`. Without `with_unknown` what is wanted for
    serial numbers that no server knows is left out: it is counted by itself."""
    beyond = ">=" if including else ">"
    alone, chosen = ("", ()) if only is None else (" AND target = ?", (only,))
    sources: list[tuple[str, tuple[str, ...]]] = [(source, ()) for source in _ALWAYS]
    sources += [
        (source, _values(each))
        for each in where.troubled
        if (source := _source(each)) is not None and (with_unknown or source != _UNKNOWN)
    ]
    sources += [(_UNNEEDED, asset) for asset in where.leftover]
    found: set[Key] = set()
    for source, values in sources:
        some = db.execute(
            f"WITH candidates (target, adam_id) AS MATERIALIZED ({source}) "
            "SELECT DISTINCT target, adam_id FROM candidates "
            f"WHERE (target, adam_id) {beyond} (?, ?){alone} ORDER BY target, adam_id LIMIT ?",
            (*values, *after, *chosen, limit),
        )
        found.update((row[0], row[1]) for row in some)
    return sorted(found)[:limit]


def licences(db: Connection, some: Sequence[Key]) -> dict[Key, list[HeldLicence]]:
    """Of these, the licences in use that no wish needs."""
    found: dict[Key, list[HeldLicence]] = {}
    rows_found = db.execute(
        f"{rows.asked(len(some))}SELECT a.location, a.adam_id, a.target, a.ours, a.confirmed_at, "
        "a.confirmed_by FROM asked CROSS JOIN assignments a WHERE a.target = asked.one "
        f"AND a.adam_id = asked.other AND NOT ({_NEEDED}) ORDER BY a.location, a.pricing_param",
        tuple(chain.from_iterable(some)),
    )
    for row in rows_found:
        found.setdefault((row["target"], row["adam_id"]), []).append(rows.read(HeldLicence, row))
    return found


def installs(db: Connection, some: Sequence[Key]) -> list[Install]:
    """The installs of these, as far as there are any."""
    found = db.execute(
        f"{rows.asked(len(some))}SELECT {rows.columns(Install, 'i.')} FROM asked "
        "CROSS JOIN installs i WHERE i.target = asked.one AND i.adam_id = asked.other",
        tuple(chain.from_iterable(some)),
    )
    return [rows.read(Install, row) for row in found]


def unknown_commands(db: Connection, targets: Sequence[str]) -> list[UnknownCommand]:
    """The commands for apps in the queues of these devices that are not the bridge's."""
    found = db.execute(
        f"SELECT {rows.columns(UnknownCommand)} FROM unknown_commands "
        f"WHERE target IN ({rows.marks(len(targets))}) ORDER BY since, command_uuid",
        tuple(targets),
    )
    return [rows.read(UnknownCommand, row) for row in found]


def records(db: Connection, serial_numbers: Sequence[str]) -> dict[str, list[Record]]:
    """By serial number, the records of its device at each server that has it enrolled, the one
    that was heard of last first."""
    found: dict[str, list[Record]] = {}
    for row in db.execute(
        f"SELECT {rows.columns(Record)} FROM (SELECT serial_number, server, "
        "coalesce(udid, enrollment_id) AS enrolment_id, enrolled_at, last_seen_at, enrolled, "
        "channel_of FROM devices) AS d WHERE enrolled = 1 AND channel_of IS NULL "
        f"AND serial_number IN ({rows.marks(len(serial_numbers))}) "
        "ORDER BY coalesce(last_seen_at, 0) DESC, server",
        tuple(serial_numbers),
    ):
        record = rows.read(Record, row)
        found.setdefault(record.serial_number, []).append(record)
    return found


def gone(db: Connection, targets: Sequence[str]) -> frozenset[str]:
    """Those of these serial numbers that no server knows: none showed it, or all that did leave
    it out of their lists."""
    known = db.execute(
        f"SELECT DISTINCT serial_number FROM devices WHERE left_out_at IS NULL "
        f"AND serial_number IN ({rows.marks(len(targets))})",
        tuple(targets),
    )
    return frozenset(targets) - {row[0] for row in known}


def enrolled(db: Connection, serial_numbers: Sequence[str]) -> list[str]:
    """Those of these serial numbers with which a device is enrolled, in order."""
    found = db.execute(
        "SELECT DISTINCT serial_number FROM devices WHERE enrolled = 1 "
        f"AND serial_number IN ({rows.marks(len(serial_numbers))}) ORDER BY serial_number",
        tuple(serial_numbers),
    )
    return [row[0] for row in found]


def one_offs(db: Connection, some: Sequence[Key]) -> frozenset[Key]:
    """Those of these that a person wished for beside the file, and the file does not."""
    found = db.execute(
        f"{rows.asked(len(some))}SELECT i.target, i.adam_id FROM asked CROSS JOIN installs i "
        "WHERE i.target = asked.one AND i.adam_id = asked.other AND i.desired_by = 'one-off'",
        tuple(chain.from_iterable(some)),
    )
    return frozenset((row[0], row[1]) for row in found)
