"""The bridge is killed at each outside call, beside a real NanoMDM and NanoHUB.

Each kind of call is cut off twice: before it reaches its server, and before its reply is given. The
bridge is started again at once, and in the end every install ends right, once.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from bridge.simulator.mdm.real_nano import RealNano
from tests.real.bridge_evidence import INSTALL, LIST
from tests.real.bridge_kit import Rig, Stand
from tests.real.reaper import Reaper

pytestmark = [pytest.mark.real, pytest.mark.slow]


def test_a_kill_at_each_outside_call(tmp_path: Path, stand: Stand) -> None:
    with Rig(tmp_path, named=True, **stand) as rig:
        assert isinstance(rig.mdm, RealNano)
        reaper = Reaper(rig)
        rig.gate.strikes = rig.apple_gate.strikes = reaper.strikes
        rig.start()
        reaper.may_read.set()
        reaper.until_all_is_installed()
        rig.judge()
        struck = {call.split()[-1] for call, _ in reaper.struck}
        reads = {"/mdm/v2/assignments", f"{rig.mdm.api}/enrollments/query"}
        assert {INSTALL, LIST} | reads <= struck, reaper.struck
        assert rig.world.ledger.requests["apple.associate"] <= 2
        assert rig.executed(rig.device) == [rig.adam_id]
        rig.tell_figures(killed=len(reaper.struck))
