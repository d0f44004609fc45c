"""What a start takes up."""

from pathlib import Path

import pytest

from bridge.app.calls import make_calls
from bridge.engine import recovery
from bridge.engine.commands import device_queue
from bridge.engine.context import Context
from bridge.engine.licences import batch
from bridge.engine.timers import Outside
from bridge.store import meta, pauses
from bridge.store.commands import commands
from bridge.store.database import Connection, Database
from bridge.store.licences import request_pairs, requests
from bridge.store.outbox import outbox
from tests.unit.engine_kit import POLICY, SERVERS, FakeClients, configuration, context, intended
from tests.unit.store_kit import (
    KEYNOTE,
    NOW,
    command,
    intend,
    make_command,
    make_device,
    make_install,
    make_request,
    pair,
    state,
)

OUTSIDE = Outside(("hq",), SERVERS)
MINUTE, HOUR, DAY = 60.0, 3600.0, 86400.0


def recover(db: Connection, folder: Path, database: Database, now: float = NOW) -> None:
    calls = make_calls(database, FakeClients(None), configuration(folder))
    recovery.recover(Context(db, POLICY, now), calls, OUTSIDE)


def test_a_start_reads_what_may_have_changed(
    db: Connection, database: Database, tmp_path: Path
) -> None:
    meta.plan_job(db, "config:hq", NOW + HOUR)
    meta.plan_job(db, "assets:hq", NOW + 5)
    recover(db, tmp_path, database)
    planned = {row[0]: row[1] - NOW for row in db.execute("SELECT name, next_at FROM schedule")}
    assert planned.pop("changes:hq") == 0
    assert planned.pop("metadata:hq") == 5 * MINUTE
    assert planned == {
        "config:hq": 0,
        "limits:hq": 0,
        "assets:hq": 5,
        "assignments:hq": DAY,
        "devices:main": 0,
        "webhooks:main": 0,
        "watch": HOUR,
    }


def test_a_start_takes_up_what_was_half_done(
    db: Connection, database: Database, tmp_path: Path
) -> None:
    request_id = make_request(db, pair("A"))
    device = make_device(db)
    make_command(db, "C", device, install_id=make_install(db))
    commands.posting(db, [("C", 1)])
    intend(db, "command", "C", subject="C", service="mdm", scope="main")
    intend(db, "read_assets")
    db.execute("UPDATE outbox SET state = 'claimed'")
    recover(db, tmp_path, database)
    request = requests.get(db, request_id)
    assert (request.state, request.next_read_at) == ("in_doubt", NOW), "Apple is asked at once"
    found = command(db, "C")
    assert (found.state, found.suspect) == ("posted", True)
    assert found.look_at is not None and found.look_at <= NOW + 2
    assert intended(db) == ["apple hq read_assets"], "a read is simply made again"
    assert outbox.claimed(db) == []


@pytest.mark.parametrize(("asked_ago", "next_in"), [(None, 0), (5, 25), (30, 0), (99, 0)])
def test_a_start_asks_apple_no_more_often_than_allowed(
    db: Connection, database: Database, tmp_path: Path, asked_ago: float | None, next_in: float
) -> None:
    request_id = make_request(db, pair("A"), now=NOW - 100)
    db.execute("UPDATE outbox SET state = 'done'")
    requests.update(
        db,
        request_id,
        state="open",
        apple_event_id="E",
        next_status_at=NOW + 500,
        status_asked_at=None if asked_ago is None else NOW - asked_ago,
    )
    recover(db, tmp_path, database)
    assert requests.get(db, request_id).next_status_at == NOW + next_in


def test_a_start_looks_at_once_for_what_is_in_doubt(
    db: Connection, database: Database, tmp_path: Path
) -> None:
    request_id = make_request(db, pair("A"))
    requests.doubt(db, request_id, next_read_at=NOW + 500, detail="")
    recover(db, tmp_path, database)
    assert requests.get(db, request_id).next_read_at == NOW


def test_a_start_forgets_calls_to_what_is_no_longer_configured(
    db: Connection, database: Database, tmp_path: Path
) -> None:
    intend(db, "read_assets", scope="gone")
    intend(db, "read_devices", service="mdm", scope="gone")
    intend(db, "read_assets")
    recover(db, tmp_path, database)
    assert intended(db) == ["apple hq read_assets"]


def test_what_a_removed_location_or_server_held_is_let_go(
    db: Connection, database: Database, tmp_path: Path
) -> None:
    make_install(db, "A", location="gone")
    request_pairs.want(db, "gone", "ASSOCIATE", [pair("A")], NOW)
    (planned,) = batch.plan(context(db, NOW + DAY), {}).batches
    assert batch.make(context(db), planned)
    device = make_device(db, "B", server="gone")
    make_command(db, "C", device, install_id=make_install(db, "B", KEYNOTE))
    device_queue.start(context(db), pauses.load(db))
    recover(db, tmp_path, database)
    assert request_pairs.want(db, "gone", "ASSOCIATE", [pair("A")], NOW) == 1, "it may come back"
    assert state(db, "C") not in ("posting", "posted"), "its queue is free when it comes back"
