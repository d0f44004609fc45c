"""`tools/soak`, small: good clients beside peers that mean no good, and what befalls the bridge."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.bench.slow_disk import NoCompiler
from tests.soak import full_disk
from tests.soak.scenarios import MEMORY, WAIT, Scenario, measure, scenarios
from tests.soak.served import Served, serving
from tests.soak.trials import Trial, trials

pytestmark = pytest.mark.slow

LARGE = 4 * 1024 * 1024
BUSY = 5.0
"""So many times what good clients wait where nobody holds them up, if that is more than WAIT: the
machine that runs tests may do other things, too. Without the limits it was 30 s."""
SMALL = 0.04
"""Of the kills and stops: 4 and 2, and of halts 2."""
HELD_UP_BY = ("half", "silent", "a second", "limit", "8 bodies of", "outside")
HOLDING_UP = [
    scenario
    for scenario in scenarios(LARGE, share=0.1)
    if any(word in scenario.name for word in HELD_UP_BY)
]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serving(tmp_path_factory.mktemp("served")) as served:
        yield served


@pytest.fixture(scope="module")
def allowed(served: Served) -> float:
    """Seconds that a good client may wait on this machine, as it is now."""
    quiet = measure(Scenario("nobody else", None), served, seconds=1.5)
    assert not quiet.lost and quiet.sent > 10
    return max(WAIT, BUSY * quiet.worst)


@pytest.mark.parametrize("scenario", HOLDING_UP, ids=lambda scenario: scenario.name)
def test_good_clients_wait_for_nobody_and_lose_nothing(
    served: Served, allowed: float, scenario: Scenario
) -> None:
    result = measure(scenario, served, seconds=1.5)
    assert not result.lost
    assert result.sent > 10 and result.worst < allowed
    assert result.memory is None or result.memory < MEMORY


@pytest.mark.skipif(not Path("/proc/locks").exists(), reason="looks at processes in /proc")
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("trial", trials(), ids=lambda trial: trial.name)
def test_whatever_befalls_it_nothing_is_lost(trial: Trial) -> None:
    try:
        found = trial.run(SMALL)
    except NoCompiler as why:
        pytest.skip(str(why))
    assert found.wrong == []


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="limits other processes")
@pytest.mark.parametrize("by", ["a small file system", "a limit"])
def test_a_full_disk_ends_nothing(by: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if by == "a limit":
        monkeypatch.setattr(full_disk, "_mounts", lambda *_command: False)
    seen = full_disk.run(tmp_path)
    assert not seen.wrong, seen
    assert seen.well_after is not None and len(seen.taken) > 20
