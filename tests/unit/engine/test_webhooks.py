"""Webhooks of one device in whatever order they come, and what each of them changes."""

import base64
import itertools
import json
from collections.abc import Sequence

import pytest

from bridge.domain.devices.installed_apps import InstalledReport
from bridge.engine.intake import inbox
from bridge.store import agenda, meta
from bridge.store.commands import commands, device_queue
from bridge.store.database import Connection, Database
from bridge.store.devices import installed_apps
from bridge.store.installs import installs
from tests.intake import process
from tests.unit.engine_kit import POLICY, at_time
from tests.unit.store_kit import (
    INSTALL,
    LIST,
    NOW,
    command,
    device_of,
    make_command,
    make_install,
    make_posted,
    state,
    value,
)

UDID = "11111111-2222-4333-8444-555555555555"
TOPICS = {"A": "mdm.Authenticate", "T": "mdm.TokenUpdate", "C": "mdm.CheckOut"}
CREATED = "2027-01-15T08:00:{:02}.5Z"


def plist(more: str = "", **members: str) -> str:
    keys = more + "".join(
        f"<key>{key}</key><string>{text}</string>" for key, text in members.items()
    )
    text = f'<?xml version="1.0"?><plist version="1.0"><dict>{keys}</dict></plist>'
    return base64.b64encode(text.encode()).decode()


def deliver(database: Database, topic: str, second: int, at: float = NOW, **event: object) -> str:
    """One webhook that its server made at that second; what came of it."""
    member = "acknowledge_event" if topic == "mdm.Connect" else "checkin_event"
    body = {
        "topic": topic,
        "event_id": f"{topic} {second}",
        "created_at": CREATED.format(second),
        member: {"udid": UDID, "raw_payload": plist(UDID=UDID, SerialNumber="s1")} | event,
    }
    inbox.receive_webhook(database, "main", json.dumps(body).encode(), at)
    process(database, at_time(at))
    with database.read() as db:
        return str(value(db, "SELECT outcome FROM events ORDER BY id DESC LIMIT 1"))


def enrolled(database: Database) -> tuple[bool | None, int]:
    with database.read() as db:
        device = device_of(db, "main", UDID)
    assert device is not None
    assert device.serial_number in ("S1", None)
    return device.enrolled, device.enrolment


def orders(story: str) -> list[Sequence[tuple[int, str]]]:
    return list(itertools.permutations(enumerate(story)))


@pytest.mark.parametrize("story", ["AT", "ATC", "ATT", "ATAT", "ATA", "ATCAT"])
def test_any_order_of_arrival_ends_alike(database: Database, story: str) -> None:
    for order in orders(story):
        for second, letter in order:
            deliver(database, TOPICS[letter], second)
        expected = {"T": True, "C": False, "A": False}[story[-1]]
        arrived = "".join(f"{letter}{second}" for second, letter in order)
        assert enrolled(database)[0] is expected, arrived
        assert enrolled(database)[1] >= 1, arrived
        with database.write() as db:
            for table in ("devices", "events", "seen_messages"):
                db.execute(f"DELETE FROM {table}")


def test_each_enrolment_is_counted(database: Database) -> None:
    for second, letter in enumerate("ATATTAT"):
        deliver(database, TOPICS[letter], second)
    assert enrolled(database) == (True, 3)
    deliver(database, "mdm.Authenticate", 2)
    assert enrolled(database) == (True, 3), "a second delivery is none"


def test_an_enrolment_begins_when_its_device_was_not_enrolled(database: Database) -> None:
    deliver(database, "mdm.Authenticate", 1, NOW)
    deliver(database, "mdm.TokenUpdate", 2, NOW + 5)
    deliver(database, "mdm.TokenUpdate", 3, NOW + 9)
    with database.read() as db:
        device = device_of(db, "main", UDID)
    assert device is not None
    assert (device.enrolled_at, device.last_seen_at) == (NOW + 5, NOW + 9)


def enrol(database: Database) -> None:
    deliver(database, "mdm.Authenticate", 1)
    deliver(database, "mdm.TokenUpdate", 2)


def test_a_new_enrolment_forgets_what_the_device_had(database: Database) -> None:
    enrol(database)
    with database.write() as db:
        device = device_of(db, "main", UDID)
        assert device is not None
        install_id = make_install(db)
        make_posted(db, "p", device, install_id=install_id)
        make_command(db, "q", device)
        db.execute(
            "INSERT INTO app_reports (device_id, bundle_id, status, reported_at) "
            "VALUES (?, 'x', 'Managed', 0)",
            (device.id,),
        )
        installed_apps.store(db, device.id, [InstalledReport("x", "there", None, None, 0, 0)])
        db.execute("UPDATE installs SET dirty_at = NULL")
    deliver(database, "mdm.Authenticate", 3, NOW + 9)
    with database.read() as db:
        assert value(db, "SELECT count(*) FROM app_reports") == 0
        assert installed_apps.reported(db, [(device.id, "x")]) == {}
        assert state(db, "q") == "dropped"
        posted = command(db, "p")
        assert (posted.state, posted.look_at, posted.suspect) == ("posted", NOW + 9, True)
        assert len(installs.dirty(db, 9)) == 1


