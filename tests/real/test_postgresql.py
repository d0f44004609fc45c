"""The road beside a real MicroMDM, with what the bridge stores on a PostgreSQL: as it is, with the
bridge killed at each outside call, and with the server of the database crashing ten times."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import postgresql
from tests.real.bridge_evidence import INSTALL, LIST
from tests.real.bridge_kit import Rig
from tests.real.reaper import Breaker, Reaper

pytestmark = [pytest.mark.real, pytest.mark.slow]

STOPS = 10


@pytest.fixture
def server() -> Iterator[postgresql.Server]:
    if postgresql.programs() is None:
        pytest.skip("no programs of PostgreSQL to start a server of our own")
    with postgresql.own_server() as made:
        yield made


def test_devices_that_enrol_get_their_apps(tmp_path: Path, server: postgresql.Server) -> None:
    with Rig(tmp_path, devices=3, apps=2, database=server.where) as rig:
        rig.start()
        rig.ends_well()
        for device in rig.devices:
            assert rig.executed(device) == sorted(rig.world.catalogue)
        assert len(rig.posted()) == len(set(rig.posted())) == 6
        assert rig.complaints() == []
        rig.tell_figures()


def test_a_kill_at_each_outside_call(tmp_path: Path, server: postgresql.Server) -> None:
    with Rig(tmp_path, named=True, database=server.where) as rig:
        reaper = Reaper(rig)
        rig.gate.strikes = rig.apple_gate.strikes = reaper.strikes
        rig.start()
        reaper.may_read.set()
        reaper.until_all_is_installed()
        rig.judge()
        struck = {call.split()[-1] for call, _ in reaper.struck}
        assert {INSTALL, LIST, "/mdm/v2/assignments"} <= struck, reaper.struck
        assert rig.world.ledger.requests["apple.associate"] <= 2
        assert rig.executed(rig.device) == [rig.adam_id]
        rig.tell_figures(killed=len(reaper.struck))


def test_a_database_that_crashes_ten_times(tmp_path: Path, server: postgresql.Server) -> None:
    with Rig(tmp_path, devices=3, apps=2, named=True, database=server.where) as rig:
        rig.start_mdm()
        rig.start_bridge()
        rig.apply()
        breaker = Breaker(rig, server, STOPS)
        rig.gate.strikes = rig.apple_gate.strikes = breaker.strikes
        rig.enrol()
        breaker.until_all_is_installed()
        rig.judge()
        assert len(breaker.struck) == STOPS
        assert rig.rows("SELECT id FROM outbox WHERE state = 'claimed'") == []
        for device in rig.devices:
            assert rig.executed(device) == sorted(rig.world.catalogue)
        rig.tell_figures(stopped=len(breaker.struck))
