"""Which commands go to an MDM server now: queues, windows, and the end of a connection."""

from dataclasses import replace
from typing import Any

import pytest

from bridge.domain.policy import Policy
from bridge.engine.commands import device_queue, follow_up
from bridge.store import agenda, pauses
from bridge.store.commands import commands, timers
from bridge.store.commands.commands import Answer
from bridge.store.database import Connection
from bridge.store.devices import devices
from tests.unit.engine_kit import POLICY, context, intended
from tests.unit.store_kit import (
    NOW,
    PAGES,
    command,
    make_command,
    make_device,
    make_install,
    state,
)

MINUTE, HOUR, DAY = 60.0, 3600.0, 86400.0


def paced(**command_policy: Any) -> Policy:
    return replace(POLICY, command=replace(POLICY.command, **command_policy))


def wide(at_once: int) -> Policy:
    return replace(POLICY, install=replace(POLICY.install, max_open_per_device=at_once))


def many(db: Connection, devices_made: int, each: int = 1, server: str = "main") -> None:
    for number in range(devices_made):
        device = make_device(db, f"{server}{number}", server=server)
        for app in range(each):
            asset = PAGES._replace(adam_id=str(app))
            install_id = make_install(db, f"{server}{number}", asset)
            make_command(db, f"{server}{number}.{app}", device, install_id=install_id)


def start(db: Connection, policy: Policy = POLICY, now: float = NOW) -> int:
    return device_queue.start(context(db, now, policy), pauses.load(db))


@pytest.mark.parametrize("at_once", [1, 2, 5])
def test_a_lane_takes_what_it_has_room_for(db: Connection, at_once: int) -> None:
    many(db, 2, each=4)
    policy = wide(at_once)
    assert start(db, policy) == 2 * min(at_once, 4)
    assert start(db, policy) == 0
    db.execute("UPDATE commands SET state = 'queued' WHERE state = 'posting'")
    commands.answered(db, "main0.0", Answer("Acknowledged"), NOW)
    assert start(db, policy) == (1 if at_once < 4 else 0)


def test_a_command_that_is_started_is_in_the_outbox(db: Connection) -> None:
    many(db, 1)
    device = devices.current(db, ["main0"])["main0"]
    devices.update(db, device.id, enrolment=3)
    assert start(db) == 1
    assert intended(db) == ["mdm main command"]
    found = command(db, "main0.0")
    assert (found.state, found.enrolment, found.posts) == ("posting", 3, 1)


@pytest.mark.parametrize("change", [{"enrolled": 0}, {"enrolled": None}, {"udid": None}])
def test_nothing_is_started_for_who_is_not_there(db: Connection, change: dict[str, Any]) -> None:
    many(db, 1)
    device = devices.current(db, ["main0"])["main0"]
    devices.update(db, device.id, **change)
    assert start(db) == 0
    assert state(db, "main0.0") == "ready"
    assert not agenda.look(db, NOW).queue_ready, "and it is not looked at for ever"


def test_a_server_takes_no_more_than_its_window(db: Connection) -> None:
    many(db, 5)
    many(db, 2, server="branch")
    assert start(db, paced(window=3)) == 3 + 2
    assert start(db, paced(window=3)) == 0
    uuids = [row[0] for row in db.execute("SELECT command_uuid FROM commands WHERE posts = 1 "
                                          "AND server = 'main' ORDER BY 1")]  # fmt: skip
    for number, uuid in enumerate(uuids):
        commands.posted(db, uuid, NOW + number, look_at=NOW + 60)
    assert start(db, paced(window=3), NOW + 3) == 0
    newest = [command(db, uuid).look_at for uuid in uuids]
    assert newest == [NOW + 60, NOW + 60, NOW + 2 + follow_up.LOOK_AFTER], "one look tells of all"
    timers.stored_up_to(db, "main", NOW + 1, NOW + 61)
    assert start(db, paced(window=3), NOW + 4) == 2


@pytest.mark.parametrize("at_once", [2, 3])
def test_a_window_counts_commands(db: Connection, at_once: int) -> None:
    many(db, 4, each=4)
    policy = replace(wide(at_once), command=replace(POLICY.command, window=4))
    start(db, policy)
    assert timers.unseen(db, "main") <= 4


def test_a_server_that_is_away_holds_no_other_up(db: Connection) -> None:
    many(db, 250)
    many(db, 1, server="other")
    policy = paced(window=200)
    started = sum(start(db, policy) for _ in range(3))
    assert started == 200 + 1
    assert state(db, "other0.0") == "posting"


def test_a_question_whose_turn_comes_in_quiet_hours_waits_and_lets_others_by(
    db: Connection,
) -> None:
    quiet = replace(POLICY, prompts=replace(POLICY.prompts, quiet_hours="07:00-20:00"))
    many(db, 1, each=3)
    db.execute("UPDATE commands SET asks = 1 WHERE command_uuid = 'main0.0'")
    assert start(db, quiet) == 1
    assert (state(db, "main0.0"), state(db, "main0.1")) == ("ready", "posting")
    commands.answered(db, "main0.1", Answer("Acknowledged"), NOW)
    commands.answered(db, "main0.2", Answer("Acknowledged"), NOW)
    assert start(db, quiet) == 0
    over = NOW + 12 * HOUR
    assert agenda.look(db, NOW).queue_at == over, "worlds begin at 08:00"
    assert start(db, quiet, over - 1) == 0
    assert start(db, quiet, over) == 1


def test_who_is_out_of_pace_is_looked_at_when_a_place_comes(db: Connection) -> None:
    many(db, 6)
    policy = replace(POLICY, install=replace(POLICY.install, max_per_minute=6))
    assert start(db, policy) == 1
    waiting = db.execute(
        "SELECT queue_at FROM devices WHERE queue_at IS NOT NULL ORDER BY queue_at"
    )
    assert [row[0] - NOW for row in waiting] == [10, 20, 30, 40, 50], "each at another"
    for place in range(1, 6):
        assert start(db, policy, NOW + 10 * place - 1) == 0
        assert start(db, policy, NOW + 10 * place) == 1
    assert intended(db) == ["mdm main command"] * 6
