"""The fleet that figures are measured on is one that the bridge calls installed."""

import time
from pathlib import Path

from tests.bench.fleet import Fleet


def test_a_fleet_has_all_its_apps_and_nothing_to_do(tmp_path: Path) -> None:
    fleet = Fleet(tmp_path, 3, 3, now=time.time())

    with fleet.bridge() as bridge:
        page = bridge.list_installs(limit=100)
        assert {item["state"] for item in page.items} == {"installed"}
        assert bridge.plan(bridge.config.desired).nothing_to_do
