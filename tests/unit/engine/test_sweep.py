"""What the clock makes due."""

import json
from dataclasses import replace
from typing import Any

import pytest

from bridge.domain.decision import Decision
from bridge.domain.model import Device
from bridge.domain.policy import Policy
from bridge.engine.timers import Outside, sweep
from bridge.store import meta
from bridge.store.agenda import look
from bridge.store.commands import commands, timers
from bridge.store.commands.commands import Answer
from bridge.store.database import Connection
from bridge.store.inbox.message import NewMessage
from bridge.store.installs import installs
from bridge.store.licences import locations, request_pairs, requests
from bridge.store.outbox import outbox
from tests.unit.engine_kit import POLICY, SERVERS, context, intended
from tests.unit.store_kit import (
    NOW,
    PAGES,
    command,
    intend,
    make_command,
    make_device,
    make_install,
    make_posted,
    make_request,
    pair,
    prune,
    state,
    take,
    value,
)

OUTSIDE = Outside(("hq",), SERVERS)
MINUTE, HOUR, DAY = 60.0, 3600.0, 86400.0


def run(db: Connection, now: float = NOW, policy: Policy = POLICY) -> int:
    return sweep(context(db, now, policy), OUTSIDE)


def test_a_job_makes_its_call_and_is_planned_anew(db: Connection) -> None:
    locations.update(db, "hq", registered_at=NOW)
    plan = {
        "assets:hq": ("apple hq read_assets", HOUR),
        "assignments:hq": ("apple hq read_assignments", DAY),
        "config:hq": ("apple hq read_client_config", HOUR),
        "limits:hq": ("apple hq read_limits", 5 * MINUTE),
        "devices:main": ("mdm main read_devices", HOUR),
    }
    for job in plan:
        meta.plan_job(db, job, NOW)
    assert run(db, NOW - 1) == 0
    assert run(db) == len(plan)
    assert sorted(intended(db)) == sorted(call for call, _ in plan.values())
    planned = {row[0]: row[1] - NOW for row in db.execute("SELECT name, next_at FROM schedule")}
    assert planned == {job: every for job, (_, every) in plan.items()}


def test_before_a_location_is_ours_only_its_configuration_is_read(db: Connection) -> None:
    for job in ("config", "assets", "limits", "assignments"):
        meta.plan_job(db, f"{job}:hq", NOW)
    run(db)
    assert intended(db) == ["apple hq read_client_config"]
    assert value(db, "SELECT next_at FROM schedule WHERE name = 'config:hq'") == NOW + 5 * MINUTE


def test_a_stopped_location_is_looked_at_more_often(db: Connection) -> None:
    locations.update(db, "hq", registered_at=NOW, suspended="TOKEN_EXPIRED")
    meta.plan_job(db, "config:hq", NOW)
    run(db)
    assert value(db, "SELECT next_at FROM schedule") == NOW + 5 * MINUTE


def test_jobs_of_what_was_removed_are_forgotten(db: Connection) -> None:
    for job in ("config:gone", "assets:gone", "devices:gone", "something:hq"):
        meta.plan_job(db, job, NOW)
    assert run(db) == 4
    assert intended(db) == []
    assert look(db, NOW).timers_at is None


def test_old_evidence_goes_and_the_rest_stays(db: Connection) -> None:
    retention = replace(
        POLICY.retention, events=10.0, mdm_duplicates=20.0, outbox=30.0, removed=40.0
    )
    for age in (9, 11, 19, 21):
        made = NewMessage("mdm", "main", "t", "", str(age), b"")
        take(db, made, NOW - age, status="done")
    for age in (29, 31):
        outbox.done(db, intend(db, key=str(age)), NOW - age)
    for serial, age in (("A", 39.0), ("B", 41.0)):
        installs.no_longer_wanted(db, [], NOW)
        make_install(db, serial, now=NOW - age)
        installs.no_longer_wanted(db, [(serial, PAGES.adam_id)], NOW - age)
        install = installs.get(db, serial, PAGES.adam_id)
        assert install is not None
        installs.record(db, [(install, Decision("removed", "KEPT"))], NOW - age)
    prune(db, NOW, retention)

    def left(query: str) -> list[str]:
        return [row[0] for row in db.execute(query)]

    assert left("SELECT message_id FROM events") == ["9"]
    assert left("SELECT message_id FROM seen_messages ORDER BY 1") == ["11", "19", "9"]
    assert left("SELECT key FROM outbox") == ["29"]
    assert left("SELECT target FROM installs") == ["A"]


