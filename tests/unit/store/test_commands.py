"""Commands: one open list a device, one unanswered install an install, and the first answer."""

import pytest

from bridge.domain.model import Device
from bridge.store import agenda
from bridge.store.commands import attempts, commands, device_queue, ends, timers
from bridge.store.commands.commands import Answer
from bridge.store.database import Connection
from bridge.store.devices import devices, queue_times
from tests.unit.store_kit import (
    KEYNOTE,
    LIST,
    NOW,
    command,
    make_command,
    make_device,
    make_install,
    make_posted,
    state,
    value,
)

YES = Answer("Acknowledged")
NO = Answer("Error", "MDMErrorDomain", 12064, "no licence", None, "Other")
HOUR = 3600.0


@pytest.fixture
def device(db: Connection) -> Device:
    return make_device(db)


def bring(db: Connection, uuid: str, to: str) -> None:
    """Take a ready command to a state."""
    if to == "ready":
        return
    commands.posting(db, [(uuid, 1)])
    if to != "posting":
        commands.posted(db, uuid, NOW, look_at=NOW + 60)
    if to == "queued":
        commands.queued(db, uuid, look_at=NOW + 60, push_at=None)
    elif to == "not_now":
        commands.not_now(db, uuid, NOW, push_at=NOW + HOUR)
    elif to in ("in_doubt", "dropped"):
        commands.in_doubt(db, uuid, NOW)
        if to == "dropped":
            ends.cancel(db, uuid, NOW, "settled_otherwise")
    elif to == "acknowledged":
        commands.answered(db, uuid, YES, NOW)
    elif to == "error":
        commands.answered(db, uuid, NO, NOW)
    assert state(db, uuid) == to


OPEN = ["ready", "posting", "posted", "queued", "not_now"]
OVER = ["acknowledged", "error", "dropped"]


@pytest.mark.parametrize("at", OPEN)
def test_a_device_is_asked_one_thing_once(db: Connection, device: Device, at: str) -> None:
    assert make_command(db, "a", device)
    bring(db, "a", at)
    assert not make_command(db, "b", device)
    assert (device.id, LIST) in commands.questions_open(db, [device.id])
    assert make_command(db, "c", device, request_type="DeviceInformation"), "another question"
    assert make_command(db, "d", make_device(db, "S2")), "another device"
    assert commands.get(db, "b") is None


@pytest.mark.parametrize("at", [*OVER, "in_doubt"])
def test_what_was_answered_or_lost_may_be_asked_again(
    db: Connection, device: Device, at: str
) -> None:
    make_command(db, "a", device)
    bring(db, "a", at)
    assert commands.questions_open(db, [device.id]) == {}
    assert make_command(db, "b", device)


@pytest.mark.parametrize("at", [*OPEN, "in_doubt"])
def test_an_install_has_one_unanswered_attempt(db: Connection, device: Device, at: str) -> None:
    pages, keynote = make_install(db), make_install(db, asset=KEYNOTE)
    assert make_command(db, "a", device, install_id=pages)
    bring(db, "a", at)
    assert not make_command(db, "b", device, install_id=pages)
    assert make_command(db, "c", device, install_id=keynote)
    assert commands.questions_open(db, [device.id]) == {}, "an install is no list"


@pytest.mark.parametrize("at", OVER)
def test_an_answered_attempt_makes_room_for_the_next(
    db: Connection, device: Device, at: str
) -> None:
    install = make_install(db)
    make_command(db, "a", device, install_id=install)
    bring(db, "a", at)
    assert make_command(db, "b", device, install_id=install, attempt=2, now=NOW + 1)
    assert attempts.of_installs(db, [install]).sends[install].command_uuid == "b"
    assert [c.command_uuid for c in commands.of_install(db, install)] == ["a", "b"]


def test_the_newest_attempt_counts(db: Connection, device: Device) -> None:
    pages, keynote = make_install(db), make_install(db, asset=KEYNOTE)
    for attempt, uuid in enumerate("abc", 1):
        make_command(db, uuid, device, install_id=pages, attempt=attempt)
        bring(db, uuid, "error")
    make_command(db, "k", device, install_id=keynote)
    found = attempts.of_installs(db, [pages, keynote, 99]).sends
    assert {i: a.command_uuid for i, a in found.items()} == {pages: "c", keynote: "k"}
    newest = found[pages]
    assert (newest.error_domain, newest.error_code) == ("MDMErrorDomain", 12064)
    assert (newest.error_text, newest.rejection_reason) == ("no licence", "Other")


