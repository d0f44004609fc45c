"""A real NanoMDM's own database, in PostgreSQL and MariaDB: who is enrolled, and nothing else."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from bridge.domain.dsn import parse_dsn
from bridge.errors import CallError, NotSent
from bridge.simulator.mdm.real_nano import RealNano
from bridge.store import nanomdm
from bridge.store.nanomdm import NanoMdmDatabase
from tests.real.bridge_kit import Rig, until
from tests.real.databases import STORAGES, Databases, Storage, running, schema_of
from tests.real.lab import API_KEY, a_device

pytestmark = pytest.mark.real


@pytest.fixture(scope="module", params=STORAGES)
def storage(request: pytest.FixtureRequest) -> Storage:
    return request.param  # type: ignore[no-any-return]


@pytest.fixture(scope="module")
def server(storage: Storage) -> Iterator[Databases]:
    with running(storage) as server:
        yield server


@pytest.fixture
def dsn(server: Databases, storage: Storage) -> str:
    return server.make(schema_of(storage))


def read(dsn: str) -> tuple[nanomdm.Enrolment, ...]:
    return NanoMdmDatabase("main", parse_dsn(dsn)).enrolments()


def test_who_is_enrolled_is_read(server: Databases, storage: Storage, dsn: str) -> None:
    """By rows as NanoMDM writes them: it does not run on MariaDB itself (v0.9.0 names the new row
    of an INSERT as MySQL 8 does)."""
    fill(server, dsn)
    found = {each.enrolment_id: each for each in read(server.reader(dsn))}
    assert set(found) == {"U-1", "U-2", "U-3", "a1B2c3"}
    assert [found[each].serial_number for each in ("U-1", "U-2", "U-3")] == ["S1", "S2", ""]
    assert [found[each].enabled for each in ("U-1", "U-2", "a1B2c3")] == [True, False, True]
    assert (found["a1B2c3"].is_user, found["U-1"].is_user) == (True, False)
    assert found["U-1"].last_seen_at == 1768487400.0


def fill(server: Databases, dsn: str) -> None:
    """A device, one that left, one that never told its serial number, a user, and a user
    enrolment."""
    for name, serial in (("U-1", "'S1'"), ("U-2", "'S2'"), ("U-3", "NULL"), ("a1B2c3", "NULL")):
        server.do(
            dsn,
            "INSERT INTO devices (id, serial_number, authenticate, authenticate_at) "
            f"VALUES ('{name}', {serial}, 'x', CURRENT_TIMESTAMP)",
        )
    server.do(dsn, "INSERT INTO users (id, device_id) VALUES ('U-1:X', 'U-1')")
    for name, device, user, kind, enabled in (
        ("U-1", "U-1", "NULL", "Device", "TRUE"),
        ("U-2", "U-2", "NULL", "Device", "FALSE"),
        ("U-3", "U-3", "NULL", "Device", "TRUE"),
        ("a1B2c3", "a1B2c3", "NULL", "User Enrollment (Device)", "TRUE"),
        ("U-1:X", "U-1", "'U-1:X'", "User", "TRUE"),
    ):
        server.do(
            dsn,
            "INSERT INTO enrollments (id, device_id, user_id, type, topic, push_magic, token_hex, "
            f"enabled, last_seen_at) VALUES ('{name}', '{device}', {user}, '{kind}', 'com.apple', "
            f"'m', 'aa', {enabled}, '2026-01-15 14:30:00')",
        )


def test_what_a_real_server_stores_is_read(postgresql: Databases, tmp_path: Path) -> None:
    dsn = postgresql.make(schema_of("pgsql"))
    options = ("-storage", "pgsql", "-storage-dsn", dsn)
    with RealNano(tmp_path, "http://127.0.0.1:9/", API_KEY, storage=options) as mdm:
        here, gone = a_device(mdm), a_device(mdm)
        byod = a_device(mdm, enrollment_id="a1B2c3")
        for device in (here, gone, byod):
            device.enrol()
        assert gone.check_out() == 200
        found = {each.enrolment_id: each for each in read(postgresql.reader(dsn))}
    assert set(found) == {here.udid, gone.udid, "a1B2c3"}
    assert found[here.udid].serial_number == here.serial_number
    assert [found[each].enabled for each in (here.udid, gone.udid, "a1B2c3")] == [True, False, True]
    assert (found["a1B2c3"].is_user, found["a1B2c3"].serial_number) == (True, "")
    assert abs((found[here.udid].last_seen_at or 0.0) - time.time()) < 600.0


def test_nothing_can_be_written(
    server: Databases, dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where the account may."""
    monkeypatch.setattr(nanomdm, "ENROLMENTS", "UPDATE devices SET serial_number = 'X'")
    with pytest.raises(CallError, match=r"(?i)read.only"):
        read(dsn)


def test_what_fails_is_told_without_the_password(server: Databases, dsn: str) -> None:
    reader = server.reader(dsn)
    with pytest.raises(NotSent, match="enrollments_dsn") as refused:
        read(reader.replace("p@ss/word", "hunter2").replace(str(server.folder), "/nowhere"))
    assert "hunter2" not in str(refused.value)
    with pytest.raises(CallError, match="cannot be read"):
        read(server.make("CREATE TABLE devices (id INTEGER)"))


def test_devices_that_say_nothing_get_their_apps(postgresql: Databases, tmp_path: Path) -> None:
    """They enrolled before there was a bridge, and come for commands alone."""
    dsn = postgresql.make(schema_of("pgsql"))
    options = ("-storage", "pgsql", "-storage-dsn", dsn)
    known = {"enrollments_dsn": postgresql.reader(dsn)}
    with Rig(tmp_path, devices=2, kind="nanomdm", storage=options, server=known) as rig:
        rig.start_mdm()
        for device in rig.devices:
            device.enrol()
        rig.start_bridge()
        until(lambda: rig.rows("SELECT 1 FROM devices WHERE enrolled = 1")[1:], "both are known")
        assert {row["serial_number"] for row in rig.rows("SELECT serial_number FROM devices")} == {
            device.serial_number for device in rig.devices
        }
        rig.apply()
        rig.live()
        rig.ends_well()
        rig.tell_figures()
