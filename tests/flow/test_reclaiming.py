"""Licences of devices that are gone go back by policy; those of others never do."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import pytest

from bridge.domain.audit import BY_ITSELF
from bridge.domain.policy import DAY, HOUR, Policy, ReclaimPolicy
from bridge.engine.upkeep import restoring
from bridge.simulator.devices.device import Device
from tests.flow.scene import MakeScene, Scene, rarely


def by_policy(**reclaim: float) -> Policy:
    """Rare reads, and these rules for devices that are gone."""
    return replace(rarely(devices_every=12 * HOUR), reclaim=ReclaimPolicy(**reclaim))


def licensed(make_scene: MakeScene, policy: Policy, **wish: object) -> Scene:
    """Three iPads with one app each."""
    scene = make_scene(devices=3, apps=1, macs=0, policy=policy)
    scene.apply(scene.wanted_for(scene.serials, named=True, **wish))
    scene.run(scene.all_installed)
    return scene


def holders(scene: Scene) -> set[str]:
    """Who holds a licence, as Apple has it."""
    return {each.target.name for each in scene.world.location.library.assignments}


def pass_days(scene: Scene, days: int, devices: Iterable[Device] = ()) -> None:
    """Let days pass, each with a connection of these devices."""
    some = list(devices)
    for _ in range(days):
        for device in some:
            device.connect()
        scene.pass_time(DAY)


def test_a_device_that_left_loses_its_licence_after_that_time_and_gets_it_back(
    make_scene: MakeScene,
) -> None:
    scene = licensed(make_scene, by_policy(unenrolled_after=5 * DAY))
    sold, *others = scene.world.devices
    pass_days(scene, 1, others)
    sold.check_out()
    pass_days(scene, 4, others)
    assert holders(scene) == set(scene.serials)
    assert scene.install(sold.serial_number)["reason"] == "NOT_ENROLLED"
    pass_days(scene, 2, others)
    assert holders(scene) == {device.serial_number for device in others}
    told = scene.install(sold.serial_number)
    assert (told["state"], told["reason"]) == ("waiting", "RECLAIMED")
    assert "it left main (CheckOut) on" in told["explanation"]["sentence"]
    sold.enrol()
    scene.run(scene.all_installed)
    assert holders(scene) == set(scene.serials)


def test_who_enrols_again_within_the_time_loses_nothing(make_scene: MakeScene) -> None:
    scene = licensed(make_scene, by_policy(), on_unenrol="release")
    device, *others = scene.world.devices
    asked = scene.world.location.library.assignments.copy()
    device.check_out()
    scene.pass_time(20 * HOUR)
    device.reenrol()
    pass_days(scene, 2, others)
    assert scene.states() == {"installed INSTALLED": 3}
    assert scene.world.location.library.assignments == asked
    with scene.bridge.database.read() as db:
        kinds = {row[0] for row in db.execute("SELECT kind FROM apple_requests")}
    assert kinds == {"ASSOCIATE"}


@pytest.mark.slow
def test_on_unenrol_release_alone_is_after_a_day_and_keep_is_never(make_scene: MakeScene) -> None:
    for on_unenrol, policy, days, kept in (
        ("release", by_policy(), 2, False),
        ("release", by_policy(unenrolled_after=9 * DAY), 2, True),
        ("keep", by_policy(unenrolled_after=DAY), 3, True),
        (None, by_policy(), 3, True),
    ):
        scene = licensed(make_scene, policy, on_unenrol=on_unenrol)
        device, *others = scene.world.devices
        device.check_out()
        pass_days(scene, days, others)
        assert (device.serial_number in holders(scene)) is kept, (on_unenrol, days)


def test_a_silent_device_loses_its_licence_and_one_that_speaks_does_not(
    make_scene: MakeScene,
) -> None:
    scene = licensed(make_scene, by_policy(silent_after=6 * DAY))
    lost, late, present = scene.world.devices
    lost.go_offline()
    late.go_offline()
    pass_days(scene, 4, [present])
    late.go_online()
    pass_days(scene, 1, [late, present])
    late.go_offline()
    pass_days(scene, 3, [present])
    assert holders(scene) == {late.serial_number, present.serial_number}
    told = scene.install(lost.serial_number)
    assert told["reason"] == "RECLAIMED"
    assert "silent since" in told["explanation"]["sentence"]
    lost.go_online()
    lost.connect()
    scene.run(lambda: lost.serial_number in holders(scene), limit=2 * HOUR)


def test_others_licences_stay_whatever_becomes_of_the_device(make_scene: MakeScene) -> None:
    scene = make_scene(devices=2, apps=2, macs=0, policy=by_policy(unenrolled_after=2 * DAY))
    theirs, ours = scene.adam_ids
    scene.world.apple.portal(scene.world.location, "ASSOCIATE", theirs, scene.serials)
    scene.apply(scene.wanted_for(scene.serials, named=True))
    scene.run(scene.all_installed)
    sold, other = scene.world.devices
    sold.check_out()
    pass_days(scene, 4, [other])
    held = {(a.target.name, a.adam_id) for a in scene.world.location.library.assignments}
    assert held == {
        (sold.serial_number, theirs),
        (other.serial_number, theirs),
        (other.serial_number, ours),
    }
    assert ours


BOTH = by_policy(unenrolled_after=6 * DAY, silent_after=6 * DAY)


@pytest.fixture
def scene(make_scene: MakeScene) -> Scene:
    """One device has left 3 days ago, another is silent for as long, the third comes daily."""
    scene = licensed(make_scene, BOTH)
    sold, lost, present = scene.world.devices
    sold.check_out()
    lost.go_offline()
    pass_days(scene, 3, [present])
    return scene


def nothing_went(scene: Scene) -> None:
    """Every licence is where it was."""
    assert holders(scene) == set(scene.serials)


def kept(scene: Scene, number: int) -> str:
    """Why a device's licence stays, as `why` tells it."""
    evidence = scene.install(scene.serials[number])["explanation"]["evidence"]
    return " | ".join(str(e["value"]) for e in evidence if e["what"].startswith("its licence"))