def test_the_first_answer_stands(db: Connection, device: Device) -> None:
    make_command(db, "a", device)
    bring(db, "a", "queued")
    assert commands.answered(db, "a", NO, NOW + 1)
    assert not commands.answered(db, "a", YES, NOW + 2)
    kept = command(db, "a")
    assert (kept.state, kept.status, kept.answered_at) == ("error", "Error", NOW + 1)
    assert not commands.answered(db, "stranger", YES, NOW)


@pytest.mark.parametrize("at", [*OPEN, "in_doubt", "dropped"])
def test_an_answer_is_kept_whenever_it_comes(db: Connection, device: Device, at: str) -> None:
    make_command(db, "a", device)
    bring(db, "a", at)
    assert commands.answered(db, "a", YES, NOW + 1)
    found = command(db, "a")
    assert (found.state, found.look_at) == ("acknowledged", None)
    assert timers.to_push(db, NOW + 99 * HOUR, 9) == []


def test_command_format_error_is_an_error(db: Connection, device: Device) -> None:
    make_command(db, "a", device)
    commands.answered(db, "a", Answer("CommandFormatError"), NOW)
    assert (state(db, "a"), command(db, "a").status) == ("error", "CommandFormatError")


@pytest.mark.parametrize("quicker", ["acknowledged", "error", "not_now"])
def test_a_device_may_answer_before_the_server_does(
    db: Connection, device: Device, quicker: str
) -> None:
    make_command(db, "a", device)
    commands.posting(db, [("a", 1)])
    if quicker == "not_now":
        commands.not_now(db, "a", NOW, push_at=NOW + HOUR)
    else:
        commands.answered(db, "a", YES if quicker == "acknowledged" else NO, NOW)
    commands.posted(db, "a", NOW + 1, look_at=NOW + 61)
    found = command(db, "a")
    assert (found.state, found.posted_at, found.look_at) == (quicker, NOW + 1, None)


@pytest.mark.parametrize("at", ["ready", "acknowledged", "error", "dropped"])
def test_not_now_changes_nothing_that_is_over(db: Connection, device: Device, at: str) -> None:
    make_command(db, "a", device)
    bring(db, "a", at)
    commands.not_now(db, "a", NOW, push_at=NOW)
    assert state(db, "a") == at


def test_not_now_is_counted_from_the_first_time(db: Connection, device: Device) -> None:
    make_command(db, "a", device)
    bring(db, "a", "not_now")
    commands.not_now(db, "a", NOW + 500, push_at=NOW + HOUR)
    found = command(db, "a")
    assert (found.not_now_since, found.not_now_at) == (NOW, NOW + 500)
    assert [c.command_uuid for c in commands.parked(db, device.id)] == ["a"]
    assert commands.on_server(db, device.id) == [], "the queue view hides it"


@pytest.mark.parametrize("at", [*OPEN, *OVER])
def test_only_a_command_in_doubt_is_posted_again(db: Connection, device: Device, at: str) -> None:
    make_command(db, "a", device)
    bring(db, "a", at)
    commands.ready_again(db, "a", NOW + 5)
    assert (state(db, "a"), command(db, "a").due_at) == (at, NOW)


def test_posting_again_is_the_same_command(db: Connection, device: Device) -> None:
    make_command(db, "a", device)
    bring(db, "a", "in_doubt")
    commands.ready_again(db, "a", NOW + 5)
    assert (state(db, "a"), command(db, "a").due_at) == ("ready", NOW + 5)
    commands.posting(db, [("a", 3)])
    found = command(db, "a")
    assert (found.posts, found.enrolment, found.in_doubt_at) == (2, 3, None)


def test_what_is_dropped_is_neither_looked_for_nor_nudged_about(
    db: Connection, device: Device
) -> None:
    make_command(db, "a", device)
    bring(db, "a", "queued")
    commands.in_doubt(db, "a", NOW)
    db.execute("UPDATE commands SET look_at = ?, push_at = ?", (NOW, NOW))
    ends.cancel(db, "a", NOW, "settled_otherwise")
    assert agenda.look(db, NOW).timers_at is None
    timers.suspect(db, "a")
    assert command(db, "a").suspect is True


@pytest.mark.parametrize("at", ["posting", "posted", "queued", "not_now", "acknowledged", "error"])
def test_what_left_is_not_dropped(db: Connection, device: Device, at: str) -> None:
    make_command(db, "a", device)
    bring(db, "a", at)
    ends.cancel(db, "a", NOW, "settled_otherwise")
    assert state(db, "a") == at


