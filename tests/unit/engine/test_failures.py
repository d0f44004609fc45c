"""Every kind of outbox row with every way in which its call can fail."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from bridge.app.calls import make_calls
from bridge.engine.context import Context
from bridge.engine.dispatch import Dispatcher
from bridge.errors import TokenUnusable
from bridge.store.commands import commands
from bridge.store.database import Connection, Database
from bridge.store.licences import locations, requests
from bridge.store.outbox import outbox
from tests.unit.engine_kit import (
    NOT_SENT,
    POLICY,
    UNKNOWN,
    Clock,
    FakeClients,
    configuration,
    refused_by_apple,
    refused_by_mdm,
    start,
)
from tests.unit.store_kit import (
    NOW,
    intend,
    make_command,
    make_device,
    make_install,
    make_request,
    newest,
    pair,
    state,
    value,
)

PAIRS = [pair("A"), pair("B")]
NO_TOKEN = TokenUnusable("no file", service="apple", call="read the token file")
BUSY = refused_by_apple(9646, status=429, retry_after=50.0)
REVOKED = refused_by_apple(9625, status=401)
STRANGE = refused_by_apple(9999, status=400)


@dataclass
class Subject:
    """What the row is about: ids of a request, a device and a command."""

    row: int
    request: int = 0
    device: int = 0
    command: str = ""


def prepare(db: Connection, kind: str) -> Subject:
    """A row of this kind, due now, with all that it needs."""
    if kind in ("associate", "event_status", "read_request"):
        request_id = make_request(db, *PAIRS, sent=kind != "associate")
        if kind == "associate":
            return Subject(request_id, request_id)
        requests.update(
            db, request_id, state="open" if kind == "event_status" else "in_doubt",
            apple_event_id="E",
        )  # fmt: skip
        db.execute("UPDATE outbox SET state = 'done'")
        return Subject(intend(db, kind, str(request_id), subject=str(request_id)), request_id)
    if kind == "read_device":
        subject = json.dumps({"holder": "A", "adam_ids": ["1"]})
        return Subject(intend(db, kind, "A", subject=subject))
    if kind in ("command", "queue", "push", "read_devices"):
        device = make_device(db)
        make_command(db, "C", device, install_id=make_install(db))
        commands.posting(db, [("C", 1)])
        subject = {
            "command": "C",
            "queue": str(device.id),
            "push": json.dumps({"device_id": device.id, "expiration": 5}),
            "read_devices": "",
        }[kind]
        row = intend(db, kind, "C", subject=subject, service="mdm", scope="main")
        return Subject(row, 0, device.id, "C")
    return Subject(intend(db, kind))


@dataclass
class Run:
    """What is left after the call was made once."""

    database: Database
    subject: Subject
    called: list[str]
    rests: bool

    @property
    def row(self) -> dict[str, Any]:
        with self.database.read() as db:
            found = db.execute("SELECT * FROM outbox WHERE id = ?", (self.subject.row,)).fetchone()
            return {key: found[key] for key in ("state", "error", "due_at", "tries")}


def run(database: Database, folder: Path, kind: str, outcome: Any, now: float = NOW) -> Run:
    clients = FakeClients(outcome)
    clock = Clock()
    clock.now = now
    calls = make_calls(database, clients, configuration(folder))
    dispatcher = Dispatcher(database, POLICY, calls, clock)
    with database.write() as db:
        subject = prepare(db, kind)
    assert start(dispatcher, database, clock.now) == 1
    with database.write() as db:
        service = value(db, "SELECT service FROM outbox WHERE id = ?", subject.row)
        scope = value(db, "SELECT scope FROM outbox WHERE id = ?", subject.row)
        probe = intend(db, "probe", service=service, scope=scope, due_at=clock.now - 1)
    due = dispatcher.next_due(clock.now)
    with database.write() as db:
        db.execute("DELETE FROM outbox WHERE id = ?", (probe,))
    return Run(database, subject, clients.calls, due is not None and due > clock.now)


READS = [
    "event_status",
    "read_request",
    "read_device",
    "read_client_config",
    "read_limits",
    "read_assets",
    "read_assignments",
]
SETTING_UP = ["register", "read_limits", "read_assets", "read_assignments"]
"""Nothing goes on without these, so they are tried again whatever Apple says."""
APPLE = ["associate", "register", *READS]
MDM = ["command", "queue", "push", "read_devices"]

READY, FAILED, REST = ("ready", False), ("failed", False), ("ready", True)
EXPECTED: dict[str, tuple[Any, dict[str, tuple[str, bool]]]] = {
    "not sent": (NOT_SENT, dict.fromkeys(APPLE, READY) | dict.fromkeys(MDM, REST)),
    "unknown": (UNKNOWN, dict.fromkeys([*APPLE, *MDM], READY)),
    "busy": (BUSY, dict.fromkeys(APPLE, REST)),
    "revoked": (REVOKED, dict.fromkeys(APPLE, FAILED)),
    "no token": (NO_TOKEN, dict.fromkeys(APPLE, FAILED)),
    "strange": (STRANGE, dict.fromkeys(APPLE, FAILED) | dict.fromkeys(SETTING_UP, READY)),
    "a gateway's 401": (refused_by_apple(None, status=401), dict.fromkeys(APPLE, REST)),
    "a gateway's 403": (refused_by_apple(None, status=403), dict.fromkeys(APPLE, REST)),
    "HTTP 500": (refused_by_mdm(500), dict.fromkeys(MDM, READY)),
    "HTTP 401": (refused_by_mdm(401), dict.fromkeys(MDM, REST)),
    "HTTP 403": (refused_by_mdm(403), dict.fromkeys(MDM, REST)),
    "HTTP 404": (refused_by_mdm(404), dict.fromkeys(MDM, REST)),
    "HTTP 405": (refused_by_mdm(405), dict.fromkeys(MDM, REST)),
}
# What may have been done is never simply done again; a push is not worth it.
EXPECTED["unknown"][1].update({"associate": FAILED, "command": FAILED})
for _, by_kind in EXPECTED.values():
    if "push" in by_kind:
        by_kind["push"] = FAILED


@pytest.mark.parametrize(
    ("how", "kind"), [(how, kind) for how, (_, kinds) in EXPECTED.items() for kind in kinds]
)
def test_what_becomes_of_the_row(database: Database, tmp_path: Path, how: str, kind: str) -> None:
    error, kinds = EXPECTED[how]
    found = run(database, tmp_path, kind, error)
    assert len(found.called) == 1
    assert (found.row["state"], found.rests) == kinds[kind]
    assert found.row["error"]
    if found.row["state"] == "ready":
        wait = max(POLICY.call.retry[0], error.retry_after or 0.0)
        assert wait <= found.row["due_at"] - NOW <= wait * 1.2


def suspended(database: Database) -> tuple[str | None, str | None]:
    with database.read() as db:
        location = locations.get(db, "hq")
        return location.suspended, location.suspended_detail


@pytest.mark.parametrize("kind", APPLE)
@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (REVOKED, "TOKEN_REVOKED"),
        (NO_TOKEN, "TOKEN_INVALID"),
        (refused_by_apple(9621, status=200), "TOKEN_EXPIRED"),
        (refused_by_apple(9622, status=200), "TOKEN_INVALID"),
    ],
)
def test_a_token_that_is_no_good_stops_the_location(
    database: Database, tmp_path: Path, kind: str, error: Exception, reason: str
) -> None:
    run(database, tmp_path, kind, error)
    assert suspended(database)[0] == reason
    assert str(error) in (suspended(database)[1] or "")


@pytest.mark.parametrize("kind", APPLE)
@pytest.mark.parametrize("error", [NOT_SENT, UNKNOWN, BUSY, STRANGE])
def test_nothing_else_stops_it(
    database: Database, tmp_path: Path, kind: str, error: Exception
) -> None:
    run(database, tmp_path, kind, error)
    assert suspended(database) == (None, None)


def of_request(database: Database, request_id: int) -> tuple[str, set[str]]:
    """The request's state, and those of the newest rows for its pairs."""
    with database.read() as db:
        found = newest(db, "A", "B")
        return requests.get(db, request_id).state, {record.state for record in found.values()}


