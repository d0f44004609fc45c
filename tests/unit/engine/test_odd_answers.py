"""Whatever one thing in an answer is odd: its command is settled, and nothing else is touched."""

import base64
import json
import plistlib
from typing import Any

import pytest

from bridge.domain.model import Asset
from bridge.engine.intake import inbox
from bridge.store.catalog import apps
from bridge.store.database import Connection, Database
from bridge.store.devices import devices
from tests.intake import process
from tests.odd_messages import ODD, Message, Path, places, put
from tests.unit.engine_kit import at_time
from tests.unit.store_kit import NOW, device_of, make_install, make_posted, state, value

UDID = "11111111-2222-4333-8444-555555555555"
OURS, OTHER, FOREIGN = "com.example.ours", "com.example.other", "org.example.foreign"
ENTRY = {
    "Status": "Managed",
    "ManagementFlags": 1,
    "IsValidated": True,
    "HasConfiguration": False,
    "ExternalVersionIdentifier": 861029384,
}
PARTS: dict[str, Message] = {
    "ManagedApplicationList": {
        "ManagedApplicationList": {each: dict(ENTRY) for each in (OURS, OTHER, FOREIGN)}
    },
    "InstalledApplicationList": {
        "InstalledApplicationList": [
            {"Identifier": each, "Name": each, "Version": "1", "Installing": False}
            for each in (OURS, OTHER, FOREIGN)
        ]
    },
    "DeviceInformation": {
        "QueryResponses": {
            "SerialNumber": "S1",
            "ProductName": "iPad13,18",
            "OSVersion": "18.1",
            "UDID": UDID,
        }
    },
    "InstallApplication": {"Identifier": OURS, "State": "Installing"},
    "RemoveApplication": {"Identifier": OURS},
}
CHAIN = [
    {
        "ErrorDomain": "ASDServerErrorDomain",
        "ErrorCode": 9610,
        "LocalizedDescription": "Keine Lizenz",
        "USEnglishDescription": "License not found",
    }
]
CASES = [
    *((kind, "Acknowledged", parts) for kind, parts in PARTS.items()),
    *((kind, "Error", {"ErrorChain": CHAIN}) for kind in PARTS),
    *((kind, "NotNow", {}) for kind in PARTS),
]
SETTLED = {"Acknowledged": "acknowledged", "Error": "error", "NotNow": "not_now"}


def message(status: str, parts: Message) -> Message:
    return {"UDID": UDID, "CommandUUID": "c", "Status": status} | parts


def prepare(db: Connection, kind: str) -> None:
    """A device with two apps of ours, and one open command."""
    devices.ensure(db, "main", udid=UDID, enrollment_id=None, now=NOW)
    device = device_of(db, "main", UDID)
    assert device is not None
    db.execute("UPDATE devices SET serial_number = 'S1', enrolled = 1, enrolment = 1")
    ids = []
    for adam_id, bundle_id in (("1", OURS), ("2", OTHER)):
        ids.append(make_install(db, "S1", Asset(adam_id)))
        apps.learn_app(db, adam_id, bundle_id=bundle_id, name=None, source="file")
    make_posted(db, "c", device, NOW, install_id=ids[0] if "Application" in kind[-11:] else None)
    identifiers = json.dumps([OURS, OTHER])
    db.execute(
        "UPDATE commands SET request_type = ?, enrolment = 1, identifiers = ?", (kind, identifiers)
    )


def deliver(database: Database, status: str, payload: bytes) -> Any:
    """One answer through the door; the event as it is kept."""
    event = {
        "udid": UDID,
        "command_uuid": "c",
        "status": status,
        "raw_payload": base64.b64encode(payload).decode(),
    }
    body = {"topic": "mdm.Connect", "event_id": "e", "created_at": "2027-01-15T08:00:01Z"}
    inbox.receive_webhook(
        database, "main", json.dumps(body | {"acknowledge_event": event}).encode(), NOW + 60
    )
    process(database, at_time(NOW + 60))
    with database.read() as db:
        return db.execute("SELECT status, outcome, error FROM events").fetchone()


def clean(database: Database) -> None:
    tables = ("devices", "events", "seen_messages", "commands", "installs", "apps")
    with database.write() as db:
        for table in (*tables, "app_reports", "installed_apps", "unreadable_answers"):
            db.execute(f"DELETE FROM {table}")


def reports(db: Connection, kind: str) -> dict[str, str]:
    table, column = ("app_reports", "status")
    if kind == "InstalledApplicationList":
        table, column = ("installed_apps", "presence")
    found = db.execute(f"SELECT bundle_id, {column} FROM {table} WHERE {column} IS NOT NULL")
    return {row[0]: row[1] for row in found}


def entry_of(kind: str, path: Path) -> str | None:
    """The app whose own entry a place is in."""
    if len(path) < 2 or path[0] != kind:
        return None
    return str(path[1]) if isinstance(path[1], str) else (OURS, OTHER, FOREIGN)[path[1]]


@pytest.mark.sweep
@pytest.mark.parametrize(("kind", "status", "parts"), CASES, ids=lambda each: str(each)[:12])
def test_one_odd_value_never_leaves_a_command_open(
    database: Database, kind: str, status: str, parts: Message
) -> None:
    whole = message(status, parts)
    for path in places(whole):
        for odd in ODD:
            with database.write() as db:
                prepare(db, kind)
            said = f"{kind} {status}: {odd!r} at {path}"
            kept = deliver(database, status, plistlib.dumps(put(whole, path, odd)))
            assert (kept["status"], kept["error"]) == ("done", None), said
            with database.read() as db:
                assert state(db, "c") == SETTLED[status], said
                check_apps(db, kind, status, path, said)
            clean(database)


def check_apps(db: Connection, kind: str, status: str, path: Path, said: str) -> None:
    """What the answer says of an app is known, unless the odd thing is in its own entry or the
    whole list is odd."""
    if status != "Acknowledged" or not kind.endswith("List") or path == (kind,):
        return
    of = entry_of(kind, path)
    expected = "Managed" if kind == "ManagedApplicationList" else "there"
    found = reports(db, kind)
    for bundle_id in {OURS, OTHER} - {of}:
        assert found.get(bundle_id) == expected, said
    refused = value(db, "SELECT count(*) FROM unreadable_answers WHERE bundle_id IN ('', ?)", OTHER)
    assert not refused or of in (OTHER, None), said


@pytest.mark.sweep
@pytest.mark.parametrize("kind", PARTS)
@pytest.mark.parametrize("status", SETTLED)
def test_bytes_that_are_cut_or_hit_never_leave_a_command_open(
    database: Database, kind: str, status: str
) -> None:
    for form in (plistlib.FMT_XML, plistlib.FMT_BINARY):
        whole = plistlib.dumps(message(status, PARTS[kind]), fmt=form)
        for at in range(0, len(whole), max(1, len(whole) // 40)):
            for damaged in (whole[:at], whole[:at] + b"\0" + whole[at + 1 :]):
                with database.write() as db:
                    prepare(db, kind)
                kept = deliver(database, status, damaged)
                assert (kept["status"], kept["error"]) == ("done", None), damaged
                with database.read() as db:
                    assert state(db, "c") == SETTLED[status], damaged
                clean(database)