@pytest.mark.parametrize("at", ["ready", *OVER])
def test_what_is_not_on_its_way_is_not_in_doubt(db: Connection, device: Device, at: str) -> None:
    make_command(db, "a", device)
    bring(db, "a", at)
    commands.in_doubt(db, "a", NOW + 9)
    assert state(db, "a") == at


@pytest.mark.parametrize(
    ("at", "length"), [(s, 0) for s in ["ready", "in_doubt", *OVER]] + [(s, 1) for s in OPEN[1:]]
)
def test_who_occupies_the_lane(db: Connection, device: Device, at: str, length: int) -> None:
    make_command(db, "a", device)
    bring(db, "a", at)
    assert device_queue.length(db, device.id) == length


def test_questions_go_before_installs_and_old_before_new(db: Connection, device: Device) -> None:
    for number, (serial, priority) in enumerate([("S1", 0), ("S2", 5), ("S3", 0)]):
        install = make_install(db, serial, priority=priority)
        make_command(db, f"i{number}", device, install_id=install, now=NOW - number)
    make_command(db, "q", device, now=NOW + 3)
    make_command(db, "later", device, request_type="DeviceInformation", due_at=NOW + 1)
    found = device_queue.startable(db, [device.id], NOW)[device.id]
    assert [(each.command_uuid, each.is_install) for each in found] == [
        ("q", False),
        ("i1", True),
        ("i2", True),
        ("i0", True),
    ]
    assert (found[0].adam_id, found[0].location) == (None, None)
    assert found[1].location == "hq"
    later = device_queue.startable(db, [device.id], NOW + 1)[device.id]
    assert later[0].command_uuid == "later"


def test_a_lane_is_looked_at_when_something_may_start(db: Connection, device: Device) -> None:
    assert device_queue.servers_waiting(db, NOW + HOUR) == []
    make_command(db, "a", device, due_at=NOW + 5)
    assert device_queue.servers_waiting(db, NOW + 4) == []
    assert agenda.look(db, NOW).queue_at == NOW + 5
    assert [line.device_id for line in device_queue.waiting(db, "main", NOW + 5, 9)] == [device.id]
    assert device_queue.waiting(db, "branch", NOW + 5, 9) == []
    queue_times.rest(db, {device.id: False}, NOW + 4)
    assert agenda.look(db, NOW).queue_at == NOW + 5, "that is when the command is due"
    queue_times.rest(db, {device.id: False}, NOW + 5)
    assert device_queue.servers_waiting(db, NOW + HOUR) == []


@pytest.mark.parametrize("end", ["answered", "in_doubt", "ready_again"])
def test_a_full_lane_is_looked_at_when_it_has_room(
    db: Connection, device: Device, end: str
) -> None:
    make_command(db, "a", device)
    bring(db, "a", "in_doubt" if end == "ready_again" else "posted")
    queue_times.rest(db, {device.id: True}, NOW)
    assert device_queue.servers_waiting(db, NOW + HOUR) == []
    if end == "answered":
        commands.answered(db, "a", YES, NOW)
    elif end == "in_doubt":
        commands.in_doubt(db, "a", NOW)
    else:
        commands.ready_again(db, "a", NOW)
    assert [line.device_id for line in device_queue.waiting(db, "main", NOW, 9)] == [device.id]


def test_ready_commands_are_delayed_but_never_hastened(db: Connection, device: Device) -> None:
    make_command(db, "soon", device)
    make_command(db, "late", device, request_type="DeviceInformation", due_at=NOW + 9)
    make_posted(db, "gone", device, install_id=make_install(db))
    make_command(db, "other", make_device(db, "S2"))
    device_queue.delay(db, device.id, NOW + 1)
    due = {uuid: command(db, uuid).due_at - NOW for uuid in ("soon", "late", "gone", "other")}
    assert due == {"soon": 1, "late": 9, "gone": 0, "other": 0}


def test_what_a_server_shows_proves_all_that_came_before(db: Connection) -> None:
    one, two = make_device(db, "S1"), make_device(db, "S2")
    far = make_device(db, "S3", server="branch")
    make_posted(db, "a", one, NOW)
    make_posted(db, "b", two, NOW + 1)
    make_posted(db, "c", one, NOW + 2, request_type="DeviceInformation")
    make_posted(db, "far", far, NOW)
    make_command(db, "d", two, install_id=make_install(db))
    commands.posting(db, [("d", 1)])
    assert timers.unseen(db, "main") == 4
    timers.stored_up_to(db, "main", NOW + 1, NOW + 61)
    states = {uuid: state(db, uuid) for uuid in ("a", "b", "c", "d", "far")}
    assert states == {"a": "queued", "b": "queued", "c": "posted", "d": "posting", "far": "posted"}
    assert command(db, "a").look_at == NOW + 61
    assert (timers.unseen(db, "main"), timers.unseen(db, "branch")) == (2, 1)