@pytest.mark.parametrize(
    ("error", "request_state", "pair_state"),
    [
        (NOT_SENT, "ready", "open"),
        (BUSY, "ready", "open"),
        (UNKNOWN, "in_doubt", "open"),
        (REVOKED, "done", "withdrawn"),
        (NO_TOKEN, "done", "withdrawn"),
        (STRANGE, "done", "failed"),
        (refused_by_apple(9707), "done", "failed"),
        (refused_by_apple(9709), "done", "failed"),
        (refused_by_apple(9700), "done", "failed"),
        (refused_by_apple(9702), "refused", "collected"),
    ],
)
def test_what_becomes_of_an_associate(
    database: Database, tmp_path: Path, error: Exception, request_state: str, pair_state: str
) -> None:
    found = run(database, tmp_path, "associate", error)
    assert of_request(database, found.subject.request) == (request_state, {pair_state})
    with database.read() as db:
        request = requests.get(db, found.subject.request)
    if request_state == "ready":
        assert request.submitted_at is None, "it is not waiting for anything"
    if request_state == "in_doubt":
        assert request.next_read_at == NOW + POLICY.event_status.min_interval
        assert request.submitted_at == NOW


@pytest.mark.parametrize(("number", "limits"), [(9702, (None, 1))])
def test_too_large_a_request_is_halved(
    database: Database, tmp_path: Path, number: int, limits: tuple[int | None, int | None]
) -> None:
    run(database, tmp_path, "associate", refused_by_apple(number))
    with database.read() as db:
        location = locations.get(db, "hq")
        assert (location.max_assets, location.max_serial_numbers) == limits
        assert value(db, "SELECT next_at FROM schedule WHERE name = 'limits:hq'") > NOW


