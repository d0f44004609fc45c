"""Rows to begin with, each with no more said than a test cares for."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import fields, replace
from typing import Any

from bridge.domain.installs.options import Options
from bridge.domain.installs.settings import InstallSettings
from bridge.domain.licences.batch import rectangles
from bridge.domain.model import Asset, Device, Pair
from bridge.domain.policy import RetentionPolicy
from bridge.domain.views import Page
from bridge.store import events, intake, pruning
from bridge.store.commands import commands
from bridge.store.commands.commands import Command, New
from bridge.store.database import Connection
from bridge.store.devices import devices
from bridge.store.inbox.mark import last_event
from bridge.store.inbox.message import Arrived, NewMessage
from bridge.store.installs import installs
from bridge.store.installs.installs import Wish
from bridge.store.licences import assignments, request_pairs, requests
from bridge.store.licences.assignments import Assignment
from bridge.store.licences.request_pairs import PairRecord
from bridge.store.outbox import outbox
from tests import postgresql

NOW = 1_800_000_000.0
PAGES = Asset("361309726")
KEYNOTE = Asset("361285480")
INSTALL = "InstallApplication"
LIST = "ManagedApplicationList"


def make_device(db: Connection, serial: str = "S1", **changes: Any) -> Device:
    """An enrolled iPad on the server `main`."""
    udid = changes.pop("udid", f"UDID-{serial}")
    server = changes.pop("server", "main")
    made = devices.ensure(db, server, udid=udid, enrollment_id=None, now=NOW)
    values = {"enrolled": 1, "enrolment": 1, "enrolled_at": NOW, "product_name": "iPad14,1"}
    devices.update(db, made.id, serial_number=serial, **values | changes)
    found = devices.by_id(db, made.id)
    assert found is not None
    return found


def take(db: Connection, message: NewMessage, now: float, **ended: Any) -> bool:
    """Take a message that came in `now`; False when it had come before. `ended` is what came of it,
    which is nothing yet unless it is said."""
    arrived = Arrived(
        id=last_event(db) + 1,
        received_at=now,
        **{field.name: getattr(message, field.name) for field in fields(message)},
    )
    made = intake.begin(db, [arrived], now)
    for event in made:
        events.store(db, [(replace(event, **ended), None)], now)
    return bool(made)


def prune(db: Connection, now: float, retention: RetentionPolicy | None = None) -> None:
    """Forget all that may go at that time."""
    before = pruning.bounds(retention or RetentionPolicy(), now)
    for rule in pruning.RULES:
        after: int | None = 0
        while after is not None:
            found = pruning.find(db, rule, before, after)
            assert pruning.remove(db, rule, found.rows, before) == len(found.rows)
            after = found.after


def rows_like(
    db: Connection, table: str, values: Mapping[str, object], numbers: Iterable[int]
) -> None:
    """Rows with these values; whatever else they must have is empty, or differs by their number."""
    for number in numbers:
        row = dict(values)
        for name, kind, must in _columns(db, table):
            if name in NAMES:
                row.setdefault(name, f"{table} {number}")
            elif must:
                row.setdefault(name, EMPTY[kind])
        marks = ", ".join("?" * len(row))
        db.execute(f"INSERT INTO {table} ({', '.join(row)}) VALUES ({marks})", tuple(row.values()))


def _columns(db: Connection, table: str) -> list[tuple[str, str, bool]]:
    """Of each column its name and type, and whether an INSERT must say it."""
    if not isinstance(db, sqlite3.Connection):
        return postgresql.columns(db, table)
    found = db.execute(f"PRAGMA table_info({table})").fetchall()
    return [
        (row["name"], row["type"].lower(), row["notnull"] and row["dflt_value"] is None)
        for row in found
    ]


EMPTY = {"text": "", "integer": 0, "bigint": 0, "double precision": 0, "blob": b"", "bytea": b""}
"""What stands for nothing in a column, by its type in both databases."""


NAMES = ("target", "name", "key", "udid", "message_id", "job", "command_uuid", "request_type")
"""Columns by which rows of one table differ."""


def steps(db: Connection, look: Callable[[], object]) -> int:
    """How many steps SQLite takes for what `look` asks."""
    taken = 0

    def count() -> int:
        nonlocal taken
        taken += 1
        return 0

    db.set_progress_handler(count, 1)
    look()
    db.set_progress_handler(None, 1)
    return taken


def wish(serial: str = "S1", asset: Asset = PAGES, **changes: Any) -> Wish:
    """A wish from the file."""
    values: dict[str, Any] = {
        "location": "hq",
        "desired_by": "file",
        "priority": 0,
        "options": Options(),
    }
    return Wish(serial, asset, **values | changes)


def make_install(
    db: Connection, serial: str = "S1", asset: Asset = PAGES, now: float = NOW, **changes: Any
) -> int:
    """An install that is wanted; its id."""
    installs.store(db, [wish(serial, asset, **changes)], now)
    found = installs.get(db, serial, asset.adam_id)
    assert found is not None
    return found.id


def make_command(db: Connection, uuid: str, device: Device, **changes: Any) -> bool:
    """A command that is ready: a list unless it is for an install. Whether it was made."""
    install_id, now = changes.pop("install_id", None), changes.pop("now", NOW)
    values: dict[str, Any] = {
        "server": device.server,
        "request_type": LIST if install_id is None else INSTALL,
        "enrolment": device.enrolment,
        "attempt": 1,
        "due_at": NOW,
        "settings": None if install_id is None else InstallSettings().as_text(),
    }
    values |= {"command_uuid": uuid, "device_id": device.id, "install_id": install_id}
    return bool(commands.make(db, [New(**values | changes)], now))


def make_posted(db: Connection, uuid: str, device: Device, at: float = NOW, **changes: Any) -> None:
    """A command that the server took at `at`."""
    assert make_command(db, uuid, device, **changes)
    commands.posting(db, [(uuid, device.enrolment)])
    commands.posted(db, uuid, at, look_at=at + 60)


def command(db: Connection, uuid: str) -> Command:
    """A command that is there."""
    found = commands.get(db, uuid)
    assert found is not None
    return found


def state(db: Connection, uuid: str) -> str:
    """A command's state."""
    return command(db, uuid).state


