"""A web side begins beside an engine that goes on: what it may have missed is looked up."""

from pathlib import Path

import pytest

from bridge.app import Bridge, open_bridge
from bridge.config import Config
from bridge.store import meta
from tests.unit.engine_kit import configuration
from tests.unit.store_kit import NOW, make_command, make_device, value


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return configuration(tmp_path)


@pytest.mark.parametrize("elsewhere", [True, False])
def test_what_was_sent_while_it_was_away_is_looked_up(config: Config, elsewhere: bool) -> None:
    """Beside its own engine it begins with that, which looks everything up itself."""
    before = Bridge(config).open()
    with before.database.write() as db:
        make_command(db, "C", make_device(db))
        db.execute("UPDATE commands SET state = 'posted', look_at = ?", (NOW + 1e10,))
        meta.plan_job(db, "devices:main", NOW + 1e10)
    before.close()
    web = open_bridge(config, engine_elsewhere=elsewhere)
    with web.database.read() as db:
        suspect = value(db, "SELECT suspect FROM commands")
        planned = value(db, "SELECT next_at FROM schedule WHERE name = 'devices:main'")
    web.close()
    assert suspect == int(elsewhere)
    assert (planned < NOW + 1e10) == elsewhere


def test_its_health_is_its_own(config: Config) -> None:
    """No restart of it brings an engine back, and what comes is taken in without one."""
    alone, beside = open_bridge(config, engine_elsewhere=True), open_bridge(config)
    try:
        for each, lives, severity in ((alone, True, "degraded"), (beside, False, "fatal")):
            assert each.alive() is lives and not each.engine_up()
            (part,) = (part for part in each.health() if part.name == "engine")
            assert (part.ok, part.severity) == (False, severity)
    finally:
        alone.close()
        beside.close()
