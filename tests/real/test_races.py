"""The race in MicroMDM's builtin queue, provoked: commands get lost, and installs do not.

A device's queue is read and written in two transactions (MicroMDM, platform/queue), so a command
that is stored while its device connects may vanish, and an answered one may come back. Here the
devices connect all the time while others post to them, too.
"""

import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from bridge.simulator.devices import script
from bridge.simulator.devices.device import Device
from bridge.simulator.mdm.real_mdm import RealMicroMdm
from bridge.store.bodies import unpacked
from tests.real.bridge_evidence import INSTALL, Witness
from tests.real.bridge_kit import WITHIN, Life, Rig, tell, until
from tests.real.lab import API_KEY, a_device
from tests.real.stranger import Stranger

pytestmark = [pytest.mark.real, pytest.mark.slow]

PER_SECOND = 220
"""What it aims at, so that about 150 come of it: it waits while MicroMDM has fallen behind."""
HARDLY = 0.05
"""Seconds between two connections of a device."""

NOT_OURS = "an answer to a command of somebody else"


def busy_rig(directory: Path, devices: int, apps: int, **further: object) -> Rig:
    """Devices that hardly pause, as far as MicroMDM gets rid of its webhooks."""
    options = {"named": True, "pause": HARDLY, "most_behind": 100} | further
    return Rig(directory, devices, apps, **options)  # type: ignore[arg-type]


@contextmanager
def a_stranger_at_it(rig: Rig, per_second: float = PER_SECOND) -> Iterator[Stranger]:
    """Everything runs, and a stranger posts to the devices before they are wished for anything."""
    rig.start_bridge()
    rig.start_mdm()
    rig.enrol()
    with Stranger(rig.mdm, rig.devices, rig.breath, per_second=per_second) as stranger:
        began_at = time.monotonic()
        until(lambda: len(stranger.command_uuids) >= per_second, "the stranger is at it")
        yield stranger
        rate = len(stranger.command_uuids) / (time.monotonic() - began_at)
    tell(f"a stranger posted {len(stranger.command_uuids)} commands, {rate:.0f} a second")


def outcomes(rig: Rig, stranger: Stranger) -> Counter[str]:
    """What came of the webhooks that told of a stranger's commands, by how many."""
    theirs = set(stranger.command_uuids)
    found = rig.rows("SELECT command_uuid, outcome FROM events WHERE status = 'done'")
    return Counter(row["outcome"] for row in found if row["command_uuid"] in theirs)


@pytest.mark.parametrize("at_once", [1, 10])
def test_no_install_is_lost_or_doubled_among_a_strangers_commands(
    tmp_path: Path, at_once: int
) -> None:
    policy = {"install": {"max_open_per_device": at_once}}
    with busy_rig(tmp_path, 6, 6, policy=policy) as rig:
        with a_stranger_at_it(rig) as stranger:
            rig.apply()
            until(rig.all_installed, "everything is installed", 2 * WITHIN)
        rig.judge()
        rig.tell_figures(max_open_per_device=at_once)
        assert len(rig.evidence.installs()) == 36
        assert set(outcomes(rig, stranger)) == {NOT_OURS}


def test_installs_that_were_put_off_come_back_among_a_strangers_commands(tmp_path: Path) -> None:
    """A parked command that the race loses looks like one that is parked for ever."""
    policy = {"install": {"not_now_repush": "2s"}}
    with busy_rig(tmp_path, 4, 3, policy=policy) as rig:
        for device in rig.devices:
            device.script.add(script.not_now(times=4))
        with a_stranger_at_it(rig):
            rig.apply()
            until(rig.all_installed, "everything is installed", 2 * WITHIN)
        rig.judge()
        rig.tell_figures()
        assert rig.evidence.answers().count((INSTALL, "NotNow")) == 16


def test_devices_that_are_erased_and_enrol_anew_in_the_middle_get_everything(
    tmp_path: Path,
) -> None:
    with busy_rig(tmp_path, 4, 4, install_time=1.5) as rig:
        with a_stranger_at_it(rig):
            rig.apply()
            until(lambda: len(rig.posted()) >= 6, "installs are on their way")
            erased = rig.devices[:2]
            before = enrolments(rig, erased)
            for device in erased:
                with rig.held(device):
                    device.reenrol(erased=True)
            until(lambda: enrolments(rig, erased) >= before + 2, "the bridge heard of it")
            until(rig.all_installed, "everything is installed", 2 * WITHIN)
        rig.judge()
        rig.tell_figures()
        assert rig.world.ledger.requests["apple.associate"] <= 2, "no licence was asked for anew"
        assert rig.world.ledger.asked_while_held == []


def enrolments(rig: Rig, devices: list[Device]) -> int:
    """How many enrolments of these devices the bridge has seen."""
    seen = {row["udid"]: row["enrolment"] for row in rig.rows("SELECT * FROM devices")}
    return sum(seen[device.udid] for device in devices)


def test_two_servers_of_strangers_in_the_webhooks_are_ignored(tmp_path: Path) -> None:
    """Another MicroMDM reports to the same URL, and each server has a program of its own."""
    with busy_rig(tmp_path, 3, 2, by_serial=True) as rig, a_stranger_at_it(rig, 60) as neighbour:
        with (
            another_micromdm(rig, tmp_path / "other", devices=2) as (other, theirs),
            Stranger(other, theirs, rig.breath, per_second=40, form="json") as stranger,
        ):
            rig.apply()
            until(rig.all_installed, "everything is installed", 2 * WITHIN)
            until(lambda: outcomes(rig, stranger).total() >= 40, "the other one was heard")
        rig.judge()
        assert set(outcomes(rig, neighbour)) == set(outcomes(rig, stranger)) == {NOT_OURS}
        assert {post.udid for post in rig.evidence.posts} == {d.udid for d in rig.devices}
        assert [command for device in theirs for command in rig.executed(device)] == []
        kept = rig.rows("SELECT DISTINCT body FROM events WHERE outcome = ?", NOT_OURS)
        assert not any(b"QueryResponses" in unpacked(row["body"]) for row in kept), (
            "no stranger's payload"
        )
        rig.tell_figures(
            of_a_neighbour=outcomes(rig, neighbour).total(),
            of_the_other_server=outcomes(rig, stranger).total(),
        )


@contextmanager
def another_micromdm(
    rig: Rig, directory: Path, devices: int
) -> Iterator[tuple[RealMicroMdm, list[Device]]]:
    """A second MicroMDM that has the bridge's hook as its webhook URL, too, and its devices."""
    directory.mkdir()
    with ExitStack() as stack:
        other = stack.enter_context(RealMicroMdm(directory, rig.webhook_url(), API_KEY))
        theirs = [a_device(other) for _ in range(devices)]
        for device in theirs:
            device.transport = Witness(other.transport, rig.evidence)
            device.enrol()
            stack.callback(Life(device, HARDLY, rig.breath).end)
        yield other, theirs
