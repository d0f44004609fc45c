"""Devices in Setup Assistant beside a real MicroMDM and a real NanoMDM.

They get all apps at once, and are out by the last one, or by the deadline.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from bridge.simulator.devices.device import Device
from tests.real.bridge_evidence import INSTALL
from tests.real.bridge_kit import Rig, until
from tests.real.reaper import WITHIN, Reaper

pytestmark = [pytest.mark.real, pytest.mark.slow]

CONFIGURED = "DeviceConfigured"
EARLY: Mapping[str, object] = {"before_enrolment": True}


@pytest.fixture(params=["micromdm", "nanomdm"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def rig_of(
    directory: Path,
    kind: str,
    *,
    deadline: str = "15m",
    associate: Mapping[str, object] = EARLY,
    **options: Any,
) -> Rig:
    """Devices that wait in Setup Assistant once they enrol."""
    policy = {"associate": associate, "setup": {"deadline": deadline}}
    settings = {"devices": 3, "apps": 12, "named": True, "by_serial": True} | options
    rig = Rig(
        directory,
        kind=kind,  # type: ignore[arg-type]
        server={"release_setup": True},
        app={"setup": "required"},
        policy=policy,
        **settings,
    )
    for device in rig.devices:
        device.awaits_configuration = True
        device.tells_release = False  # its own thread alone talks to the server
    return rig


def licensed(rig: Rig) -> bool:
    return all(rig.world.assigned(*pair) for pair in rig.world.everything())


def all_out(rig: Rig) -> bool:
    return not any(device.setup.awaits for device in rig.devices)


def sent(device: Device, request_type: str) -> list[float]:
    return [each.at for each in device.received if each.request_type == request_type]


def test_three_devices_get_twelve_apps_at_once_and_are_let_out(tmp_path: Path, kind: str) -> None:
    with rig_of(tmp_path, kind) as rig:
        rig.process.start()
        rig.start_mdm()
        rig.apply()
        until(lambda: licensed(rig), "they are licensed before they enrol")
        until(lambda: rig.states() == {"waiting NOT_ENROLLED": 36}, "the bridge knows it")
        rig.enrol()
        until(lambda: all_out(rig), "they are let out")
        heard = {
            row["udid"]: row["setup_since"]
            for row in rig.rows("SELECT udid, setup_since FROM devices")
        }
        waits = []
        for device in rig.devices:
            first: dict[str, float] = {}  # MicroMDM loses some, which are posted again as they were
            for each in rig.evidence.posts:
                if (each.udid, each.request_type) == (device.udid, INSTALL):
                    first.setdefault(each.command_uuid, each.at)
            assert len(first) == 12
            waits.append(max(first.values()) - heard[device.udid])
            assert len(set(sent(device, CONFIGURED))) == 1
            assert max(sent(device, INSTALL)) < sent(device, CONFIGURED)[0]
            assert set(device.managed_apps.values()) == {"Managed"}
        assert max(waits) < 2.0
        until(rig.all_installed, "the bridge knows that all are there")
        rig.judge(may_post_again=True)
        rig.tell_figures(longest_burst=max(waits))


def test_without_apple_they_are_let_out_at_the_deadline(tmp_path: Path, kind: str) -> None:
    with rig_of(tmp_path, kind, deadline="10s", apps=2, associate={}) as rig:
        rig.process.start()
        rig.start_mdm()
        rig.apply()
        until(lambda: rig.states().keys() == {"waiting NOT_ENROLLED"}, "they are wished for")
        rig.apple_gate.close()
        began = time.time()
        rig.enrol()
        until(lambda: all_out(rig), "they are let out")
        for device in rig.devices:
            assert 10.0 <= sent(device, CONFIGURED)[0] - began < 16.0
            assert sent(device, INSTALL) == []
        rig.apple_gate.open()
        rig.ends_well(120.0)


def test_without_seats_they_are_let_out_at_the_deadline_with_the_reason(
    tmp_path: Path, kind: str
) -> None:
    with rig_of(tmp_path, kind, deadline="8s", devices=1, apps=2, seats=0) as rig:
        rig.start()
        began = time.time()
        until(lambda: all_out(rig), "it is let out")
        assert 7.0 <= sent(rig.device, CONFIGURED)[0] - began < 14.0
        assert rig.states() == {"waiting NO_SEAT": 2}


def test_killed_at_each_outside_call_they_are_let_out_by_the_deadline(
    tmp_path: Path, kind: str
) -> None:
    with rig_of(tmp_path, kind, deadline="30s", devices=1, apps=2, associate={}) as rig:
        reaper = Reaper(rig)
        rig.start()
        # A server tells a dead bridge nothing, and a TokenUpdate alone says that a device waits.
        until(
            lambda: rig.rows("SELECT 1 FROM devices WHERE awaiting_at > 0"), "it is known to wait"
        )
        rig.gate.strikes = rig.apple_gate.strikes = reaper.strikes
        reaper.may_read.set()
        began, starts = time.time(), list[float]()

        def out() -> bool:
            if reaper.died.is_set():
                reaper.died.clear()
                rig.process.start()
                starts.append(time.time())
            return not reaper.died.is_set() and all_out(rig)

        until(out, "it is let out", WITHIN)
        out_at = sent(rig.device, CONFIGURED)[0]
        lived_since = max((at for at in starts if at < out_at), default=began)
        overdue = out_at - max(began + 30.0, lived_since)
        assert overdue < 15.0
        reaper.until_all_is_installed()
        struck = {call.split()[-1] for call, _ in reaper.struck}
        assert {INSTALL, CONFIGURED} <= struck, reaper.struck
        rig.tell_figures(killed=len(reaper.struck), overdue=overdue)
