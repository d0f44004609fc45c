"""Waves of failures: one hopeless app is stopped, the others are not, and it mends itself."""

import logging
from collections.abc import Callable
from dataclasses import replace

import pytest

from bridge.domain.policy import InstallPolicy, Policy
from bridge.simulator.devices import script
from bridge.simulator.devices.device import Device
from bridge.simulator.devices.script import Planned, Script
from tests.flow.cli_kit import Shell
from tests.flow.scene import Scene

MakeScene = Callable[..., Scene]

HOUR = 3600.0
SLOWLY = replace(Policy(), install=InstallPolicy(max_per_minute=6))
"""One install in ten seconds, so that the breaker trips before everything is sent."""


def hopeless(make_scene: MakeScene, deed: Planned, **arguments: object) -> Scene:
    """A scene in which the first app goes wrong everywhere."""
    scene = make_scene(**{"devices": 12, "apps": 1, "macs": 0, "policy": SLOWLY} | arguments)
    for device in scene.world.devices:
        device.script.add(replace(deed, adam_id=scene.adam_ids[0], times=0))
    return scene


def mend(scene: Scene) -> None:
    for device in scene.world.devices:
        device.script = Script()


def tried(scene: Scene) -> set[str]:
    """On which devices the first app was tried."""
    app = scene.adam_ids[0]
    names = {device.udid: device.serial_number for device in scene.world.devices}
    return {names[udid] for udid, adam_id in scene.world.ledger.installs_posted if adam_id == app}


def pauses(scene: Scene) -> list[str]:
    return [f"{p['scope']} {p['name']} by {p['by']}" for p in scene.bridge.paused()]


UNKNOWN_APP = script.error("MCMDMErrorDomain", 12023)


def test_five_fail_and_the_sixth_is_not_sent(
    make_scene: MakeScene, caplog: pytest.LogCaptureFixture
) -> None:
    scene = hopeless(make_scene, UNKNOWN_APP)
    scene.apply()
    with caplog.at_level(logging.WARNING):
        scene.run(lambda: pauses(scene) != [])
    app = scene.adam_ids[0]
    assert pauses(scene) == [f"app {app} by wave"]
    scene.pass_time(HOUR - 1)
    assert len(tried(scene)) == 5
    assert scene.states() == {"failed DEVICE_REFUSED": 5, "waiting PAUSED": 7}
    warnings = [r.getMessage() for r in caplog.records if r.levelno >= logging.WARNING]
    assert len(warnings) == 1
    assert f"app {app} is paused since" in warnings[0]
    assert "5 devices failed alike: the App Store does not know this adam id" in warnings[0]
    assert scene.counters()["paused.wave"] == 1
    (waiting, *_) = [i for i in scene.installs() if i["state"] == "waiting"]
    explained = scene.install(waiting["serial_number"])["explanation"]
    assert "by the bridge, since 5 devices failed alike" in explained["sentence"]
    assert explained["next_at"] is not None
    assert "5 devices failed alike" in Shell(scene).run("status").stdout


def test_an_hour_later_one_is_tried_and_when_it_works_the_rest_go_on(make_scene: MakeScene) -> None:
    scene = hopeless(make_scene, UNKNOWN_APP)
    scene.apply()
    scene.run(lambda: pauses(scene) != [])
    began = scene.world.now
    mend(scene)
    scene.run(lambda: len(tried(scene)) == 6, limit=HOUR + 60)
    assert scene.world.now - began >= HOUR
    assert pauses(scene) != [], "one first"
    scene.run(lambda: pauses(scene) == [])
    assert scene.states()["installed INSTALLED"] == 1
    scene.run(lambda: scene.states() == {"failed DEVICE_REFUSED": 5, "installed INSTALLED": 7})
    assert scene.counters()["wave.ended"] == 1
    assert scene.world.ledger.violations() == []


def test_as_long_as_it_fails_one_is_tried_rarer_and_rarer(make_scene: MakeScene) -> None:
    scene = hopeless(make_scene, UNKNOWN_APP, devices=10)
    scene.apply()
    scene.run(lambda: pauses(scene) != [])
    gaps, last = [], scene.world.now
    for count in (6, 7, 8, 9):
        scene.run(lambda count=count: len(tried(scene)) == count, limit=9 * HOUR)  # type: ignore[misc]
        gaps.append(round((scene.world.now - last) / HOUR))
        last = scene.world.now
    assert gaps == [1, 1, 2, 4]
    assert scene.counters()["wave.probe_failed"] >= 3


def test_one_hopeless_app_holds_up_no_other(make_scene: MakeScene) -> None:
    scene = hopeless(make_scene, script.install_fails(), apps=3, policy=Policy())
    scene.apply()
    scene.run(lambda: scene.states().get("installed INSTALLED") == 24, limit=300)
    assert pauses(scene) == [f"app {scene.adam_ids[0]} by wave"]
    scene.pass_time(2 * HOUR)
    assert scene.world.ledger.violations() == []


