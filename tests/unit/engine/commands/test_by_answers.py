"""Commands on a server without a queue view: what time and answers say of them."""

from dataclasses import replace

import pytest

from bridge.clients.mdm.port import Abilities
from bridge.domain.decision import PostAgain
from bridge.engine.commands import device_queue, follow_up
from bridge.engine.context import Context
from bridge.engine.decide import reconcile
from bridge.engine.timers import Outside, sweep
from bridge.store import pauses
from bridge.store.commands import commands, left_open, timers
from bridge.store.database import Connection
from bridge.store.devices import devices
from bridge.store.installs import facts, installs
from tests.unit.engine_kit import POLICY, SERVERS, Answer, intended
from tests.unit.store_kit import (
    NOW,
    command,
    make_command,
    make_device,
    make_install,
    make_posted,
    state,
)

PLAIN = Abilities(
    queue_view=False,
    device_list=False,
    stores_before_reply=True,
    pushes_on_enqueue=True,
    repeats_are_refused=True,
)


def run(db: Connection, after: float, **otherwise: bool) -> None:
    """What the clock makes due so many seconds after NOW."""
    servers = {"main": replace(PLAIN, **otherwise)}
    sweep(Context(db, POLICY, NOW + after, servers), Outside((), servers))


def due(db: Connection, uuid: str) -> tuple[float | None, float | None]:
    """When a command is looked at next, and when its device is pushed to; from NOW."""
    row = db.execute(
        "SELECT look_at - ?, push_at - ? FROM commands WHERE command_uuid = ?", (NOW, NOW, uuid)
    ).fetchone()
    return row[0], row[1]


def post(db: Connection) -> int:
    """An install for S1 that the server took at NOW."""
    device = make_device(db, last_seen_at=NOW)
    make_posted(db, "a", device, install_id=make_install(db))
    return device.id


def test_a_device_that_does_not_come_is_pushed_to_and_nothing_is_doubted(db: Connection) -> None:
    post(db)
    run(db, 60)
    assert (state(db, "a"), intended(db)) == ("queued", ["mdm main push"])
    assert due(db, "a") == (None, 60 + 3600)
    run(db, 30 * 86400)
    assert state(db, "a") == "queued"


@pytest.mark.parametrize(("after", "expected"), [(64, "queued"), (65, "in_doubt")])
def test_what_a_device_leaves_open_when_it_comes_is_in_doubt(
    db: Connection, after: float, expected: str
) -> None:
    device_id = post(db)
    timers.offered(db, device_id, NOW + 5, NOW + 65)
    run(db, 60)
    run(db, after)
    assert state(db, "a") == expected


def test_one_that_it_may_have_answered_unheard_is_in_doubt_at_once(db: Connection) -> None:
    device_id = post(db)
    timers.offered(db, device_id, NOW + 5, NOW + 65)
    timers.suspect_all(db, NOW + 8)
    run(db, 8)
    assert state(db, "a") == "in_doubt"


def test_one_that_it_put_off_is_not(db: Connection) -> None:
    device_id = post(db)
    timers.offered(db, device_id, NOW + 5, NOW + 65)
    commands.not_now(db, "a", NOW + 6, push_at=NOW + 1800)
    run(db, 65)
    assert state(db, "a") == "not_now"


@pytest.mark.parametrize(
    ("came", "expected"), [(100, "queued"), (160, "in_doubt")], ids=["not since", "without a word"]
)
def test_one_that_its_server_keeps_for_an_odd_status_is_looked_for_once_a_day(
    db: Connection, came: float, expected: str
) -> None:
    device_id = post(db)
    timers.offered(db, device_id, NOW + 5, NOW + 65)
    left_open.not_taken(db, "a", "Odd", "why", NOW + 100, look_at=NOW + 160)
    devices.update(db, device_id, last_connect_at=NOW + came)
    run(db, 170)
    assert state(db, "a") == expected
    assert due(db, "a")[0] == (170 + 86400 if expected == "queued" else None)


