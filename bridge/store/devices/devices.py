"""Devices, correlated by upsert: a known serial number is never overwritten with nothing."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from bridge.domain.devices.first import First
from bridge.domain.devices.targets import enrolment_of, of_enrolment, user_of
from bridge.domain.model import Device
from bridge.store import rows
from bridge.store.database import Connection
from bridge.store.devices import channels

_FACTS = frozenset(
    {
        "serial_number",
        "name",
        "product_name",
        "model",
        "os_version",
        "build_version",
    }
)

ENROLMENT_ID = "coalesce(d.channel_id, d.udid, d.enrollment_id)"
"""`Device.enrolment_id` of `devices d`, as SQL."""

_USER_ENROLLED = "serial_number IS NULL AND udid IS NULL"
"""Of a device with an enrolment id: whether that is all that it is known by."""

_NEWEST_LAST = "ORDER BY coalesce(enrolled, 0), coalesce(enrolled_at, 0), id"
"""One serial number may have had several UDIDs: the one that counts comes last."""


def by_id(db: Connection, device_id: int) -> Device | None:
    """One device by its internal id."""
    row = db.execute(f"SELECT {rows.columns(Device)} FROM devices WHERE id = ?", (device_id,))
    found = row.fetchone()
    device = rows.read(Device, found) if found else None
    if device is None or device.channel_of is None:
        return device
    of = by_id(db, device.channel_of)
    return device if of is None else channels.on(device, of)


def find(db: Connection, server: str, udid: str) -> Device | None:
    """The device with this UDID, if its server ever showed it."""
    row = db.execute(
        f"SELECT {rows.columns(Device)} FROM devices WHERE server = ? AND udid = ?", (server, udid)
    ).fetchone()
    return rows.read(Device, row) if row else None


def current(db: Connection, serial_numbers: Sequence[str]) -> dict[str, Device]:
    """For each serial number, or other target, the device that carries it now.

    One serial number may have had several UDIDs (a board swapped, a server changed): the
    enrolled one counts, then the one enrolled last.
    """
    found = db.execute(
        f"SELECT {rows.columns(Device)} FROM devices "
        f"WHERE serial_number IN ({rows.marks(len(serial_numbers))}) {_NEWEST_LAST}",
        tuple(serial_numbers),
    )
    known = {row["serial_number"]: rows.read(Device, row) for row in found}
    ids = [each for target in serial_numbers if (each := enrolment_of(target)) is not None]
    return known if not ids else known | _user_enrolled(db, ids)


def _user_enrolled(db: Connection, enrollment_ids: Sequence[str]) -> dict[str, Device]:
    """By target, the user enrolments with these ids; of several the one that enrolled last."""
    found = db.execute(
        f"SELECT {rows.columns(Device)} FROM devices WHERE {_USER_ENROLLED} "
        f"AND enrollment_id IN ({rows.marks(len(enrollment_ids))}) {_NEWEST_LAST}",
        tuple(enrollment_ids),
    )
    return {of_enrolment(row["enrollment_id"]): rows.read(Device, row) for row in found}


def target_of(db: Connection, named: str) -> str:
    """What a person calls a device, as installs do: a serial number in any case, the enrolment id
    of a user enrolment as it is; and so a user, `user:` and the clientUserId."""
    if enrolment_of(named) is not None or user_of(named) is not None:
        return named
    known = db.execute(
        f"SELECT 1 FROM devices WHERE enrollment_id = ? AND {_USER_ENROLLED}", (named,)
    ).fetchone()
    return named.upper() if known is None else of_enrolment(named)


def ensure(
    db: Connection, server: str, *, udid: str | None, enrollment_id: str | None, now: float
) -> Device:
    """The device of this identity, made if it was never seen; one of the two ids is needed."""
    key, value = ("udid", udid) if udid is not None else ("enrollment_id", enrollment_id)
    select = f"SELECT {rows.columns(Device)} FROM devices WHERE server = ? AND {key} = ?"
    row = db.execute(select, (server, value)).fetchone()
    if row is None:
        db.execute(
            f"INSERT INTO devices (server, {key}, created_at) VALUES (?, ?, ?)",
            (server, value, now),
        )
        row = db.execute(select, (server, value)).fetchone()
    return rows.read(Device, row)


def elsewhere(db: Connection, device: Device) -> list[Device]:
    """The records of the same device at other servers, but for those that it has left."""
    found = db.execute(
        f"SELECT {rows.columns(Device)} FROM devices "
        "WHERE udid = ? AND server <> ? AND moved_to IS NULL ORDER BY id",
        (device.udid, device.server),
    )
    return [rows.read(Device, row) for row in found]


def inherit(db: Connection, device: Device, other: Device) -> None:
    """What the device said of itself at another server is known here, until it says it anew."""
    known = {fact: getattr(other, fact) for fact in sorted(_FACTS)}
    missing = {k: v for k, v in known.items() if v and getattr(device, k) is None}
    if missing:
        update(db, device.id, **missing)
    db.execute(
        "INSERT INTO first_facts (device_id, fact, value, learnt_at) "
        "SELECT ?, fact, value, learnt_at FROM first_facts WHERE device_id = ? "
        "ON CONFLICT (device_id, fact) DO UPDATE SET value = excluded.value, "
        "learnt_at = excluded.learnt_at WHERE excluded.learnt_at < first_facts.learnt_at",
        (device.id, other.id),
    )


def moves(db: Connection, serial_number: str) -> list[Device]:
    """The records that a device left for another server, by the time at which it did."""
    found = db.execute(
        f"SELECT {rows.columns(Device)} FROM devices "
        "WHERE serial_number = ? AND moved_to IS NOT NULL ORDER BY moved_at",
        (serial_number,),
    )
    return [rows.read(Device, row) for row in found]


def learn(db: Connection, device_id: int, facts: Mapping[str, str | None], now: float) -> None:
    """Keep what a device said of itself; what it left out stays as it was."""
    known = {k: v for k, v in facts.items() if v and k in _FACTS}
    if known:
        assignments = ", ".join(f"{column} = ?" for column in known)
        db.execute(f"UPDATE devices SET {assignments} WHERE id = ?", (*known.values(), device_id))
        db.executemany(
            "INSERT INTO first_facts (device_id, fact, value, learnt_at) VALUES (?, ?, ?, ?) "
            "ON CONFLICT DO NOTHING",
            [(device_id, fact, value, now) for fact, value in known.items()],
        )


def firsts(db: Connection, device_id: int) -> dict[str, First]:
    """What a device first said of itself, by the name of the fact."""
    found = db.execute(
        "SELECT fact, value, learnt_at FROM first_facts WHERE device_id = ?", (device_id,)
    )
    return {row[0]: First(row[1], row[2]) for row in found}


def stamps(db: Connection, device_id: int) -> tuple[float | None, float | None, float | None]:
    """The server's own times of the newest Authenticate, TokenUpdate and CheckOut.

    They order two webhooks of one device, whatever order they arrived in.
    """
    row = db.execute(
        "SELECT authenticate_stamp, token_stamp, checkout_stamp FROM devices WHERE id = ?",
        (device_id,),
    ).fetchone()
    return row[0], row[1], row[2]


def update(db: Connection, device_id: int, **values: Any) -> None:
    """Set columns of one device. The names come from code, never from outside."""
    assignments = ", ".join(f"{column} = ?" for column in values)
    db.execute(f"UPDATE devices SET {assignments} WHERE id = ?", (*values.values(), device_id))


def forget_lists(db: Connection) -> None:
    """What every device listed is out of date: each is asked before anything is sent to it."""
    db.execute("UPDATE devices SET apps_enrolment = NULL")
    db.execute("DELETE FROM installed_apps")


def nameless(db: Connection, server: str, asked_before: float, limit: int) -> list[Device]:
    """Enrolled devices whose serial number is not known and was not asked for lately.

    One that answered since it enrolled, and has none to tell, is not asked for ever.
    """
    found = db.execute(
        f"SELECT {rows.columns(Device)} FROM devices WHERE server = ? AND serial_number IS NULL "
        "AND udid IS NOT NULL AND enrolled = 1 AND coalesce(serial_asked_at, 0) < ? "
        "AND (claimed_serial IS NULL OR coalesce(facts_at, 0) < coalesce(enrolled_at, 0)) LIMIT ?",
        (server, asked_before, limit),
    )
    return [rows.read(Device, row) for row in found]


def carrying(db: Connection, serial_number: str, *, besides: int) -> list[Device]:
    """The other enrolled devices with this serial number."""
    found = db.execute(
        f"SELECT {rows.columns(Device)} FROM devices "
        "WHERE serial_number = ? AND enrolled = 1 AND id <> ? ORDER BY id",
        (serial_number, besides),
    )
    return [rows.read(Device, row) for row in found]


def without_a_real_serial(db: Connection) -> list[Device]:
    """Enrolled devices that tell something in place of a serial number."""
    found = db.execute(
        f"SELECT {rows.columns(Device)} FROM devices WHERE serial_number IS NULL "
        "AND claimed_serial IS NOT NULL AND enrolled = 1 ORDER BY server, id"
    )
    return [rows.read(Device, row) for row in found]


def sharing_serials(db: Connection) -> dict[str, list[Device]]:
    """By serial number, the enrolled devices where several carry one."""
    found = db.execute(
        f"SELECT {rows.columns(Device)} FROM devices WHERE enrolled = 1 AND serial_number IN "
        "(SELECT serial_number FROM devices WHERE enrolled = 1 AND serial_number IS NOT NULL "
        "GROUP BY serial_number HAVING count(*) > 1) ORDER BY serial_number, id"
    )
    shared: dict[str, list[Device]] = {}
    for row in found:
        shared.setdefault(row["serial_number"], []).append(rows.read(Device, row))
    return shared


def askable(db: Connection, server: str, *, facts_asked_before: float) -> list[Device]:
    """A server's enrolled devices with a serial number that were not asked for facts since then."""
    found = db.execute(
        f"SELECT {rows.columns(Device)} FROM devices WHERE server = ? AND enrolled = 1 "
        "AND udid IS NOT NULL AND serial_number IS NOT NULL "
        "AND coalesce(facts_asked_at, 0) < ? ORDER BY id",
        (server, facts_asked_before),
    )
    return [rows.read(Device, row) for row in found]


