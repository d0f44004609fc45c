"""The bridge's road beside a real NanoMDM and a real NanoHUB, neither of which lists or shows."""

import uuid
from pathlib import Path

import pytest

from bridge.simulator.apple.library import Target
from bridge.simulator.devices import script
from tests.real.bridge_evidence import INSTALL, LIST
from tests.real.bridge_kit import Rig, Stand, until

pytestmark = [pytest.mark.real, pytest.mark.slow]


def test_devices_that_enrol_get_their_apps(tmp_path: Path, stand: Stand) -> None:
    with Rig(tmp_path, devices=2, apps=2, macs=0.5, **stand) as rig:
        rig.start()
        rig.ends_well()
        for device in rig.devices:
            assert rig.executed(device) == sorted(rig.world.catalogue)
            assert rig.evidence.answers(device.udid).count((INSTALL, "Acknowledged")) == 2
        assert len(rig.posted()) == len(set(rig.posted())) == 4
        assert rig.world.ledger.requests["apple.associate"] >= 1
        assert not any("devices" in each or "commands" in each for each in rig.evidence.asked)
        rig.tell_figures()


def test_what_a_device_refuses_and_puts_off_goes_its_way(tmp_path: Path, stand: Stand) -> None:
    with Rig(tmp_path, **stand) as rig:
        rig.device.script.add(script.error("MDMErrorDomain", 12064))
        rig.device.script.add(script.not_now())
        rig.start()
        rig.ends_well()
        answers = [status for name, status in rig.evidence.answers() if name == INSTALL]
        assert answers[0] == "Error" and answers[-1] == "Acknowledged"
        assert "NotNow" in answers
        assert len(rig.posted()) == len(set(rig.posted())) == 2
        rig.tell_figures()


def test_a_server_that_signs_is_believed_by_its_signature(tmp_path: Path) -> None:
    with Rig(tmp_path, kind="nanomdm", hmac_key="a signing/key") as rig:
        rig.start()
        rig.ends_well()
        assert rig.rows("SELECT * FROM webhook_refusals") == []


def test_an_enrolment_empties_the_queue_and_all_goes_again(tmp_path: Path, stand: Stand) -> None:
    with Rig(tmp_path, **stand) as rig:
        rig.start_holding(rig.device)
        before = rig.posted()
        with rig.held(rig.device) as device:
            device.online = True
            device.reenrol(erased=True)
        rig.ends_well()
        assert len(rig.posted()) == len(set(rig.posted())) == len(before) + 1
        assert rig.evidence.kinds().count(LIST) >= 2
        rig.tell_figures()


def test_a_repeated_answer_empties_the_queue_and_nothing_is_forgotten(
    tmp_path: Path, stand: Stand
) -> None:
    """The device answers the list twice while an install is behind it: it is lost without a word,
    and goes out again under a new CommandUUID once a later list has not shown the app."""
    with Rig(tmp_path, apps=2, **stand) as rig:
        rig.device.script.add(script.answers_twice())
        rig.start()
        rig.ends_well()
        assert sorted(rig.executed(rig.device)) == sorted(rig.world.catalogue)
        rig.tell_figures()


def test_a_bridge_that_was_killed_learns_what_it_missed(tmp_path: Path, stand: Stand) -> None:
    with Rig(tmp_path, **stand) as rig:
        rig.start_holding(rig.device)
        rig.process.kill()
        rig.start_bridge()
        rig.go_online()
        rig.ends_well()
        rig.tell_figures()


def test_a_server_that_is_stopped_and_started_in_the_middle(tmp_path: Path, stand: Stand) -> None:
    with Rig(tmp_path, devices=2, **stand) as rig:
        rig.start_holding(*rig.devices)
        rig.stop_mdm()
        rig.start_mdm()
        rig.go_online()
        rig.ends_well()
        assert len(rig.posted()) == len(set(rig.posted()))
        rig.tell_figures()


def test_who_checks_out_gets_nothing_more(tmp_path: Path, stand: Stand) -> None:
    with Rig(tmp_path, **stand) as rig:
        rig.start_holding(rig.device)
        with rig.held(rig.device) as device:
            device.online = True
            assert device.check_out() == 200
        until(lambda: rig.states() == {"waiting NOT_ENROLLED": 1}, "it left")


class OfUsers(Rig):
    """Its devices are enrolled by a user with a Managed Apple Account, who gets the licences."""

    def _config(self) -> dict[str, object]:
        enrolments = [device.enrollment_id for device in self.devices]
        user = {"client_user_id": "client-100", "email": "a@example.org"}
        user |= {"managed_apple_id": "a@mid.example.org", "enrollment_ids": enrolments}
        config = super()._config()
        apps = [each | {"license_to": "auto"} for each in config["apps"]]
        return config | {"groups": {"everyone": {"users": "all"}}, "apps": apps, "users": [user]}


def test_a_user_enrolment_gets_its_app_by_its_user(tmp_path: Path, stand: Stand) -> None:
    rig = OfUsers(tmp_path, **stand)
    rig.device.enrollment_id, rig.device.account = str(uuid.uuid4()).upper(), "client-100"
    with rig:
        rig.start()
        until(lambda: rig.device.installed(rig.adam_id), "the app is there")
        installed = (
            "SELECT * FROM installs WHERE state = 'installed' AND client_user_id IS NOT NULL"
        )
        until(lambda: len(rig.rows(installed)) == 1, "the bridge knows it")
        assert rig.world.location.library.holds(rig.adam_id, Target("clientUserId", "client-100"))
