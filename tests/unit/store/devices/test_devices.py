"""Devices that move from one server to another."""

from __future__ import annotations

from bridge.store.commands import commands, ends
from bridge.store.database import Connection
from bridge.store.devices import devices
from tests.unit.store_kit import NOW, make_command, make_device


def test_the_same_device_at_another_server_is_known_by_its_udid(db: Connection) -> None:
    old = make_device(db, udid="U")
    new = make_device(db, udid="U", server="next")
    make_device(db, "S2", udid="ANOTHER", server="next")
    assert [each.id for each in devices.elsewhere(db, new)] == [old.id]
    devices.update(db, old.id, moved_to="next", moved_at=NOW, enrolled=0)
    assert devices.elsewhere(db, new) == []
    assert [each.id for each in devices.moves(db, "S1")] == [old.id]
    assert devices.current(db, ["S1"])["S1"].id == new.id


def test_what_it_said_there_is_known_here_until_it_says_it_anew(db: Connection) -> None:
    old = make_device(db, udid="U", os_version="18.1")
    devices.learn(db, old.id, {"name": "iPad"}, NOW)
    old_again = devices.by_id(db, old.id)
    new = devices.ensure(db, "next", udid="U", enrollment_id=None, now=NOW + 9)
    devices.learn(db, new.id, {"os_version": "18.2", "name": "iPad"}, NOW + 9)
    now_known = devices.by_id(db, new.id)
    assert old_again is not None and now_known is not None
    devices.inherit(db, now_known, old_again)
    found = devices.by_id(db, new.id)
    assert found is not None
    assert (found.serial_number, found.os_version) == ("S1", "18.2")
    assert devices.firsts(db, new.id)["name"].at == NOW, "an apply could know it by then"


def test_what_was_open_is_left_behind(db: Connection) -> None:
    device = make_device(db)
    assert make_command(db, "C", device)
    ends.leave_behind(db, device.id)
    found = commands.get(db, "C")
    assert found is not None and found.state == "dropped"
