"""Devices move from a real MicroMDM to a real NanoMDM while their apps are being installed."""

from pathlib import Path

import pytest

from tests.real.bridge_evidence import INSTALL
from tests.real.bridge_kit import Rig, until

pytestmark = [pytest.mark.real, pytest.mark.slow]

DEVICES, APPS = 20, 3
PAIRS = DEVICES * APPS
HELD = 4
"""Devices that took an install from MicroMDM without a word, and did nothing with it."""

WITHIN = 180.0


def test_a_fleet_moves_while_installs_are_under_way(tmp_path: Path) -> None:
    """Nothing is asked of Apple, only what a device really lacks is sent, and `why` has it all."""
    with Rig(tmp_path, DEVICES, APPS, second="nanomdm", named=True) as rig:
        left_open = rig.devices[:HELD]
        rig.start_holding(*left_open)
        until(lambda: licences(rig) == PAIRS, "all licences are there", WITHIN)
        until(lambda: rig.states().get("installed INSTALLED", 0) >= 1, "some are installed", WITHIN)
        before = rig.states()
        asked = rig.world.ledger.requests["apple.associate"]
        had = {device.serial_number: rig.executed(device) for device in rig.devices}
        trails = {key: trail(rig, *key) for key in pairs(rig)}
        for device in rig.devices:
            device.online = True
            rig.move(device)
        until(lambda: {i["server"] for i in rig.api.installs()} == {"next"}, "all moved", WITHIN)
        rig.ends_well(WITHIN)
        assert rig.world.ledger.requests["apple.associate"] == asked
        assert all(rig.executed(device) == sorted(rig.world.catalogue) for device in rig.devices)
        assert len(rig.api.installs()) == PAIRS
        for key, old in trails.items():
            new = trail(rig, *key)
            assert [step for step in old if step not in new] == []
            assert "the device moved from main to next" in new
        open_there = rig.rows(
            "SELECT command_uuid FROM commands WHERE server = 'main' "
            "AND state NOT IN ('acknowledged', 'error', 'dropped')"
        )
        assert open_there == []
        begun = sum(len(each) for each in had.values())
        rig.tell_figures(states_at_the_move=before, begun_at_the_move=begun)
        first = {p.udid: p.adam_id for p in reversed(rig.evidence.posts) if p.adam_id}
        lacked = {(device.udid, first[device.udid]) for device in left_open}
        again = {pair for pair, posts in rig.evidence.installs().items() if len(posts) > 1}
        assert lacked <= again, "what they had taken and not installed is sent by the second server"
        assert len(again) + PAIRS == len(rig.posted(INSTALL)) <= PAIRS + DEVICES


def licences(rig: Rig) -> int:
    return len(rig.rows("SELECT 1 FROM assignments WHERE confirmed_at IS NOT NULL"))


def pairs(rig: Rig) -> list[tuple[str, str]]:
    serials = [device.serial_number for device in rig.devices]
    return [(serial, adam_id) for serial in serials for adam_id in rig.world.catalogue]


def trail(rig: Rig, serial_number: str, adam_id: str) -> list[str]:
    """What `why` tells of the past, without what is still under way."""
    told = rig.api.get(f"/v1/installs/{serial_number}/{adam_id}")
    ended = ("asked Apple", "licence confirmed", "wished for", "answered", "the device moved")
    return [each["step"] for each in told["trail"] if each["step"].startswith(ended)]
