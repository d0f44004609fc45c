"""Three web sides and three engines on one PostgreSQL, beside a real MicroMDM: killed at random,
and with the database crashing, everything is installed, once."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests import postgresql
from tests.real.bridge_kit import Rig, wait_until_alive
from tests.real.several import WITHIN, Chaos, Several

pytestmark = [pytest.mark.real, pytest.mark.slow, pytest.mark.timeout(1200)]

KILLS, CRASHES = 8, 2


@pytest.mark.parametrize("seed", [1])
def test_parts_are_killed_at_random(tmp_path: Path, seed: int) -> None:
    if postgresql.programs() is None:
        pytest.skip("no programs of PostgreSQL to start a server of our own")
    with (
        postgresql.own_server() as server,
        Rig(tmp_path, devices=3, apps=2, named=True, database=server.where) as rig,
    ):
        rig.process = several = Several(rig)
        try:
            rig.start_mdm()
            several.start()
            wait_until_alive(rig.api, several, WITHIN)
            rig.apply()
            chaos = Chaos(rig, several, server, seed, KILLS, CRASHES)
            rig.gate.strikes = rig.apple_gate.strikes = chaos.strikes
            rig.enrol()
            chaos.until_all_is_installed()
            rig.judge()
            assert len(chaos.struck) == KILLS + CRASHES
            assert rig.rows("SELECT id FROM outbox WHERE state = 'claimed'") == []
            for device in rig.devices:
                assert rig.executed(device) == sorted(rig.world.catalogue)
            rig.tell_figures(killed=several.kills, crashed=CRASHES)
        finally:
            several.stop()