def test_what_decisions_look_at_is_kept(db: Connection) -> None:
    device, install_id = make_device(db), make_install(db)
    for number in range(3):
        make_command(db, f"i{number}", device, install_id=install_id, now=NOW - 99 * DAY + number)
        commands.answered(db, f"i{number}", Answer("Error"), NOW)
        make_command(db, f"q{number}", device, now=NOW - 99 * DAY)
        commands.answered(db, f"q{number}", Answer("Acknowledged"), NOW)
        request_id = make_request(db, pair(), now=NOW - 99 * DAY + number)
        request_pairs.settle(
            db, "hq", [pair()], state="confirmed", told_by="read", now=NOW - 99 * DAY,
            request_id=request_id,
        )  # fmt: skip
        requests.finish(db, request_id, "read", NOW - 99 * DAY)
    make_command(db, "open", make_device(db, "S2"), now=NOW - 99 * DAY)
    prune(db, NOW)
    kept = [row[0] for row in db.execute("SELECT command_uuid FROM commands ORDER BY 1")]
    assert kept == ["i2", "open"]
    assert value(db, "SELECT count(*) FROM request_pairs") == 1
    assert [row[0] for row in db.execute("SELECT id FROM apple_requests")] == [request_id]


def test_an_open_request_is_asked_about_and_one_in_doubt_is_read_for(db: Connection) -> None:
    first, second = make_request(db, pair("A")), make_request(db, pair("B"))
    db.execute("UPDATE outbox SET state = 'done'")
    requests.update(db, first, state="open", apple_event_id="E", next_status_at=NOW)
    requests.doubt(db, second, next_read_at=NOW, detail="")
    assert run(db, NOW - 1) == 0
    assert run(db) == 2
    assert intended(db) == ["apple hq event_status", "apple hq read_request"]
    assert run(db, NOW + 29) == 0, "its answer plans the next question"
    assert run(db, NOW + 30) == 2
    assert len(intended(db)) == 2


def test_commands_are_looked_for_by_device(db: Connection) -> None:
    device = make_device(db)
    make_posted(db, "a", device)
    make_posted(db, "b", device, install_id=make_install(db))
    assert run(db, NOW + 59) == 0
    assert run(db, NOW + 60) == 1
    assert intended(db) == ["mdm main queue"]
    assert command(db, "a").look_at == command(db, "b").look_at == NOW + 120


def queued(db: Connection, device: Device, uuid: str = "a") -> None:
    make_posted(db, uuid, device, install_id=make_install(db))
    commands.queued(db, uuid, look_at=NOW + 99 * DAY, push_at=NOW)


def push_at(db: Connection) -> float | None:
    at = value(db, "SELECT push_at FROM commands")
    return None if at is None else at - NOW


@pytest.mark.parametrize(
    ("seen_ago", "again_after"),
    [
        (0, HOUR),
        (HOUR, HOUR),
        (5 * HOUR, 5 * HOUR),
        (3 * DAY, DAY),
        (13 * DAY, DAY),
        (14 * DAY, 7 * DAY),
        (99 * DAY, 7 * DAY),
    ],
)
def test_a_device_that_stays_away_is_nudged_ever_less(
    db: Connection, seen_ago: float, again_after: float
) -> None:
    queued(db, make_device(db, last_seen_at=NOW - seen_ago))
    assert run(db) == 1
    assert intended(db) == ["mdm main push"]
    subject = json.loads(value(db, "SELECT subject FROM outbox"))
    assert subject["expiration"] == int(NOW + DAY)
    assert push_at(db) == again_after


def parked(db: Connection, **device: Any) -> None:
    """A command that was answered NotNow at NOW - 1 h, and a push that is due."""
    made = make_device(db, **device)
    make_posted(db, "a", made, NOW - 2 * HOUR, install_id=make_install(db))
    commands.not_now(db, "a", NOW - HOUR, push_at=NOW)
    db.execute("UPDATE installs SET dirty_at = NULL")


@pytest.mark.parametrize(
    ("came_at", "expected"),
    [
        (None, "not_now"),
        (NOW - HOUR, "not_now"),  # the connection on which it said NotNow
        (NOW - HOUR + 1, "in_doubt"),
        (NOW - 61, "in_doubt"),
        (NOW - 59, "not_now"),  # its answer may still come
    ],
)
def test_a_parked_command_is_in_doubt_once_its_device_came_and_did_not_answer(
    db: Connection, came_at: float | None, expected: str
) -> None:
    parked(db)
    if came_at is not None:
        timers.expect_parked(db, 1, came_at, came_at + MINUTE)
    run(db)
    assert state(db, "a") == expected
    assert bool(installs.dirty(db, 1)) is (expected == "in_doubt")


def test_the_clock_looks_at_installs_again(db: Connection) -> None:
    install = installs.by_id(db, make_install(db))
    assert install is not None
    installs.record(db, [(install, Decision("sent", "NOT_NOW", recheck_at=NOW + 5))], NOW)
    assert look(db, NOW).timers_at == NOW + 5
    assert run(db, NOW + 4) == 0
    assert run(db, NOW + 5) == 1
    assert len(installs.dirty(db, 9)) == 1