@pytest.mark.parametrize(
    ("info", "refused"),
    [
        ({"serialNumbers": ["b"]}, {"B"}),
        ({"assets": [{"adamId": pair().asset.adam_id}]}, {"A", "B"}),
        ({"serialNumbers": ["A"], "assets": [{"adamId": "1"}]}, {"A", "B"}),
        ({"serialNumbers": ["Z"]}, {"A", "B"}),
        ({"serialNumbers": "B", "assets": 5}, {"A", "B"}),
    ],
)
def test_who_is_named_is_refused_and_the_others_are_asked_for_again(
    database: Database, tmp_path: Path, info: dict[str, Any], refused: set[str]
) -> None:
    run(database, tmp_path, "associate", refused_by_apple(9610, info=info))
    with database.read() as db:
        found = {each.holder: record.state for each, record in newest(db, "A", "B").items()}
    assert {name for name, state in found.items() if state == "failed"} == refused
    assert set(found.values()) <= {"failed", "collected"}


def test_a_refusal_keeps_its_number(database: Database, tmp_path: Path) -> None:
    run(database, tmp_path, "associate", refused_by_apple(9709))
    with database.read() as db:
        numbers = db.execute("SELECT DISTINCT error_number, settled_by FROM request_pairs")
        assert [tuple(row) for row in numbers] == [(9709, "reply")]


def test_an_event_that_apple_forgot_is_looked_up(database: Database, tmp_path: Path) -> None:
    found = run(database, tmp_path, "event_status", refused_by_apple(9708))
    with database.read() as db:
        request = requests.get(db, found.subject.request)
    assert (request.state, request.next_read_at) == ("in_doubt", NOW)


@pytest.mark.parametrize("kind", ["event_status", "read_request"])
def test_a_stopped_location_is_asked_again_later(
    database: Database, tmp_path: Path, kind: str
) -> None:
    found = run(database, tmp_path, kind, REVOKED)
    with database.read() as db:
        request = requests.get(db, found.subject.request)
    asked_at = request.next_status_at if kind == "event_status" else request.next_read_at
    assert asked_at == NOW + POLICY.sync.service_config_every
    assert of_request(database, request.id)[1] == {"open"}


@pytest.mark.parametrize(
    ("error", "at"),
    [
        (UNKNOWN, "posted"),
        (NOT_SENT, "posting"),
        (refused_by_mdm(500), "posting"),
        (None, "posted"),
    ],
)
def test_what_becomes_of_a_command(
    database: Database, tmp_path: Path, error: Exception | None, at: str
) -> None:
    run(database, tmp_path, "command", error)
    with database.read() as db:
        assert state(db, "C") == at
        look_at = value(db, "SELECT look_at FROM commands")
    assert look_at == (NOW + POLICY.command.in_doubt_after if at == "posted" else None)


def test_calls_that_died_are_looked_up_or_made_again(database: Database, tmp_path: Path) -> None:
    calls = make_calls(database, FakeClients(None), configuration(tmp_path))
    assert set(calls) >= {*APPLE, *MDM}
    for kind in [*APPLE, *MDM]:
        if kind in ("associate", "command"):
            continue
        with database.write() as db:
            row_id = prepare(db, kind).row
            db.execute("DELETE FROM request_pairs")
            db.execute("DELETE FROM commands")
            db.execute("UPDATE outbox SET state = 'claimed' WHERE id = ?", (row_id,))
            (row,) = outbox.claimed(db)
            calls[kind].lost(Context(db, POLICY, NOW), row)
            assert value(db, "SELECT state FROM outbox WHERE id = ?", row_id) == "ready", kind
            assert value(db, "SELECT due_at FROM outbox WHERE id = ?", row_id) == NOW
            db.execute("DELETE FROM outbox")
