"""New versions beside a real MicroMDM: a device that takes one, an app in use, and a kiosk."""

from pathlib import Path

import pytest

from tests.real.bridge_evidence import INSTALL
from tests.real.bridge_kit import Rig, until

pytestmark = pytest.mark.real

READS_AGAIN = 90.0
"""Seconds in which a newer version becomes known: without Apple's metadata, from the devices."""


def test_a_version_goes_once_to_each_device(tmp_path: Path) -> None:
    wish = {"update": {"to": "latest", "jitter": "0s", "stop_at": "100%"}}
    policy = {"update": {"look_every": "5s"}}
    with Rig(tmp_path, devices=3, policy=policy, named=True, app=wish) as rig:
        adam_id = rig.adam_id
        rig.world.release(adam_id, "1.0", 845960)
        rig.start()
        rig.ends_well()
        assert [device.version(adam_id) for device in rig.devices] == ["1.0"] * 3
        first = set(rig.posted())
        takes_it, in_use, kiosk = rig.devices
        for device in rig.devices:
            with rig.held(device):
                device.kiosk = device is kiosk
                if device is in_use:
                    device.user_opens(adam_id)
        rig.world.release(adam_id, "2.0", 845999)
        until(lambda: takes_it.version(adam_id) == "2.0", "one takes it", READS_AGAIN)
        until(lambda: len(rig.posted()) == 6, "each is sent it", READS_AGAIN)
        waits = {"installed INSTALLED": 1, "installed UPDATING": 1, "installed UPDATE_WAITS": 1}
        until(lambda: rig.states() == waits, "the others wait")
        told = {each["serial_number"]: each for each in rig.api.installs()}
        assert "DeviceManagement.error 1407" in told[kiosk.serial_number]["detail"]
        versions = rig.rows("SELECT external_version FROM app_reports ORDER BY external_version")
        assert [row[0] for row in versions] == ["845960", "845960", "845999"]
        with rig.held(in_use):
            in_use.user_closes(adam_id)
        done = {"installed INSTALLED": 2, "installed UPDATE_WAITS": 1}
        until(lambda: rig.states() == done, "it is closed, and there", READS_AGAIN)
        assert in_use.version(adam_id) == "2.0"
        again = [uuid for uuid in rig.posted() if uuid not in first]
        assert len(again) == len(set(again)) == 3, "nothing is sent a second time"
        assert rig.evidence.answers(kiosk.udid).count((INSTALL, "Error")) == 1
        rig.tell_figures()
