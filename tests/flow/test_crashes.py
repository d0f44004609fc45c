"""`tools/soak --crashes`, small: the bridge is killed where its work is at its most delicate."""

from pathlib import Path

import pytest

from tests import postgresql
from tests.soak.crash_world import MODES, Mode
from tests.soak.crashes import crashes

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200)]

BOTH = MODES[:2]
"""Each database and each MDM server once; the tool takes each with each."""
DEATHS = 4
SEED = 3


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks at processes in /proc")
@pytest.mark.parametrize("mode", BOTH, ids=lambda mode: mode.name)
def test_whenever_it_dies_nothing_is_lost_asked_or_sent_twice(mode: Mode) -> None:
    if mode.database == "postgresql" and (why := postgresql.why_missing()):
        pytest.skip(why)
    found = crashes(mode, DEATHS, SEED)
    assert found.wrong == []
    assert found.died.total() == DEATHS and found.messages and found.installs
