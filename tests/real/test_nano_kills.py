"""The bridge is killed at each outside call, beside a real NanoMDM and NanoHUB.

Each kind of call is cut off twice: before it reaches its server, and before its reply is given. The
bridge is started again at once, and in the end every install ends right, once.
"""

from __future__ import annotations

import re
import threading
from pathlib import Path

import pytest

from bridge.simulator.mdm.real_nano import RealNano
from tests.real.bridge_evidence import INSTALL, LIST
from tests.real.bridge_kit import Rig, Stand, until

pytestmark = [pytest.mark.real, pytest.mark.slow]

WITHIN = 240.0
_CHANGES = re.compile("/enqueue/|/push/|assets/associate")


class Reaper:
    """Kills the bridge at each kind of call, once before it and once after it; at those that read
    only once it `may_read`, since the rig waits for a bridge that came up."""

    def __init__(self, rig: Rig) -> None:
        self.may_read = threading.Event()
        self.struck: list[tuple[str, str]] = []
        self.died = threading.Event()
        self._rig = rig
        self._lock = threading.Lock()

    def strikes(self, call: str, when: str) -> bool:
        """See `Gate`."""
        if not (_CHANGES.search(call) or self.may_read.is_set()):
            return False
        with self._lock:
            if self.died.is_set():
                return True  # it comes from one that is dead by now
            if (call, when) in self.struck:
                return False
            self.struck.append((call, when))
            self._rig.process.kill()
            self.died.set()
            return True

    def until_all_is_installed(self) -> None:
        """Start the bridge again each time it died."""

        def ended() -> bool:
            if self.died.is_set():
                self.died.clear()
                self._rig.process.start()
            return not self.died.is_set() and self._rig.all_installed()

        until(ended, "everything is installed", WITHIN)


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
