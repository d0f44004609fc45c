"""Webhooks that MicroMDM tells late, since others make it tell so many: nothing is asked anew.

MicroMDM posts them one after the other, so that devices which hardly pause, with a stranger's
commands for each of them, are soon minutes ahead of what the bridge has heard. How long many take
depends on the machine: `tools/bench stranger` tells that.
"""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from bridge.domain.policy import Policy
from tests.real.bridge_kit import Rig, tell, until
from tests.real.stranger import Stranger

pytestmark = [pytest.mark.real, pytest.mark.slow]

LIST = "ManagedApplicationList"
DEFAULT = Policy()


@pytest.mark.parametrize(
    ("devices", "apps", "pause", "seconds", "within", "in_doubt_after"),
    [pytest.param(2, 3, 0.05, 10.0, 120.0, 10.0, id="a few")],
)
def test_a_flood_of_a_strangers_webhooks_makes_nothing_doubtful(
    tmp_path: Path,
    devices: int,
    apps: int,
    pause: float,
    seconds: float,
    within: float,
    in_doubt_after: float,
) -> None:
    policy = {
        "command": {"in_doubt_after": f"{in_doubt_after:.0f}s"},
        "verify": {"first_after": f"{DEFAULT.verify.first_after:.0f}s"},
    }
    with Rig(tmp_path, devices, apps, named=True, pause=pause, policy=policy) as rig:
        rig.start_bridge()
        rig.start_mdm()
        rig.enrol()
        may = rig.breath
        behind = [0.0]
        with Stranger(rig.mdm, rig.devices, may, per_second=100) as stranger:
            until(lambda: len(stranger.command_uuids) >= 100, "the stranger is at it")
            rig.apply()
            began = time.monotonic()
            until(lambda: _flooded(rig, behind, began, seconds), "the flood is over", seconds + 30)
        left = max(within - (time.monotonic() - began), 0.1)
        until(rig.all_installed, "everything is installed, and told so", left)
        took = time.monotonic() - began
        tell(f"{len(stranger.command_uuids)} commands of a stranger; behind by {max(behind):.1f} s")
        counters = {row["name"]: row["value"] for row in rig.rows("SELECT * FROM counters")}
        lists = len(rig.posted(LIST))
        tell(f"took {took:.0f} s, lists: {lists}, {counters}")
        rig.judge()
        rig.tell_figures(took=took, behind=max(behind))


def _flooded(rig: Rig, behind: list[float], began: float, seconds: float) -> bool:
    """Whether it lasted so long, or is not needed any more; notes how far behind webhooks are."""
    parts = rig.api.get("/readyz")["parts"]
    behind += [part["age_s"] for part in parts if part["name"].startswith("lag ")]
    return time.monotonic() - began >= seconds