def test_an_enrolment_empties_the_queue(db: Connection) -> None:
    device_id = post(db)
    devices.update(db, device_id, enrolment=2)
    timers.suspect_all(db, NOW + 1, device_id=device_id)
    run(db, 1)
    assert state(db, "a") == "in_doubt"


def test_after_a_restart_its_device_is_pushed_to(db: Connection) -> None:
    post(db)
    run(db, 60)
    timers.suspect_all(db, NOW + 600)
    db.execute("DELETE FROM outbox")
    run(db, 600)
    assert (state(db, "a"), intended(db)) == ("queued", ["mdm main push"])


def test_a_server_that_stores_later_gets_its_time(db: Connection) -> None:
    post(db)
    timers.look_again(db, "a", NOW + 1)
    run(db, 1, stores_before_reply=False)
    assert (state(db, "a"), due(db, "a")) == ("posted", (2, None))
    run(db, 2, stores_before_reply=False)
    assert state(db, "a") == "queued"


@pytest.mark.parametrize("queue_view", [True, False])
def test_a_full_window_opens_again_and_keeps_nobody_busy(db: Connection, queue_view: bool) -> None:
    servers = {"main": replace(PLAIN, queue_view=queue_view, stores_before_reply=False)}
    policy = replace(POLICY, command=replace(POLICY.command, window=1))
    post(db)
    other = make_device(db, "S2")
    make_command(db, "b", other)
    assert device_queue.start(Context(db, policy, NOW, servers), pauses.load(db)) == 0
    first = follow_up.LOOK_AFTER if queue_view else follow_up.STORE_GRACE
    assert due(db, "a")[0] == pytest.approx(first)
    timers.look_again(db, "a", NOW + 2)  # it was looked for in vain
    assert device_queue.start(Context(db, policy, NOW + 1, servers), pauses.load(db)) == 0
    assert due(db, "a")[0] == 2
    if not queue_view:
        run(db, 2, stores_before_reply=False)
        later = Context(db, policy, NOW + 2, servers)
        assert (
            device_queue.start(later, pauses.load(db)) + device_queue.start(later, pauses.load(db))
            == 1
        )


@pytest.mark.parametrize("refused", [True, False])
def test_a_command_goes_again_under_a_uuid_that_the_server_takes(
    db: Connection, refused: bool
) -> None:
    device_id = post(db)
    commands.in_doubt(db, "a", NOW + 65)
    (install,) = installs.dirty(db, 9)
    (fact,) = facts.load(db, [install])
    context = Context(db, POLICY, NOW + 70, {"main": replace(PLAIN, repeats_are_refused=refused)})
    reconcile._post_again(context, fact, PostAgain("a"))
    open_now = [c.command_uuid for c in commands.of_install(db, install.id) if c.state == "ready"]
    assert len(open_now) == 1 and (open_now == ["a"]) is not refused
    again, before = command(db, open_now[0]), command(db, "a")
    assert (again.settings, again.attempt, again.device_id) == (
        before.settings,
        before.attempt,
        device_id,
    )
    assert state(db, "a") == ("dropped" if refused else "ready")


@pytest.mark.parametrize(
    ("pushes", "stores", "expected"),
    [(True, True, 3600), (False, True, 0), (False, False, 2), (True, False, None)],
)
def test_who_wakes_the_device_and_when(
    answer: Answer,
    monkeypatch: pytest.MonkeyPatch,
    pushes: bool,
    stores: bool,
    expected: float | None,
) -> None:
    can = replace(PLAIN, pushes_on_enqueue=pushes, stores_before_reply=stores)
    monkeypatch.setitem(SERVERS, "main", can)
    with answer.database.write() as db:
        device = make_device(db)
        make_command(db, "a", device, install_id=make_install(db))
        commands.posting(db, [("a", 1)])
    answer("command", "a", None)
    with answer.database.read() as db:
        assert state(db, "a") == ("queued" if stores else "posted")
        assert due(db, "a")[1] == expected
