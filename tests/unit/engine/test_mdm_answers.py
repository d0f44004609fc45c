"""What an answer from an MDM server changes: its queue, its devices, a command."""

from pathlib import Path

import pytest

from bridge.app.calls import make_calls
from bridge.clients.apple.replies import Envelope
from bridge.clients.mdm.port import MdmDevice, QueuedCommand
from bridge.domain.model import Asset
from bridge.store.commands import commands, device_queue, timers
from bridge.store.database import Database
from bridge.store.devices import devices
from bridge.store.outbox import outbox
from tests.unit.engine_kit import Answer, FakeClients, configuration, dirty
from tests.unit.store_kit import (
    NOW,
    device_of,
    intend,
    make_device,
    make_install,
    make_posted,
    pair,
    state,
    value,
)

A, B, C = pair("A"), pair("B"), pair("C")
NOBODY = Envelope(None, None, None)


def looked(database: Database, answer: Answer, *listed: str, at: float) -> dict[str, str]:
    """Look at the queue of the device S1; the states of all commands after it."""
    with database.read() as db:
        device_id = value(db, "SELECT id FROM devices WHERE serial_number = 'S1'")
    queue = tuple(QueuedCommand(uuid, b"") for uuid in listed)
    answer("queue", str(device_id), queue, at=at)
    with database.read() as db:
        return {row[0]: row[1] for row in db.execute("SELECT command_uuid, state FROM commands")}


def post(database: Database, **posted: float) -> None:
    """Installs for S1, each posted at some second."""
    with database.write() as db:
        device = make_device(db)
        for number, (uuid, at) in enumerate(posted.items()):
            install_id = make_install(db, "S1", Asset(str(number)))
            make_posted(db, uuid, device, NOW + at, install_id=install_id)
        db.execute("UPDATE installs SET dirty_at = NULL")


def test_a_command_that_the_queue_shows_waits_for_its_device(
    database: Database, answer: Answer
) -> None:
    post(database, a=0)
    assert looked(database, answer, "a", "stranger", at=NOW + 60) == {"a": "queued"}
    with database.read() as db:
        row = db.execute("SELECT look_at, push_at FROM commands").fetchone()
    assert tuple(row) == (NOW + 120, NOW + 3600)


@pytest.mark.parametrize(
    ("came", "age", "held_up"),
    [(None, 900, 1), (-1, 900, 1), (5, 64, 1), (5, 65, 0)],
    ids=["did not come", "came before it was posted", "may still answer", "left it open"],
)
def test_a_command_that_its_device_left_open_holds_up_no_other(
    database: Database, answer: Answer, came: float | None, age: float, held_up: int
) -> None:
    post(database, a=0)
    with database.write() as db:
        device_id = value(db, "SELECT id FROM devices")
        if came is not None:
            timers.offered(db, device_id, NOW + came, NOW + came + 60)
    assert looked(database, answer, "a", at=NOW + age) == {"a": "queued"}
    with database.read() as db:
        assert device_queue.length(db, device_id) == held_up
    assert dirty(database) == (set() if held_up else {"S1"})


@pytest.mark.parametrize(
    ("age", "suspect", "expected", "look_at"),
    [
        (1, False, "posted", 2),  # the server may not have stored it yet
        (2, False, "queued", 60),  # stored, and on its way to be answered
        (59, False, "queued", 60),
        (60, False, "in_doubt", None),
        (1, True, "posted", 2),
        (2, True, "queued", 3),  # its answer may be on its way
    ],
)
def test_a_command_that_the_queue_does_not_show(
    database: Database,
    answer: Answer,
    age: float,
    suspect: bool,
    expected: str,
    look_at: float | None,
) -> None:
    post(database, a=0)
    if suspect:
        with database.write() as db:
            timers.suspect_all(db, NOW)
    assert looked(database, answer, at=NOW + age) == {"a": expected}
    with database.read() as db:
        at = value(db, "SELECT look_at FROM commands")
    assert at == (None if look_at is None else NOW + look_at)
    assert dirty(database) == ({"S1"} if expected == "in_doubt" else set())


def test_a_question_that_was_lost_makes_room_for_another(
    database: Database, answer: Answer
) -> None:
    with database.write() as db:
        device = make_device(db)
        make_posted(db, "q", device)
        make_install(db)
        db.execute("UPDATE installs SET dirty_at = NULL")
    assert looked(database, answer, at=NOW + 60) == {"q": "dropped"}
    assert dirty(database) == {"S1"}, "whoever needs the answer asks again"


def test_parked_commands_are_not_looked_for(database: Database, answer: Answer) -> None:
    post(database, a=0)
    with database.write() as db:
        commands.not_now(db, "a", NOW, push_at=NOW + 9)
    assert looked(database, answer, at=NOW + 999) == {"a": "not_now"}


def shown(serial: str, *, enrolled: bool = True, udid: str = "U") -> MdmDevice:
    return MdmDevice(udid, serial, enrolled, NOW - 500, "")


def one_device(database: Database) -> tuple[str | None, bool | None, int]:
    with database.read() as db:
        device = device_of(db, "main", "U")
    assert device is not None
    return device.serial_number, device.enrolled, device.enrolment


def test_a_server_shows_devices_that_nobody_told_us_of(database: Database, answer: Answer) -> None:
    with database.write() as db:
        make_install(db, "S1")
        db.execute("UPDATE installs SET dirty_at = NULL")
    answer("read_devices", "", (shown("s1"), shown("DEP", udid="")))
    assert one_device(database) == ("S1", True, 1)
    assert dirty(database) == {"S1"}
    with database.read() as db:
        assert value(db, "SELECT count(*) FROM devices") == 1, "a DEP record is no device yet"
        assert value(db, "SELECT value FROM meta WHERE key LIKE 'devices_read_at%'") == str(NOW)
    answer("read_devices", "", (shown("s1", enrolled=False),), at=NOW + 1)
    assert one_device(database) == ("S1", False, 1)


def test_a_webhook_since_the_read_began_knows_better(database: Database, answer: Answer) -> None:
    answer("read_devices", "", (shown("S1"),))
    with database.write() as db:
        device = device_of(db, "main", "U")
        assert device is not None
        devices.update(db, device.id, enrolled=0, last_seen_at=NOW + 10)
    answer("read_devices", "", (shown("S1"),), at=NOW + 10)
    assert one_device(database)[1] is False
    answer("read_devices", "", (shown("S1"),), at=NOW + 11)
    assert one_device(database)[1] is True


def test_a_device_without_a_serial_is_asked_for_it(database: Database, answer: Answer) -> None:
    for minutes in (0, 5, 10.1):
        answer("read_devices", "", (shown(""),), at=NOW + minutes * 60)
        with database.write() as db:
            asked = value(db, "SELECT count(*) FROM commands")
            db.execute("UPDATE commands SET state = 'dropped'")
        assert asked == (1 if minutes < 10 else 2)
    with database.read() as db:
        assert value(db, "SELECT DISTINCT request_type FROM commands") == "DeviceInformation"


def test_a_command_is_sent_only_while_it_is_to_be_posted(
    database: Database, tmp_path: Path
) -> None:
    clients = FakeClients(None)
    calls = make_calls(database, clients, configuration(tmp_path))
    post(database, a=0)
    with database.write() as db:
        intend(db, "command", "a", subject="a", service="mdm", scope="main")
        (row,) = outbox.claim(db, NOW, 1, "mdm", "main")
    calls["command"].perform(row)
    assert clients.calls == [], "it was answered, or taken, meanwhile"
    with database.read() as db:
        assert state(db, "a") == "posted"
