"""Lists of what Apple has and of what goes out, paged through."""

import pytest

from bridge.domain.devices.targets import of_user
from bridge.store.catalog import apps
from bridge.store.database import Connection
from bridge.store.licences import assignments, locations
from bridge.store.outbox import outbox
from bridge.store.views import licences as lists_apple
from bridge.store.views import outbox as lists_calls
from tests.unit.store_kit import (
    INSTALL,
    KEYNOTE,
    NOW,
    PAGES,
    everything,
    intend,
    make_command,
    make_device,
    make_install,
    make_posted,
    pair,
)

SEATS = {
    "product_type": "App",
    "total": 10,
    "available": 7,
    "assigned": 2,
    "retired": 1,
    "unlimited": False,
    "device_assignable": True,
    "revocable": True,
    "platforms": "iOS",
}


@pytest.mark.parametrize("limit", [1, 2, 3, 9])
def test_assets_come_by_location_and_app(db: Connection, limit: int) -> None:
    for location in ("hq", "branch"):
        locations.store_assets(db, location, [(PAGES, SEATS), (KEYNOTE, SEATS)], NOW)
    apps.learn_app(db, PAGES.adam_id, bundle_id="com.apple.Pages", name="Pages", source="file")
    found = everything(lists_apple.assets, db, limit)
    keys = [(item["location"], item["adam_id"]) for item in found]
    assert keys == sorted(keys) and len(set(keys)) == 4
    (item,) = everything(lists_apple.assets, db, limit, location="hq", adam_id=PAGES.adam_id)
    assert item == {
        "location": "hq",
        "adam_id": PAGES.adam_id,
        "pricing_param": "STDQ",
        "name": "Pages",
        "bundle_id": "com.apple.Pages",
        "product_type": "App",
        "platforms": "iOS",
        "unlimited": False,
        "total": 10,
        "available": 7,
        "assigned": 2,
        "retired": 1,
        "device_assignable": True,
        "revocable": True,
        "read_at": "2027-01-15T08:00:00.000Z",
        "counted_at": "2027-01-15T08:00:00.000Z",
    }


@pytest.mark.parametrize("limit", [1, 2, 3, 9])
def test_assignments_come_by_location_app_and_holder(db: Connection, limit: int) -> None:
    assignments.confirm(
        db, "hq", [pair("B"), pair("A"), pair("A", KEYNOTE)], told_by="read", now=NOW
    )
    assignments.confirm(db, "branch", [pair("C")], told_by="status", now=NOW)
    found = everything(lists_apple.assignments, db, limit)
    keys = [(item["location"], item["adam_id"], item["serial_number"]) for item in found]
    assert keys == sorted(keys) and len(set(keys)) == 4
    (item,) = everything(lists_apple.assignments, db, limit, serial="A", adam_id=PAGES.adam_id)
    assert (item["location"], item["confirmed_by"], item["client_user_id"]) == ("hq", "read", None)
    assert len(everything(lists_apple.assignments, db, limit, location="branch")) == 1


def test_locations_tell_no_token(db: Connection) -> None:
    locations.update(db, "hq", token_file_expires_at=NOW + 9, token_apple_expires_at=NOW)
    locations.update(db, "branch", notification_token_sha256="secret", token_digest="secret")
    found = everything(lists_apple.locations, db, 1)
    assert [item["name"] for item in found] == ["branch", "hq"]
    assert [item["token_expires_at"] for item in found] == [None, "2027-01-15T08:00:00.000Z"]
    assert "secret" not in found[0].values()


@pytest.mark.parametrize("limit", [1, 2, 3, 9])
def test_the_newest_calls_come_first(db: Connection, limit: int) -> None:
    for number in range(3):
        intend(db, "push", str(number), service="mdm", scope="main", subject="secret")
    outbox.done(db, intend(db), NOW + 1)
    found = everything(lists_calls.outbox, db, limit)
    assert [item["key"] for item in found] == ["", "2", "1", "0"]
    assert "secret" not in found[1].values()
    (item,) = everything(lists_calls.outbox, db, limit, service="apple", scope="hq", state="done")
    assert (item["kind"], item["settled_at"]) == ("read_assets", "2027-01-15T08:00:01.000Z")
    assert len(everything(lists_calls.outbox, db, limit, kind="push")) == 3


@pytest.mark.parametrize("limit", [1, 2, 3, 9])
def test_the_newest_commands_come_first(db: Connection, limit: int) -> None:
    device = make_device(db, "A")
    other = make_device(db, "B", server="branch")
    make_posted(db, "1", device, install_id=make_install(db, "A"))
    make_command(db, "3", device, now=NOW + 1)
    make_command(db, "2", other, now=NOW + 1)
    found = everything(lists_calls.commands, db, limit)
    assert [item["command_uuid"] for item in found] == ["3", "2", "1"]
    (item,) = everything(lists_calls.commands, db, limit, request_type=INSTALL, state="posted")
    assert (item["serial_number"], item["adam_id"]) == ("A", PAGES.adam_id)
    assert (item["server"], item["udid"], item["posts"]) == ("main", "UDID-A", 1)
    assert [c["server"] for c in everything(lists_calls.commands, db, limit, serial="B")] == [
        "branch"
    ]
    assert len(everything(lists_calls.commands, db, limit, server="main")) == 2


def test_a_cursor_holds_any_name(db: Connection) -> None:
    for user in ("Ü", "Ä" * 255):
        db.execute(
            "INSERT INTO assignments VALUES ('hq', '1', 'STDQ', ?, 1, 'read', 1, 0)",
            (of_user(user),),
        )
    found = everything(lists_apple.assignments, db, 1)
    assert [item["client_user_id"] for item in found] == ["Ä" * 255, "Ü"]
