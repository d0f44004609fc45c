"""Installs, devices and messages as people and programs page through them, ready for JSON."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from typing import Any

from bridge.domain.devices.targets import enrolment_of, of_enrolment, of_user
from bridge.domain.reasons import NEEDING, NEEDING_STATES
from bridge.domain.views import Page
from bridge.domain.views.devices import Device
from bridge.domain.views.installs import StoredInstall
from bridge.domain.views.traffic import Event
from bridge.store import rows
from bridge.store.database import Connection
from bridge.store.devices.devices import target_of
from bridge.store.inbox.waiting import NOTHING, Waiting
from bridge.store.paging import Filters, Order, conditions, cursor_after, fetch, read_cursor
from bridge.store.views.view import View, carrier, enrolment_id_of, is_enrolment, is_user

_BUNDLE_ID = "coalesce(i.bundle_id, apps.bundle_id)"
_INSTALLS = View(
    StoredInstall,
    f"installs i LEFT JOIN devices d ON d.id = {carrier('i.target')} "
    "LEFT JOIN apps ON apps.adam_id = i.adam_id "
    f"LEFT JOIN installed_apps v ON v.device_id = d.id AND v.bundle_id = {_BUNDLE_ID} "
    "AND v.presence <> 'absent'",
    "i.",
    {
        "serial_number": f"CASE WHEN NOT ({is_enrolment('i.target')} OR {is_user('i.target')}) "
        "THEN i.target END",
        "enrollment_id": f"CASE WHEN {is_enrolment('i.target')} "
        f"THEN {enrolment_id_of('i.target')} ELSE d.enrollment_id END",
        "device_name": "d.name",
        "client_user_id": "i.client_user_id",
        "app_name": "apps.name",
        "bundle_id": _BUNDLE_ID,
        "version": "coalesce(v.short_version, v.version)",
        "newest_version": "apps.newest_version",
        "server": "d.server",
        "udid": "d.udid",
        "wanted_by": "CASE WHEN i.desired = 1 THEN i.desired_by END",
    },
)


_NEEDS_SOMEONE = (
    f"CASE WHEN i.state IN {rows.among(NEEDING_STATES)} "
    f"OR i.reason IN {rows.among(sorted(NEEDING))} "
    "THEN 1 ELSE 0 END = ?"
)
_BY_TARGET = Order(("i.target", "i.adam_id"), (str, str))
PIECE = 500
"""Targets that are looked up at once."""


def installs(
    db: Connection,
    *,
    among: Sequence[str] | None = None,
    limit: int = 100,
    cursor: str | None = None,
    **filters: Any,
) -> Page[StoredInstall]:
    """Installs ordered by serial number and adam id; those without a serial number come last, since
    what they are named by begins with a small letter. `among` are the only targets, sorted.

    `filters` are those of `_chosen`.
    """
    chosen = _chosen(db, **filters)
    if among is not None:
        return _among(db, chosen, among, limit, cursor)
    return fetch(db, _INSTALLS, chosen, _BY_TARGET, limit, cursor)


def by_reason(
    db: Connection, *, among: Sequence[str] | None = None, **filters: Any
) -> dict[tuple[str, str], int]:
    """How many installs there are in each state for each reason; filters as of `installs`."""
    chosen = _chosen(db, **filters)
    counts: dict[tuple[str, str], int] = {}
    for narrowed in [chosen] if among is None else _pieces(chosen, among):
        where, values = conditions(narrowed)
        found = db.execute(
            f"SELECT i.state, i.reason, count(*) FROM installs i WHERE {where} "
            "GROUP BY i.state, i.reason",
            values,
        )
        for state, reason, count in found:
            counts[state, reason] = counts.get((state, reason), 0) + count
    return counts


def _chosen(
    db: Connection,
    *,
    serial: str | None = None,
    adam_id: str | None = None,
    state: str | None = None,
    reason: str | None = None,
    needs_someone: bool | None = None,
) -> Filters:
    return {
        "i.target = ?": serial and target_of(db, serial),
        "i.adam_id = ?": adam_id,
        "i.state = ?": state,
        "i.reason = ?": reason,
        _NEEDS_SOMEONE: None if needs_someone is None else int(needs_someone),
    }


def _pieces(chosen: Filters, among: Sequence[str]) -> Iterator[Filters]:
    for start in range(0, len(among), PIECE):
        piece = tuple(among[start : start + PIECE])
        yield {**chosen, f"i.target IN ({rows.marks(len(piece))})": piece}


def _among(
    db: Connection, filters: Filters, among: Sequence[str], limit: int, cursor: str | None
) -> Page[StoredInstall]:
    """A page of these targets alone, which are sorted: looked up a piece at a time, so that it
    costs no more than the devices that it takes, and any number of them will do."""
    begin = 0 if cursor is None else bisect_left(among, read_cursor(cursor, _BY_TARGET)[0])
    items: list[StoredInstall] = []
    for narrowed in _pieces(filters, among[begin:]):
        items += fetch(db, _INSTALLS, narrowed, _BY_TARGET, limit + 1 - len(items), cursor).items
        if len(items) > limit:
            last = items[limit - 1]
            return Page(items[:limit], cursor_after([target(last), last["adam_id"]]))
    return Page(items)


def target(install: StoredInstall) -> str:
    """What an install is for, as it is stored."""
    if install["serial_number"] is not None:
        return install["serial_number"]
    if install["enrollment_id"] is not None:
        return of_enrolment(install["enrollment_id"])
    return of_user(install["client_user_id"] or "")


def install(db: Connection, serial: str, adam_id: str) -> StoredInstall | None:
    """One install, as in the list."""
    row = db.execute(
        f"{_INSTALLS.query} WHERE i.target = ? AND i.adam_id = ?", (target_of(db, serial), adam_id)
    ).fetchone()
    return _INSTALLS.read(row) if row else None


_CONTAINING = (
    "("
    + " OR ".join(
        f"lower({column}) LIKE ? ESCAPE '!'"
        for column in ("name", "serial_number", "enrollment_id", "udid")
    )
    + ")"
)


def part_of(text: str) -> str:
    """The pattern of LIKE for what contains this text, as it is written; `!` escapes."""
    small = "".join(c.lower() if c.isascii() else c for c in text)
    for sign in "!%_":
        small = small.replace(sign, f"!{sign}")
    return f"%{small}%"


_DEVICES = View(
    Device, "devices", columns={"claimed_serial_number": "claimed_serial", "setup": "NULL"}
)


def devices(
    db: Connection,
    *,
    serial: str | None = None,
    server: str | None = None,
    enrolled: bool | None = None,
    udid: str | None = None,
    containing: str | None = None,
    limit: int = 100,
    cursor: str | None = None,
) -> Page[Device]:
    """Devices that an MDM server showed, ordered by the bridge's own id; `setup` is left to whoever
    asks.

    `containing` is a part of a name, a serial number, an enrolment id or a UDID, in any case of
    (English) letters.
    """
    target = serial and target_of(db, serial)
    enrollment_id = target and enrolment_of(target)
    filters = {
        "serial_number = ?": None if enrollment_id else target,
        "enrollment_id = ?": enrollment_id,
        "server = ?": server,
        "enrolled = ?": enrolled,
        "udid = ?": udid,
        _CONTAINING: containing and (part_of(containing),) * _CONTAINING.count("?"),
        "channel_of IS NULL": (),
    }
    return fetch(db, _DEVICES, filters, Order(("id",), (int,)), limit, cursor)


_EVENTS = View(Event, "events")
_WAITING = View(
    Event,
    "inbox",
    columns={"status": "'new'", "tries": "0"}
    | dict.fromkeys(("processed_at", "error", "outcome"), "NULL"),
)


def events(
    db: Connection,
    *,
    waiting: Waiting = NOTHING,
    event_id: int | None = None,
    source: str | None = None,
    topic: str | None = None,
    status: str | None = None,
    limit: int = 100,
    cursor: str | None = None,
) -> Page[Event]:
    """Inbound messages without their bodies, the newest first: those that wait, and the others."""
    filters: Filters = {
        "id = ?": event_id,
        "source = ?": source,
        "topic = ?": topic,
        "status = ?": status,
    }
    order = Order(("id",), (int,), newest_first=True)
    taken = fetch(db, _EVENTS, filters, order, limit, cursor)
    if waiting.db is None or status not in (None, "new"):
        return taken
    beyond = {**filters, "status = ?": None, "body IS NOT NULL AND id > ?": waiting.taken}
    newer = fetch(waiting.db, _WAITING, beyond, order, limit, cursor)
    if newer.next_cursor is not None:
        return newer
    items = [*newer.items, *taken.items]
    if len(items) <= limit:
        return Page(items, taken.next_cursor)
    return Page(items[:limit], cursor_after([items[limit - 1]["id"]]))