def test_without_any_trouble_both_go_after_their_time(scene: Scene) -> None:
    pass_days(scene, 2, scene.world.devices[2:])
    nothing_went(scene)
    assert "kept until" in kept(scene, 0)
    assert "kept until" in kept(scene, 1)
    pass_days(scene, 3, scene.world.devices[2:])
    assert holders(scene) == {scene.serials[2]}


@pytest.mark.slow
def test_the_bridge_off_for_60_days(scene: Scene) -> None:
    scene.reachable = False
    scene.bridge.close()
    scene.world.kernel.advance(scene.world.now + 60 * DAY)
    scene.reachable = True
    scene.start()
    pass_days(scene, 4, scene.world.devices[2:])
    nothing_went(scene)
    assert "since the bridge was not running since" in kept(scene, 1)
    pass_days(scene, 3, scene.world.devices[2:])
    assert holders(scene) == {scene.serials[2]}, "the clocks began anew, and ran"


def test_a_dead_webhook(scene: Scene) -> None:
    """For sixty days: tests/unit/engine/licences/test_reclaiming.py."""
    scene.reachable = False
    pass_days(scene, 5, scene.world.devices[2:])
    nothing_went(scene)
    assert "came since" in kept(scene, 0)
    assert "no webhook of main came since" in kept(scene, 2)
    scene.reachable = True
    pass_days(scene, 5, scene.world.devices[2:])
    nothing_went(scene)
    pass_days(scene, 3, scene.world.devices[2:])
    assert holders(scene) == {scene.serials[2]}, "the clocks began anew, and ran"


def test_a_quiet_fleet_is_no_dead_webhook(scene: Scene) -> None:
    scene.world.devices[2].go_offline()
    pass_days(scene, 5)
    assert scene.serials[0] not in holders(scene), "its server's list is read, and stands still"
    assert scene.serials[2] in holders(scene)


@pytest.mark.slow
def test_a_server_taken_out_of_the_file_and_put_back(scene: Scene) -> None:
    config = scene.config
    scene.bridge.close()
    scene.config = replace(config, servers={})
    scene.start()
    pass_days(scene, 7, scene.world.devices[2:])
    nothing_went(scene)
    assert "main, which knew it, is not in the file" in kept(scene, 0)
    scene.bridge.close()
    scene.config = config
    scene.start()
    pass_days(scene, 5, scene.world.devices[2:])
    nothing_went(scene)
    assert "kept until" in kept(scene, 0)


def test_a_restored_backup(scene: Scene) -> None:
    with scene.bridge.database.write() as db:
        restoring.make_present(scene.bridge.context(db), {}, BY_ITSELF)
    scene.bridge.close()
    scene.start()
    scene.bridge.resume("all", "")
    pass_days(scene, 5, scene.world.devices[2:])
    nothing_went(scene)
    assert "restored or moved" in kept(scene, 1)


@pytest.mark.slow
def test_an_mdm_server_that_lost_its_data(make_scene: MakeScene) -> None:
    scene = make_scene(devices=6, apps=1, macs=0, policy=BOTH)
    scene.apply(scene.wanted_for(scene.serials, named=True))
    scene.run(scene.all_installed)
    scene.world.mdm.records.clear()
    scene.world.mdm._by_udid.clear()
    for device in scene.world.devices[1:]:
        device.enrolled = False
        device.go_offline()
    scene.world.devices[0].enrol()
    pass_days(scene, 9, scene.world.devices[:1])
    nothing_went(scene)
    assert "as one that lost its data does" in kept(scene, 3)