def pair(serial: str = "S1", asset: Asset = PAGES) -> Pair:
    """One licence for one device."""
    return Pair(asset, serial)


def make_request(db: Connection, *pairs: Pair, now: float = NOW, sent: bool = True) -> int:
    """A request to Apple for pairs that make one rectangle; Apple has it if it is `sent`."""
    request_pairs.want(db, "hq", "ASSOCIATE", pairs, now)
    (rectangle,) = rectangles(pairs, max_assets=25, max_serial_numbers=1000)
    request_id = requests.make(db, "hq", "ASSOCIATE", rectangle, now)
    if sent:
        requests.update(db, request_id, state="sending", submitted_at=now)
    return request_id


def held(db: Connection, *serials: str, location: str = "hq") -> dict[Pair, Assignment]:
    """The licences for Pages and Keynote that these devices hold."""
    return assignments.owned(db, location, of_both(serials))


def newest(
    db: Connection, *serials: str, location: str = "hq", kind: str = "ASSOCIATE"
) -> dict[Pair, PairRecord]:
    """The newest requests for Pages and Keynote of these devices."""
    found = request_pairs.newest(db, location, of_both(serials))
    return {pair: record for (of_kind, pair), record in found.items() if of_kind == kind}


def of_both(serials: Sequence[str]) -> list[tuple[str, str]]:
    """Pages and Keynote on each of these devices."""
    return [(serial, asset.adam_id) for serial in serials for asset in (PAGES, KEYNOTE)]


def intend(db: Connection, kind: str = "read_assets", key: str = "", **changes: Any) -> int:
    """An outbox row for Apple at `hq`, due now; its id."""
    values: dict[str, Any] = {
        "service": "apple",
        "scope": "hq",
        "subject": "",
        "due_at": NOW,
        "now": NOW,
    }
    return outbox.add(db, kind=kind, key=key, **values | changes)


def value(db: Connection, query: str, *values: object) -> Any:
    """The first column of the first row."""
    return db.execute(query, values).fetchone()[0]


def everything(
    shown: Callable[..., Page], db: Connection, limit: int, **filters: Any
) -> list[dict[str, Any]]:
    """All pages, one after the other; no page but the last is short, and no cursor is odd."""
    found: list[dict[str, Any]] = []
    cursor = None
    while True:
        page = shown(db, limit=limit, cursor=cursor, **filters)
        assert page.items or cursor is None, "a cursor leads to something"
        found.extend(dict(item) for item in page.items)
        if page.next_cursor is None:
            return found
        assert len(page.items) == limit
        assert re.fullmatch(r"[A-Za-z0-9_-]+", page.next_cursor)
        cursor = page.next_cursor


def device_of(db: Connection, server: str, udid: str) -> Device | None:
    """The device that `server` knows by this UDID."""
    row = db.execute(
        "SELECT id FROM devices WHERE server = ? AND udid = ?", (server, udid)
    ).fetchone()
    return devices.by_id(db, row[0]) if row else None