def last_described(
    db: Connection, server: str, *, before: float, seen_since: float
) -> list[Device]:
    """A server's enrolled devices that were asked for facts, answered or enrolled before then
    only, and that were seen since `seen_since`. Those that never told what they are, are left out.
    """
    found = db.execute(
        f"SELECT {rows.columns(Device)} FROM devices WHERE server = ? AND enrolled = 1 "
        "AND udid IS NOT NULL AND serial_number IS NOT NULL "
        "AND product_name IS NOT NULL "
        "AND coalesce(facts_asked_at, 0) < ? AND coalesce(facts_at, 0) < ? "
        "AND coalesce(enrolled_at, 0) < ? AND coalesce(last_seen_at, 0) >= ? ORDER BY id",
        (server, before, before, before, seen_since),
    )
    return [rows.read(Device, row) for row in found]


def by_serial(db: Connection) -> dict[str, Device]:
    """Every device with a serial number, by it; of several with the same one as `current`."""
    found = db.execute(
        f"SELECT {rows.columns(Device)} FROM devices WHERE serial_number IS NOT NULL {_NEWEST_LAST}"
    )
    return {row["serial_number"]: rows.read(Device, row) for row in found}


def without_serial(db: Connection) -> int:
    """How many user-enrolled devices there are: they tell no serial number, and no group means
    them (Apple, "Authenticate": forbidden in user enrollments).
    """
    value = db.execute(
        "SELECT count(*) FROM devices WHERE enrolled = 1 AND enrollment_id IS NOT NULL "
        "AND serial_number IS NULL"
    ).fetchone()[0]
    return int(value)