def test_one_look_at_the_newest_is_enough(db: Connection) -> None:
    one, two = make_device(db, "S1"), make_device(db, "S2")
    make_posted(db, "a", one, NOW)
    make_posted(db, "b", two, NOW + 1)
    timers.look_at_newest(db, "main", 2.0, 2.0)
    assert command(db, "b").look_at == NOW + 3
    assert command(db, "a").look_at == NOW + 60
    timers.look_at_newest(db, "main", 100.0, 2.0)
    assert command(db, "b").look_at == NOW + 3, "not put off"
    timers.look_at_newest(db, "branch", 2.0, 2.0)


def test_after_a_silence_all_that_a_server_may_hold_is_looked_for(db: Connection) -> None:
    for number, at in enumerate([*OPEN, "in_doubt", *OVER]):
        device = make_device(db, f"S{number}")
        make_command(db, at, device)
        bring(db, at, at)
    far = make_device(db, "far", server="branch")
    make_posted(db, "far", far)
    assert timers.suspect_all(db, NOW + 1, server="main") == 2
    looks = {row[0]: row[1] for row in db.execute("SELECT command_uuid, look_at FROM commands")}
    assert [uuid for uuid, at in looks.items() if at == NOW + 1] == ["posted", "queued"]
    assert looks["far"] == NOW + 60
    assert timers.suspect_all(db, NOW, device_id=far.id) == 1
    assert timers.suspect_all(db, NOW + 50) == 3
    assert agenda.look(db, NOW).timers_at == NOW, "not put off"


def test_looks_and_nudges_are_due_by_device(db: Connection) -> None:
    one, two = make_device(db, "S1"), make_device(db, "S2")
    make_posted(db, "a", one, NOW)
    make_posted(db, "b", one, NOW - 9, install_id=make_install(db))
    make_posted(db, "c", two, NOW - 5)
    assert timers.to_look_at(db, NOW + 54, 9) == [one.id]
    assert timers.to_look_at(db, NOW + 60, 9) == [one.id, two.id]
    assert timers.to_look_at(db, NOW + 60, 1) == [one.id]
    timers.looking(db, one.id, NOW + 120)
    assert timers.to_look_at(db, NOW + 60, 9) == [two.id]
    timers.look_again(db, "a", NOW + 2)
    assert timers.to_look_at(db, NOW + 2, 9) == [one.id]
    assert agenda.look(db, NOW).timers_at == NOW + 2
    commands.queued(db, "a", look_at=NOW + HOUR, push_at=NOW + 9)
    commands.queued(db, "a", look_at=NOW + HOUR, push_at=None)
    assert timers.to_push(db, NOW + 9, 9) == [one.id]
    timers.push_again(db, one.id, NOW + HOUR, NOW + 9)
    assert timers.to_push(db, NOW + 9, 9) == []
    assert timers.to_push(db, NOW + HOUR, 9) == [one.id]


def test_a_new_enrolment_forgets_what_the_server_forgot(db: Connection, device: Device) -> None:
    install = {at: make_install(db, at) for at in ("never posted", "again", "not_now", "posted")}
    for at, install_id in install.items():
        make_command(db, at, device, install_id=install_id)
    bring(db, "not_now", "not_now")
    bring(db, "posted", "posted")
    bring(db, "again", "in_doubt")
    commands.ready_again(db, "again", NOW)
    make_command(db, "question", device)
    bring(db, "question", "not_now")
    ends.forget_queue(db, device.id, NOW + 1)
    found = {at: state(db, at) for at in [*install, "question"]}
    assert found == {
        "never posted": "dropped",
        "again": "in_doubt",
        "not_now": "in_doubt",
        "posted": "posted",
        "question": "dropped",
    }
    assert make_command(db, "new question", device)
    assert timers.to_push(db, NOW + 99 * HOUR, 9) == []


def test_strangers_are_nobody(db: Connection, device: Device) -> None:
    make_command(db, "a", device)
    assert commands.are_ours(db, ["b", "a", "c"]) == [False, True, False]
    assert commands.get(db, "b") is None
    assert value(db, "SELECT request_type FROM commands") == LIST
    assert devices.by_id(db, 99) is None
