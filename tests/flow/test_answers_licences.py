"""A licence that a device does not see, a copy that it has already, and apps of Macs."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from bridge.domain.policy import DAY, HOUR, Policy
from bridge.simulator.devices import script
from bridge.simulator.devices.script import Script
from tests.flow.kit import installs_sent, is_in, kinds
from tests.flow.scene import Scene, rarely

MakeScene = Callable[..., Scene]

NO_LICENCE = ("ASDServerErrorDomain", 9610)
ATTEMPTS = 1 + len(Policy().install.license_retry)


def test_a_licence_that_is_seen_the_sixth_time_is_used(make_scene: MakeScene) -> None:
    scene = make_scene(policy=rarely(), devices=1, apps=1, macs=1)
    scene.world.devices[0].script.add(script.error(*NO_LICENCE, times=5))
    scene.apply(scene.desired(named=True))
    began = scene.world.now
    scene.run(scene.all_installed, limit=3 * HOUR)
    assert installs_sent(scene) == 6
    assert scene.world.now - began > sum(Policy().install.license_retry[:5])
    assert scene.world.missing(scene.world.everything()) == []
    assert scene.world.ledger.violations() == []


@pytest.mark.slow
def test_a_licence_that_is_never_seen_fails_alone(make_scene: MakeScene) -> None:
    scene = make_scene(policy=rarely(), devices=1, apps=3)
    hopeless, *others = scene.adam_ids
    scene.world.devices[0].script.add(script.error(*NO_LICENCE, times=0, adam_id=hopeless))
    scene.apply(scene.desired(named=True))
    scene.run(lambda: all(scene.install(adam_id=a)["state"] == "installed" for a in others), 120)
    scene.run(lambda: "failed LICENSE_NEVER_VISIBLE" in scene.states(), limit=DAY)
    assert scene.install(adam_id=hopeless)["attempts"] == ATTEMPTS
    sent = installs_sent(scene)
    scene.pass_time(60 * DAY)
    assert installs_sent(scene) == sent == ATTEMPTS + 2, "no more without a person"
    assert "9610" in scene.install(adam_id=hopeless)["explanation"]["sentence"]


def test_a_copy_that_needs_no_licence_is_a_conflict_until_it_is_gone(
    make_scene: MakeScene,
) -> None:
    scene = make_scene(policy=rarely(), devices=1, apps=1)
    (device,), (adam_id,) = scene.world.devices, scene.adam_ids
    device.user_installs(adam_id)
    device.script.add(script.error(*NO_LICENCE, times=0))
    scene.apply(scene.desired(named=True))
    scene.run(is_in(scene, "conflict UNMANAGED_COPY"), limit=60)
    assert installs_sent(scene) == 1, "the device was asked what it has before it was tried again"
    evidence = {each["what"]: each["value"] for each in scene.install()["explanation"]["evidence"]}
    assert evidence["its list of all apps, managed or not"] == "there, version 1.0"
    scene.pass_time(3 * DAY)
    assert scene.states() == {"conflict UNMANAGED_COPY": 1}
    assert installs_sent(scene) == 1
    device.user_deletes(adam_id)
    device.script = Script()
    scene.run(scene.all_installed, limit=1.1 * DAY)
    assert installs_sent(scene) == 2
    assert device.installed(adam_id)


def test_a_copy_that_the_device_names_is_a_conflict_until_it_is_gone(
    make_scene: MakeScene,
) -> None:
    scene = make_scene(policy=rarely(), devices=1, apps=1)
    (device,), (adam_id,) = scene.world.devices, scene.adam_ids
    device.user_installs(adam_id)
    scene.apply()
    scene.run(is_in(scene, "conflict UNMANAGED_COPY"), limit=60)
    scene.pass_time(10 * DAY)
    assert installs_sent(scene) == 1
    asked = kinds(scene).count("InstalledApplicationList")
    assert 9 <= asked <= 11, "looked at once a day; the bundle id was learnt from the refusal"
    device.user_deletes(adam_id)
    scene.run(scene.all_installed, limit=1.1 * DAY)
    assert installs_sent(scene) == 2


def test_a_copy_that_became_managed_otherwise_is_no_conflict_any_more(
    make_scene: MakeScene,
) -> None:
    scene = make_scene(policy=rarely(), devices=1, apps=1, macs=0)
    (device,), (adam_id,) = scene.world.devices, scene.adam_ids
    device.user_installs(adam_id)
    scene.apply()
    scene.run(is_in(scene, "conflict UNMANAGED_COPY"), limit=60)
    app = device.apps.get(scene.world.catalogue[adam_id][0], scene.world.now)
    assert app is not None
    app.managed, app.status = True, "Managed"
    scene.run(scene.all_installed, limit=1.1 * DAY)
    assert installs_sent(scene) == 1


def test_a_device_that_will_not_say_what_it_has_is_tried_again_all_the_same(
    make_scene: MakeScene,
) -> None:
    scene = make_scene(policy=rarely(), devices=1, apps=1)
    (device,) = scene.world.devices
    device.script.add(
        script.error("MCMDMErrorDomain", 12021, 0, request_type="InstalledApplicationList"),
        script.error(*NO_LICENCE, times=2),
    )
    scene.apply(scene.desired(named=True))
    scene.run(scene.all_installed, limit=600)
    assert kinds(scene).count("InstalledApplicationList") == 2, "once for each failure"


def test_an_error_that_can_never_go_away_is_never_tried_again(make_scene: MakeScene) -> None:
    scene = make_scene(policy=rarely(), devices=1, apps=1)
    scene.world.devices[0].script.add(script.error("MCMDMErrorDomain", 12031, times=0))
    scene.apply()
    scene.run(is_in(scene, "failed DEVICE_REFUSED"), limit=60)
    scene.pass_time(13 * DAY)
    assert installs_sent(scene) == 1
    scene.world.devices[0].script = Script()
    scene.bridge.retry()
    scene.run(scene.all_installed, limit=60)


@pytest.mark.slow
def test_a_command_that_a_device_cannot_read_is_counted_and_not_repeated(
    make_scene: MakeScene,
) -> None:
    scene = make_scene(policy=rarely(), devices=1, apps=1)
    scene.world.devices[0].script.add(script.command_format_error(times=0))
    scene.apply()
    scene.run(is_in(scene, "failed COMMAND_MALFORMED"), limit=60)
    scene.pass_time(30 * DAY)
    assert installs_sent(scene) == 1
    assert scene.counters()["command.malformed"] == 1


def test_an_app_that_comes_late_is_installed_whatever_was_said_before(
    make_scene: MakeScene,
) -> None:
    policy = replace(rarely(), install=replace(Policy().install, license_retry=()))
    scene = make_scene(devices=2, apps=1, macs=0, policy=policy, install_time=3 * DAY)
    refusing, slow = scene.world.devices
    refusing.script.add(script.error(*NO_LICENCE))
    scene.apply()
    scene.run(
        lambda: scene.states() == {"failed LICENSE_NEVER_VISIBLE": 1, "unconfirmed NOT_SEEN": 1},
        limit=2 * DAY,
    )
    scene.run(lambda: scene.install(slow.serial_number)["state"] == "installed", limit=9 * DAY)
    bundle_id = scene.world.catalogue[scene.adam_ids[0]][0]
    refusing.user_installs(scene.adam_ids[0])
    app = refusing.apps.get(bundle_id, scene.world.now)
    assert app is not None
    app.managed, app.status = True, "Managed"
    refusing.reenrol(erased=False)
    scene.run(scene.all_installed, limit=60)
    assert installs_sent(scene) == 1, "the list alone told"


@pytest.mark.slow
@pytest.mark.parametrize("version", ["1.0", "99.9"])
def test_a_mac_whose_app_is_not_to_be_managed(make_scene: MakeScene, version: str) -> None:
    scene = make_scene(policy=rarely(), devices=1, apps=2, macs=1)
    device = scene.world.devices[0]
    present = scene.adam_ids[0]
    device.user_installs(present)
    app = device.apps.get(scene.world.catalogue[present][0], scene.world.now)
    assert app is not None
    app.version = version
    scene.apply(scene.desired(named=True, managed=False))
    scene.run(lambda: scene.states() == {"installed INSTALLED_UNMANAGED": 2}, limit=120)
    assert installs_sent(scene) == 1, "what is there is not sent, whatever its version"
    assert all(device.has(adam_id) for adam_id in scene.adam_ids)
    asked = kinds(scene).count("InstalledApplicationList")
    assert asked <= 3, "one list for all apps"
    scene.pass_time(20 * DAY)
    assert scene.states() == {"installed INSTALLED_UNMANAGED": 2}
    assert installs_sent(scene) == 1


def test_an_unmanaged_app_that_somebody_removed_is_sent_again(make_scene: MakeScene) -> None:
    scene = make_scene(policy=rarely(), devices=1, apps=1, macs=1)
    scene.apply(scene.desired(named=True, managed=False))
    scene.run(is_in(scene, "installed INSTALLED_UNMANAGED"), limit=60)
    scene.world.devices[0].user_deletes(scene.adam_ids[0])
    scene.run(lambda: installs_sent(scene) == 2, limit=8 * DAY)
    scene.run(is_in(scene, "installed INSTALLED_UNMANAGED"), limit=60)
    assert scene.world.devices[0].has(scene.adam_ids[0])


def test_a_mac_that_is_too_old_to_manage_apps(make_scene: MakeScene) -> None:
    scene = make_scene(policy=rarely(), devices=1, apps=1, macs=1, traits={"os_version": "10.15.7"})
    scene.world.devices[0].script.add(
        script.error("MCMDMErrorDomain", 12021, 0, request_type="ManagedApplicationList")
    )
    scene.apply(scene.desired(named=True, managed=False))
    scene.run(is_in(scene, "installed INSTALLED_UNMANAGED"), limit=120)
    assert scene.world.devices[0].has(scene.adam_ids[0])
    assert "ManagedApplicationList" not in kinds(scene), "it has no such command"


def test_a_mac_whose_app_is_still_arriving(make_scene: MakeScene) -> None:
    scene = make_scene(policy=rarely(), devices=1, apps=1, macs=1, install_time=100.0)
    scene.apply(scene.desired(named=True, managed=False))
    scene.run(is_in(scene, "installing INSTALLING"), limit=60)
    assert not scene.world.devices[0].has(scene.adam_ids[0])
    scene.run(is_in(scene, "installed INSTALLED_UNMANAGED"), limit=600)
    assert scene.world.devices[0].has(scene.adam_ids[0])


@pytest.mark.slow
def test_two_apps_that_were_accepted_one_after_the_other_share_their_lists(
    make_scene: MakeScene,
) -> None:
    def lists(apps: int) -> int:
        scene = make_scene(policy=rarely(), devices=1, apps=apps, macs=0)
        scene.world.devices[0].script.add(script.installs_for_ever(times=0))
        scene.apply(scene.desired(named=True))
        scene.pass_time(20 * DAY)
        assert scene.states() == {"unconfirmed NOT_SEEN": apps}
        return kinds(scene).count("ManagedApplicationList")

    assert lists(2) <= lists(1) + 2
