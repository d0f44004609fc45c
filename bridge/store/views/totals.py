"""What is counted for people: installs, licences, devices and queues at a glance."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from bridge.domain.devices.targets import enrolment_of
from bridge.store import rows
from bridge.store.commands import states as command_states
from bridge.store.database import Connection
from bridge.store.devices.devices import target_of
from bridge.store.licences import states as licence_states


@dataclass(frozen=True, slots=True)
class InstallCount:
    """How many desired installs of an app are in one state for one reason."""

    adam_id: str
    location: str
    state: str
    reason: str
    count: int


@dataclass(frozen=True, slots=True)
class LicenceCount:
    """One asset: Apple's counts as last read, and who holds its licences.

    `owned` counts devices that Apple lists, `owned_by_us` those of them that we asked for,
    `desired` the installs that want it. The counts are None for what Apple does not list.
    """

    location: str
    adam_id: str
    pricing_param: str
    total: int | None
    available: int | None
    retired: int | None
    unlimited: bool
    owned: int
    owned_by_us: int
    desired: int
    read_at: float | None


@dataclass(frozen=True, slots=True)
class DeviceCount:
    """The devices of one MDM server; `nameless` are enrolled without a known serial number."""

    server: str
    known: int
    enrolled: int
    nameless: int


_OPEN_COMMANDS = (
    "state = 'ready'",
    f"state IN {command_states.SQL_IN_QUEUE}",
    "state = 'in_doubt'",
)
"""The states of commands that are not answered, by the index that has them."""


def installs(db: Connection, adam_id: str | None = None) -> list[InstallCount]:
    """Wanted installs by app, state and reason; of one app, or of all.

    `desired > 0` keeps the index's order for grouping, which `= 1` does not.
    """
    only, values = _only(adam_id)
    found = db.execute(
        "SELECT adam_id, location, state, reason, sum(count) AS count FROM ("
        f"SELECT adam_id, desired, location, state, reason, count(*) AS count FROM installs {only} "
        "GROUP BY adam_id, desired, location, pricing_param, state, reason) AS counted "
        "WHERE desired > 0 "
        "GROUP BY adam_id, location, state, reason "
        "ORDER BY adam_id, location, sum(count) DESC",
        values,
    )
    return [rows.read(InstallCount, row) for row in found]


def of_reasons(db: Connection, reasons: Iterable[str]) -> list[InstallCount]:
    """Wanted installs that are so for one of these reasons, words of the bridge's own, by app and
    state. Each that an alert is about has an index, in which no other install stands."""
    found: list[InstallCount] = []
    for reason in reasons:
        some = db.execute(
            "SELECT adam_id, location, state, reason, count(*) AS count FROM installs "
            f"WHERE reason = '{reason}' AND desired > 0 "
            "GROUP BY adam_id, location, state, reason "
            "ORDER BY adam_id, location, state, reason"
        )
        found += [rows.read(InstallCount, row) for row in some]
    return found


@dataclass(frozen=True, slots=True)
class LongInDoubt:
    """Calls to one MDM server or location of which nobody knows whether they were done, for long:
    how many, and since when the first of them."""

    scope: str
    count: int
    since: float


def commands_long_in_doubt(db: Connection, before: float) -> list[LongInDoubt]:
    """By MDM server, the commands that are in doubt since before this."""
    found = db.execute(
        "SELECT server, count(*), min(in_doubt_at) FROM commands "
        "WHERE state = 'in_doubt' AND in_doubt_at < ? GROUP BY server ORDER BY server",
        (before,),
    )
    return [LongInDoubt(*row) for row in found]


def requests_long_in_doubt(db: Connection, before: float) -> list[LongInDoubt]:
    """By location, the requests to Apple that are in doubt and were sent before this."""
    found = db.execute(
        "SELECT location, count(*), min(submitted_at) FROM apple_requests "
        "WHERE state = 'in_doubt' AND submitted_at < ? GROUP BY location ORDER BY location",
        (before,),
    )
    return [LongInDoubt(*row) for row in found]


def not_desired(db: Connection) -> int:
    """How many installs are kept though nobody wants them any more."""
    return int(db.execute("SELECT count(*) FROM installs WHERE desired = 0").fetchone()[0])


def _only(adam_id: str | None) -> tuple[str, tuple[str, ...]]:
    return ("", ()) if adam_id is None else ("WHERE adam_id = ?", (adam_id,))


def licences(db: Connection, adam_id: str | None = None) -> list[LicenceCount]:
    """Every asset that a location owns or an install wants; of one app, or of all."""
    only, values = _only(adam_id)
    found = db.execute(
        "WITH wishes AS (SELECT location, adam_id, pricing_param, wanted FROM "
        "(SELECT location, adam_id, pricing_param, desired, count(*) AS wanted FROM installs "
        f"{only} GROUP BY adam_id, desired, location, pricing_param) AS counted "
        "WHERE desired > 0), "
        f"keys AS (SELECT location, adam_id, pricing_param FROM assets {only} "
        "UNION SELECT location, adam_id, pricing_param FROM wishes) "
        "SELECT location, adam_id, pricing_param, total, available, retired, "
        "coalesce(unlimited, 0) AS unlimited, coalesce(held, 0) AS owned, "
        "coalesce(ours, 0) AS owned_by_us, coalesce(wanted, 0) AS desired, read_at FROM keys "
        "LEFT JOIN assets USING (location, adam_id, pricing_param) "
        "LEFT JOIN licences_held USING (location, adam_id, pricing_param) "
        "LEFT JOIN wishes USING (location, adam_id, pricing_param) "
        "ORDER BY location, adam_id, pricing_param",
        values * 2,
    )
    return [rows.read(LicenceCount, row) for row in found]


def devices(db: Connection) -> list[DeviceCount]:
    """How many devices each MDM server has shown."""
    found = db.execute(
        "SELECT server, count(*) AS known, sum(coalesce(enrolled, 0)) AS enrolled, "
        "count(CASE WHEN enrolled = 1 AND serial_number IS NULL THEN 1 END) AS nameless "
        "FROM devices WHERE channel_of IS NULL GROUP BY server ORDER BY server"
    )
    return [rows.read(DeviceCount, row) for row in found]


def open_commands(db: Connection) -> Mapping[str, int]:
    """How many commands that are not answered there are, by state."""
    found = db.execute(
        " UNION ALL ".join(
            f"SELECT state, count(*) FROM commands WHERE {part} GROUP BY state"
            for part in _OPEN_COMMANDS
        )
    )
    return {row[0]: row[1] for row in found}


def open_requests(db: Connection) -> Mapping[str, int]:
    """How many requests to Apple that are not settled there are, by state."""
    found = db.execute(
        "SELECT state, count(*) FROM apple_requests "
        f"WHERE state IN {licence_states.SQL_OPEN} GROUP BY state"
    )
    return {row[0]: row[1] for row in found}


def has_message(db: Connection, source: str, origin: str, message_id: str) -> bool:
    """Whether a message came in."""
    row = db.execute(
        "SELECT 1 FROM seen_messages WHERE source = ? AND origin = ? AND kind = '' "
        "AND message_id = ?",
        (source, origin, message_id),
    ).fetchone()
    return row is not None


def knows_device(db: Connection, named: str) -> bool:
    """Whether an MDM server has shown this serial number or user enrolment, or an app is or was
    desired on it."""
    target = target_of(db, named)
    if enrolment_of(target) is not None:
        return True
    row = db.execute(
        "SELECT EXISTS (SELECT 1 FROM devices WHERE serial_number = ?) "
        "OR EXISTS (SELECT 1 FROM installs WHERE target = ?)",
        (target, target),
    ).fetchone()
    return bool(row[0])


def knows_app(db: Connection, adam_id: str) -> bool:
    """Whether an app is or was desired, or a location owns it."""
    row = db.execute(
        "SELECT EXISTS (SELECT 1 FROM installs WHERE adam_id = ?) "
        "OR EXISTS (SELECT 1 FROM assets WHERE adam_id = ?) "
        "OR EXISTS (SELECT 1 FROM apps WHERE adam_id = ?)",
        (adam_id, adam_id, adam_id),
    ).fetchone()
    return bool(row[0])