def test_a_device_without_a_serial_number_is_asked_for_soon(database: Database) -> None:
    no_serial = {"raw_payload": plist(UDID=UDID)}
    deliver(database, "mdm.TokenUpdate", 2, **no_serial)
    with database.read() as db:
        assert agenda.look(db, NOW).jobs_at == NOW + 2
        assert meta.due_jobs(db, NOW + 2) == ["devices:main"]


def answer(
    database: Database, uuid: str, status: str, at: float = NOW + 60, more: str = "", **members: str
) -> str:
    payload = plist(more, UDID=UDID, Status=status, CommandUUID=uuid, **members)
    return deliver(
        database, "mdm.Connect", int(at - NOW), at, status=status, command_uuid=uuid,
        raw_payload=payload,
    )  # fmt: skip


def open_commands(database: Database, *, ready: bool = True) -> None:
    """An install `i` and a list `q` that were posted, and a question `r` that is ready."""
    enrol(database)
    with database.write() as db:
        device = device_of(db, "main", UDID)
        assert device is not None
        make_posted(db, "i", device, install_id=make_install(db))
        make_posted(db, "q", device, NOW - 5)
        if ready:
            make_command(db, "r", device, request_type="DeviceInformation")
        db.execute("UPDATE installs SET dirty_at = NULL")


def due(db: Connection) -> float:
    return command(db, "r").due_at - NOW


def test_an_answer_is_kept_and_the_next_command_waits_a_moment(database: Database) -> None:
    open_commands(database)
    assert answer(database, "i", "Acknowledged") == f"{INSTALL}: Acknowledged"
    with database.read() as db:
        assert (state(db, "i"), command(db, "i").answered_at) == ("acknowledged", NOW + 60)
        assert state(db, "q") == "queued", "it was posted before, so it is stored"
        assert due(db) == pytest.approx(60.1)
        assert len(installs.dirty(db, 9)) == 1


def test_later_connections_do_not_put_it_off(database: Database) -> None:
    open_commands(database)
    with database.write() as db:
        commands.in_doubt(db, "q", NOW)
    answer(database, "i", "Acknowledged")
    for second in (30, 40):
        deliver(database, "mdm.Connect", second, NOW + 60.05, status="Idle", command_uuid="",
                raw_payload=plist(UDID=UDID, Status="Idle"))  # fmt: skip
    assert "answered again" in answer(database, "i", "Error", at=NOW + 59)
    with database.read() as db:
        assert due(db) == pytest.approx(60.1)


def test_a_refusal_is_kept_with_its_reason(database: Database) -> None:
    open_commands(database)
    assert answer(database, "q", "Error") == f"{LIST}: Error"
    with database.read() as db:
        device = device_of(db, "main", UDID)
        assert state(db, "q") == "error"
        assert device is not None and device.apps_refused_at == NOW + 60
        assert not device.apps_known
        assert len(installs.dirty(db, 9)) == 1, "whoever waits for the list decides anew"


def test_a_device_that_would_not_say_what_it_is(database: Database) -> None:
    open_commands(database)
    answer(database, "r", "Error")
    with database.read() as db:
        device = device_of(db, "main", UDID)
    assert device is not None and device.facts_at == NOW + 60


@pytest.mark.parametrize(("enrolment", "kept"), [(1, {"a.b", "c.d"}), (0, set())])
def test_a_list_of_installed_apps_tells_of_what_it_was_asked_for_in_its_enrolment(
    database: Database, enrolment: int, kept: set[str]
) -> None:
    open_commands(database)
    with database.write() as db:
        device = device_of(db, "main", UDID)
        assert device is not None
        db.execute(
            "UPDATE commands SET request_type = 'InstalledApplicationList', state = 'posted', "
            """identifiers = '["a.b", "c.d"]', enrolment = ? WHERE command_uuid = 'q'""",
            (device.enrolment - 1 + enrolment,),
        )
    told = (
        "<key>InstalledApplicationList</key><array>"
        "<dict><key>Identifier</key><string>c.d</string></dict>"
        "<dict><key>Identifier</key><string>e.f</string></dict></array>"
    )
    answer(database, "q", "Acknowledged", more=told)
    with database.read() as db:
        asked = [(device.id, each) for each in ("a.b", "c.d", "e.f", "x")]
        found = installed_apps.reported(db, asked)
    assert {bundle_id for _, bundle_id in found} == kept
    if kept:
        assert found[device.id, "a.b"].presence == "absent"
        assert found[device.id, "c.d"].presence == "there"