def test_it_survives_a_restart_in_the_middle_of_a_try(make_scene: MakeScene) -> None:
    scene = hopeless(make_scene, UNKNOWN_APP, devices=8)
    scene.apply()
    scene.run(lambda: pauses(scene) != [])
    scene.restart()
    mend(scene)
    scene.run(lambda: len(tried(scene)) == 6, limit=HOUR + 60)
    scene.restart()
    scene.run(lambda: scene.states() == {"failed DEVICE_REFUSED": 5, "installed INSTALLED": 3})


def test_a_device_that_does_not_answer_is_left_for_the_next(make_scene: MakeScene) -> None:
    scene = hopeless(make_scene, UNKNOWN_APP, devices=8)
    scene.apply()
    scene.run(lambda: pauses(scene) != [])
    mend(scene)
    scene.run(lambda: scene.bridge.paused()[0]["probe"] is not None, limit=HOUR + 60)
    scene.world.device(scene.bridge.paused()[0]["probe"]).go_offline()
    scene.run(lambda: pauses(scene) == [], limit=HOUR + 120)
    scene.run(lambda: scene.states().get("installed INSTALLED") == 2)


def test_a_person_may_resume_it_and_what_failed_before_counts_no_more(
    make_scene: MakeScene,
) -> None:
    scene = hopeless(make_scene, UNKNOWN_APP)
    scene.apply()
    scene.run(lambda: pauses(scene) != [])
    mend(scene)
    scene.bridge.resume("app", scene.adam_ids[0])
    scene.run(lambda: scene.states() == {"failed DEVICE_REFUSED": 5, "installed INSTALLED": 7})
    scene.bridge.retry()
    scene.run(scene.all_installed)
    assert scene.counters()["paused.wave"] == 1


def test_a_new_wave_needs_five_again(make_scene: MakeScene) -> None:
    scene = hopeless(make_scene, UNKNOWN_APP)
    scene.apply()
    scene.run(lambda: pauses(scene) != [])
    scene.bridge.resume("app", scene.adam_ids[0])
    scene.run(lambda: pauses(scene) != [])
    assert len(tried(scene)) == 10


def test_a_persons_pause_does_not_end_by_itself(make_scene: MakeScene) -> None:
    scene = hopeless(make_scene, UNKNOWN_APP)
    scene.apply()
    scene.run(lambda: pauses(scene) != [])
    mend(scene)
    assert scene.bridge.pause("app", scene.adam_ids[0]), "it takes the bridge's place"
    scene.pass_time(3 * HOUR)
    assert pauses(scene) == [f"app {scene.adam_ids[0]} by person"]
    assert len(tried(scene)) == 5


PERSONAL = {
    "says no": script.user_rejected(),
    "must sign in": script.error("MCMDMErrorDomain", 12040),
    "has a copy": script.error("MCMDMErrorDomain", 12025),
    "may not install": script.error("MCMDMErrorDomain", 12031),
    "is at it": script.error("ASDErrorDomain", 506),
}


@pytest.mark.parametrize("deed", PERSONAL)
def test_what_speaks_of_the_device_makes_no_wave(make_scene: MakeScene, deed: str) -> None:
    scene = hopeless(make_scene, PERSONAL[deed], devices=7, policy=Policy())
    scene.apply()
    scene.pass_time(600)
    assert len(tried(scene)) == 7
    assert pauses(scene) == []


def test_licences_that_are_seen_a_little_later_make_no_wave(make_scene: MakeScene) -> None:
    scene = make_scene(devices=8, apps=1, macs=0)
    for device in scene.world.devices:
        device.script.add(script.error("ASDServerErrorDomain", 9610))
    scene.apply()
    scene.run(scene.all_installed)
    assert "paused.wave" not in scene.counters()


def test_licences_that_are_never_seen_do(make_scene: MakeScene) -> None:
    scene = hopeless(make_scene, script.error("ASDServerErrorDomain", 9610))
    scene.apply()
    scene.run(lambda: pauses(scene) != [], limit=600)


def test_different_failures_make_no_wave(make_scene: MakeScene) -> None:
    scene = make_scene(devices=8, apps=1, macs=0)
    for number, device in enumerate(scene.world.devices):
        fails(device, 12023 if number % 2 else 12024)
    scene.apply()
    scene.run(lambda: scene.states() == {"failed DEVICE_REFUSED": 8})
    assert pauses(scene) == []


def fails(device: Device, code: int) -> None:
    device.script.add(script.error("MCMDMErrorDomain", code, times=0))


def test_failures_far_apart_make_no_wave(make_scene: MakeScene) -> None:
    scene = make_scene(devices=6, apps=1, macs=0)
    for device in scene.world.devices:
        fails(device, 12023)
    for serial in scene.serials:
        scene.apply(scene.wanted_for(scene.serials[: scene.serials.index(serial) + 1]))
        scene.pass_time(HOUR / 3)
    assert scene.states() == {"failed DEVICE_REFUSED": 6}
    assert pauses(scene) == []
