"""A found fleet: an app whose bundle id nobody knows goes to one device first, to learn it."""

from collections.abc import Callable, Iterable
from dataclasses import replace

from bridge.domain.policy import Policy, ProbePolicy
from bridge.simulator.apple.apple import AppleSettings
from bridge.simulator.devices import script
from bridge.simulator.devices.apps import App
from bridge.simulator.devices.device import Device
from tests.flow.cli_kit import Shell
from tests.flow.scene import Scene

MakeScene = Callable[..., Scene]

PATIENCE = 600.0


def found_fleet(make_scene: MakeScene, devices: int = 20, **arguments: object) -> Scene:
    """Devices that were enrolled before the bridge came and have the only app, whose bundle id
    neither the file nor Apple's metadata tells."""
    policy = replace(Policy(), scout=ProbePolicy(answer_within=PATIENCE))
    scene = make_scene(
        **{
            "devices": devices,
            "apps": 1,
            "policy": policy,
            "apple": AppleSettings(hidden_keys={"urls"}),
        }
        | arguments
    )
    for device in scene.world.devices:
        has(device, scene.adam_ids[0])
    return scene


def has(device: Device, adam_id: str) -> None:
    bundle_id, name = device.catalogue[adam_id]
    device.apps.put(App(bundle_id, adam_id, name, "Managed", managed=True))


def posted(scene: Scene) -> list[str]:
    """The serial numbers to which an install went, in that order."""
    names = {device.udid: device.serial_number for device in scene.world.devices}
    every = [each for some in scene.world.ledger.installs_posted.values() for each in some]
    return [names[each.udid] for each in sorted(every, key=lambda each: each.at)]


def quiet(devices: Iterable[Device]) -> None:
    """Their answers do not name the app."""
    for device in devices:
        device.tells_identifier = False


def test_one_of_twenty_is_sent_the_app_and_the_others_are_adopted(make_scene: MakeScene) -> None:
    scene = found_fleet(make_scene)
    scene.apply()
    scene.run(scene.all_installed)
    assert len(posted(scene)) == 1
    assert scene.world.ledger.violations() == []


def test_what_a_device_really_lacks_is_sent_once_the_bundle_id_is_known(
    make_scene: MakeScene,
) -> None:
    scene = found_fleet(make_scene, devices=6)
    lacking = scene.world.devices[-2:]
    for device in lacking:
        device.apps.clear()
        device.apps.put(App("com.example.other", "1", "Other", "Managed", managed=True))
    scene.apply()
    scene.run(scene.all_installed)
    assert set(posted(scene)) >= {device.serial_number for device in lacking}
    assert len(posted(scene)) <= 3
    assert scene.world.missing(scene.world.everything()) == []


def test_those_that_wait_say_who_is_tried(make_scene: MakeScene) -> None:
    scene = found_fleet(make_scene, devices=4)
    for device in scene.world.devices:
        device.script.add(script.silent(times=0))
    scene.apply()
    scene.run(lambda: scene.states().get("licensed BUNDLE_ID_SCOUT") == 3 and bool(posted(scene)))
    (scout,) = posted(scene)
    (waiting, *_) = [i for i in scene.installs() if i["reason"] == "BUNDLE_ID_SCOUT"]
    explained = scene.install(waiting["serial_number"])["explanation"]
    assert "goes to one device first" in explained["sentence"]
    assert scout in explained["sentence"]
    assert explained["next_at"] is not None
    result = Shell(scene).run("why", waiting["serial_number"], scene.adam_ids[0])
    assert result.exit_code == 0


def test_a_scout_that_does_not_answer_gives_way_and_three_are_enough(
    make_scene: MakeScene,
) -> None:
    scene = found_fleet(make_scene, devices=6)
    for device in scene.world.devices:
        device.script.add(script.silent(times=0))
    scene.apply()
    scene.run(lambda: len(posted(scene)) == 1)
    began = scene.world.now
    for count in (2, 3):
        scene.run(lambda count=count: len(set(posted(scene))) == count)  # type: ignore[misc]
        assert scene.world.now - began >= (count - 1) * PATIENCE - 1
    scene.run(lambda: len(set(posted(scene))) == 6)
    assert 3 * PATIENCE - 1 <= scene.world.now - began <= 4 * PATIENCE


def test_scouts_that_answer_without_it_are_followed_at_once(make_scene: MakeScene) -> None:
    scene = found_fleet(make_scene, devices=5)
    quiet(scene.world.devices[:-1])
    scene.apply()
    scene.run(lambda: len(posted(scene)) >= 3, limit=60)
    scene.run(lambda: scene.states().get("licensed BUNDLE_ID_SCOUT") is None, limit=300)


def test_a_late_answer_teaches_it_too(make_scene: MakeScene) -> None:
    scene = found_fleet(make_scene, devices=5)
    for device in scene.world.devices:
        device.script.add(script.not_now())
        device.not_now_rest = PATIENCE / 2
    scene.apply()
    scene.run(scene.all_installed)
    assert len(posted(scene)) == 1


def test_it_survives_a_restart_and_a_pause(make_scene: MakeScene) -> None:
    scene = found_fleet(make_scene, devices=5)
    scene.apply()
    scene.run(lambda: bool(posted(scene)))
    scene.bridge.pause("all")
    scene.restart()
    scene.pass_time(PATIENCE)
    scene.bridge.resume("all")
    scene.run(scene.all_installed)
    assert len(posted(scene)) == 1


def test_nobody_waits_where_the_bundle_id_is_known(make_scene: MakeScene) -> None:
    scene = found_fleet(make_scene, devices=5)
    scene.apply(scene.desired(named=True))
    scene.run(scene.all_installed)
    assert posted(scene) == []


def test_nobody_waits_where_every_entry_is_known_to_be_another_app(make_scene: MakeScene) -> None:
    scene = make_scene(devices=4, apps=2, apple=AppleSettings(hidden_keys={"urls"}))
    known, unknown = scene.adam_ids
    for device in scene.world.devices:
        has(device, known)
        device.script.add(script.silent(adam_id=unknown, times=0))
    desired = scene.desired()
    named = scene.desired(named=True)
    scene.apply(replace(desired, apps=(named.apps[0], desired.apps[1])))
    scene.run(lambda: len(posted(scene)) == 4)


def test_a_device_that_enrols_later_waits_for_nobody(make_scene: MakeScene) -> None:
    scene = found_fleet(make_scene, devices=3, seats=9)
    for device in scene.world.devices:
        device.script.add(script.silent(times=0))
    scene.apply()
    scene.run(lambda: len(posted(scene)) == 1)
    new = scene.world.new_device()
    new.enrol()
    new.apps.put(App("com.example.other", "1", "Other", "Managed", managed=True))
    scene.run(lambda: new.serial_number in posted(scene), limit=PATIENCE)