def test_of_a_chain_of_errors_the_one_that_tells_is_kept(database: Database) -> None:
    open_commands(database)
    links = "".join(
        f"<dict><key>ErrorDomain</key><string>{domain}</string>"
        f"<key>ErrorCode</key><integer>{code}</integer></dict>"
        for domain, code in (("Odd", 1), ("ASDServerErrorDomain", 9610))
    )
    answer(database, "i", "Error", more=f"<key>ErrorChain</key><array>{links}</array>")
    with database.read() as db:
        row = db.execute(
            "SELECT error_domain, error_code FROM commands WHERE command_uuid = 'i'"
        ).fetchone()
    assert tuple(row) == ("ASDServerErrorDomain", 9610)


def test_not_now_keeps_the_lane_and_is_nudged_about(database: Database) -> None:
    open_commands(database, ready=False)
    assert answer(database, "i", "NotNow") == f"{INSTALL}: NotNow"
    with database.read() as db:
        found = command(db, "i")
        assert (found.state, found.not_now_since) == ("not_now", NOW + 60)
        assert value(db, "SELECT push_at FROM commands WHERE command_uuid = 'i'") == NOW + 60 + 1800
        device = device_of(db, "main", UDID)
        assert device is not None and device_queue.length(db, device.id) == 2
        assert len(installs.dirty(db, 9)) == 1


def test_what_is_no_answer_changes_no_command(database: Database) -> None:
    open_commands(database)
    answer(database, "i", "Idle")
    with database.read() as db:
        assert state(db, "i") in ("posted", "queued")


@pytest.mark.parametrize("uuid", ["i", "q"])
@pytest.mark.parametrize("status", ["Odd", ""])
def test_what_is_answered_with_a_status_that_nobody_knows_stays_open(
    database: Database, uuid: str, status: str
) -> None:
    open_commands(database)
    outcome = answer(database, uuid, status)
    assert f"its status is unknown: {status or 'none'}" in outcome
    with database.read() as db:
        assert state(db, uuid) == "queued"
        assert value(db, f"SELECT odd_answers FROM commands WHERE command_uuid = '{uuid}'") == 1
        device = device_of(db, "main", UDID)
        assert device is not None and device_queue.length(db, device.id) == 1, (
            "it holds up no other"
        )
    answer(database, uuid, "Acknowledged", at=NOW + 59)
    with database.read() as db:
        assert state(db, uuid) == "acknowledged", "the server offers it again"


def test_an_answer_of_another_device_is_not_this_ones(database: Database) -> None:
    open_commands(database)
    with database.write() as db:
        db.execute("UPDATE commands SET device_id = 99 WHERE command_uuid = 'i'")
    assert "somebody else" in answer(database, "i", "Acknowledged")
    with database.read() as db:
        assert state(db, "i") == "posted"


def test_whoever_connects_is_enrolled(database: Database) -> None:
    idle = {"raw_payload": plist(UDID=UDID, Status="Idle"), "status": "Idle"}
    assert deliver(database, "mdm.Connect", 1, **idle) == "idle"
    assert enrolled(database) == (True, 1)
    deliver(database, "mdm.CheckOut", 2)
    deliver(database, "mdm.Connect", 3, **idle)
    assert enrolled(database) == (False, 1), "unless it said good-bye"


def test_a_device_that_comes_back_after_a_long_silence_is_decided_anew(
    database: Database,
) -> None:
    enrol(database)
    idle = {"raw_payload": plist(UDID=UDID, Status="Idle"), "status": "Idle"}
    with database.write() as db:
        make_install(db)
        db.execute("UPDATE installs SET dirty_at = NULL")
    silent = POLICY.device.silent_after
    for second, (at, touched) in enumerate([(silent - 1, 0), (2 * silent - 1, 1)], 10):
        deliver(database, "mdm.Connect", second, NOW + at, **idle)
        with database.write() as db:
            assert len(installs.dirty(db, 9)) == touched
            db.execute("UPDATE installs SET dirty_at = NULL")


@pytest.mark.parametrize(("tries", "due_in"), [(1, 1.0), (2, 10.0), (3, None)])
def test_when_a_message_that_fails_is_tried_again(
    database: Database, monkeypatch: pytest.MonkeyPatch, tries: int, due_in: float | None
) -> None:
    def fail(*_: object) -> str:
        raise KeyError("made to fail")

    monkeypatch.setitem(inbox.HANDLERS, "mdm", fail)
    deliver(database, "mdm.TokenUpdate", 2)
    at = NOW
    for _ in range(tries - 1):
        at += 10.0
        process(database, at_time(at))
    with database.read() as db:
        row = db.execute("SELECT status, tries, next_try_at FROM events").fetchone()
        counted = meta.counters(db).get("mdm.set_aside", 0)
    assert row["tries"] == tries
    assert counted == (1 if due_in is None else 0)
    assert row["status"] == ("set_aside" if due_in is None else "new")
    if due_in is not None:
        assert row["next_try_at"] == at + due_in