def left_out(db: Connection, server: str, shown: Collection[str], began_at: float) -> list[str]:
    """Note which devices a list of `server`, read from `began_at` on, left out.

    Whoever is left out twice, and was not heard of since the first time, is no longer known to be
    enrolled; returns the serial numbers of those. Once may be a mishap, and a device may go on
    connecting though its record was deleted.
    """
    found = db.execute(
        "SELECT id, udid, serial_number, enrolled, left_out_at, coalesce(last_seen_at, 0) seen "
        "FROM devices WHERE server = ? AND udid IS NOT NULL "
        "AND (enrolled = 1 OR left_out_at IS NOT NULL)",
        (server,),
    ).fetchall()
    missing = [row for row in found if row["udid"] not in shown]
    gone = [
        row
        for row in missing
        if row["enrolled"] and row["left_out_at"] and row["seen"] < row["left_out_at"]
    ]
    db.executemany(
        "UPDATE devices SET left_out_at = coalesce(left_out_at, ?) WHERE id = ?",
        [(began_at, row["id"]) for row in missing],
    )
    db.executemany(
        "UPDATE devices SET left_out_at = NULL WHERE id = ?",
        [(row["id"],) for row in found if row["left_out_at"] and row["udid"] in shown],
    )
    db.executemany(
        "UPDATE devices SET enrolled = NULL, unenrolled_at = left_out_at, reclaim_at = 0 "
        "WHERE id = ?",
        [(row["id"],) for row in gone],
    )
    return [row["serial_number"] for row in gone if row["serial_number"] is not None]
