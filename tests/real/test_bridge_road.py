"""The bridge's own road beside a real MicroMDM: from an enrolment to an app that is there."""

from pathlib import Path

import pytest

from bridge.simulator.devices import script
from tests.real.bridge_evidence import INSTALL, LIST
from tests.real.bridge_kit import Rig, does_what_it_should, puts_installs_off, until

pytestmark = pytest.mark.real


def test_devices_that_enrol_get_their_apps(tmp_path: Path) -> None:
    with Rig(tmp_path, devices=3, apps=2, macs=0.3) as rig:
        rig.start()
        rig.ends_well()
        for device in rig.devices:
            assert rig.executed(device) == sorted(rig.world.catalogue)
            assert rig.evidence.answers(device.udid).count((INSTALL, "Acknowledged")) == 2
        assert len(rig.posted()) == len(set(rig.posted())) == 6
        topics = {row["topic"] for row in rig.rows("SELECT DISTINCT topic FROM events")}
        assert topics >= {"mdm.Authenticate", "mdm.TokenUpdate", "mdm.Connect"}
        assert topics >= {"ASSET_MANAGEMENT"}
        assert rig.world.ledger.requests["apple.associate"] >= 1
        assert rig.complaints() == []
        rig.tell_figures()


def test_a_licence_that_the_device_cannot_see_yet_is_tried_again(tmp_path: Path) -> None:
    with Rig(tmp_path) as rig:
        rig.device.script.add(script.error("MDMErrorDomain", 12064, times=2))
        rig.start()
        rig.ends_well()
        (install,) = rig.api.installs()
        assert install["attempts"] == 3
        assert len(rig.posted()) == len(set(rig.posted())) == 3
        answers = [status for kind, status in rig.evidence.answers() if kind == INSTALL]
        assert answers == ["Error", "Error", "Acknowledged"]
        assert [rig.outcomes(uuid) for uuid in rig.posted()] == [
            ["InstallApplication: Error"],
            ["InstallApplication: Error"],
            ["InstallApplication: Acknowledged"],
        ]
        read = rig.rows("SELECT error_domain, error_code FROM commands WHERE status = 'Error'")
        assert [tuple(row) for row in read] == [("MDMErrorDomain", 12064)] * 2
        rig.tell_figures()


def test_a_command_that_is_parked_by_not_now_is_left_alone(tmp_path: Path) -> None:
    """MicroMDM's queue hides what a device put off, so it looks like what was lost."""
    with Rig(tmp_path, policy={"command": {"in_doubt_after": "1s"}}) as rig:
        device = rig.device
        device.misbehave = puts_installs_off
        rig.start()
        until(lambda: rig.states() == {"sent NOT_NOW": 1}, "the device put it off")
        assert rig.queued(device) == []
        until(lambda: rig.evidence.answers().count((INSTALL, "NotNow")) >= 7, "again and again")
        assert rig.states() == {"sent NOT_NOW": 1}
        with rig.held(device):
            assert rig.queued(device) == []
            device.misbehave = does_what_it_should
        rig.ends_well()
        assert len(rig.posted()) == 1
        rig.tell_figures()


def test_a_device_that_enrolled_before_the_bridge_came_is_found(tmp_path: Path) -> None:
    """Its Authenticate went to nobody; the list of devices and the device itself tell."""
    with Rig(tmp_path) as rig:
        rig.start_mdm()
        rig.enrol()
        device = rig.device
        rig.go_offline()
        rig.start_bridge()
        until(lambda: rig.api.get("/v1/devices")["devices"], "the device is listed")
        (shown,) = rig.api.get("/v1/devices")["devices"]
        assert (shown["udid"], shown["serial_number"]) == (device.udid, device.serial_number)
        assert (shown["enrolled"], shown["product_name"]) == (True, None)
        assert rig.rows("SELECT * FROM events WHERE source = 'mdm'") == []
        assert rig.evidence.asked["POST /v1/devices"] >= 1
        rig.apply()
        until(lambda: rig.queued(device), "the device is asked")
        rig.go_online()
        rig.ends_well()
        assert rig.evidence.kinds()[:2] == ["DeviceInformation", LIST]
        assert rig.evidence.kinds().count(INSTALL) == 1
        (shown,) = rig.api.get("/v1/devices")["devices"]
        assert shown["product_name"] == device.product_name
        rig.tell_figures()
