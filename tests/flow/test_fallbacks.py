"""An app with several locations: the first with seats serves a device, and stays with it."""

from collections.abc import Callable
from dataclasses import replace

from bridge.config import LocationConfig
from bridge.domain.desired.desired import AppWish, Desired, Group
from bridge.simulator.apple.library import SERIAL, Asset, Pair, Target
from tests.flow.scene import Scene

MakeScene = Callable[..., Scene]


def with_branch(make_scene: MakeScene, *, seats: int, others: int, devices: int = 3) -> Scene:
    """A scene whose first app has these seats at hq, and at branch."""
    scene = make_scene(devices=devices, apps=1, macs=0, seats=seats)
    branch = scene.world.apple.add_location("branch")
    bundle_id, name = scene.world.catalogue[scene.adam_ids[0]]
    asset = Asset(scene.adam_ids[0], total=others)
    scene.world.add_app(branch, scene.adam_ids[0], bundle_id, name, asset)
    path = scene.tmp_path / "branch.vpptoken"
    path.write_text(branch.token)
    known = {**scene.config.locations, "branch": LocationConfig("branch", path)}
    scene.config = replace(scene.config, locations=known)
    scene.restart()
    return scene


def from_both(scene: Scene, *order: str) -> Desired:
    """The app for everybody, from these locations in this order."""
    wish = AppWish(scene.adam_ids[0], ("everyone",), order[0], fallbacks=order[1:])
    return Desired((Group("everyone", all=True),), (wish,))


def places(scene: Scene) -> list[str]:
    """Which location serves each device, in the order of the devices."""
    return [each["location"] for each in scene.installs()]


def test_the_first_location_with_seats_serves_a_device(make_scene: MakeScene) -> None:
    scene = with_branch(make_scene, seats=2, others=5)
    scene.apply(from_both(scene, "hq", "branch"))
    scene.run(lambda: scene.states() == {"installed INSTALLED": 3})
    assert places(scene) == ["hq", "hq", "branch"]
    assert scene.world.ledger.violations() == []


def test_a_location_that_does_not_own_the_app_is_passed_over(make_scene: MakeScene) -> None:
    scene = with_branch(make_scene, seats=5, others=5)
    del scene.world.location.library.assets[scene.adam_ids[0], "STDQ"]
    scene.apply(from_both(scene, "hq", "branch"))
    scene.run(lambda: scene.states() == {"installed INSTALLED": 3})
    assert places(scene) == ["branch"] * 3


def test_what_a_device_holds_is_not_exchanged(make_scene: MakeScene) -> None:
    scene = with_branch(make_scene, seats=5, others=2)
    scene.apply(from_both(scene, "branch", "hq"))
    scene.run(lambda: scene.states() == {"installed INSTALLED": 3})
    assert places(scene) == ["branch", "branch", "hq"]
    asked = scene.world.ledger.requests["apple.associate"]
    scene.apply(from_both(scene, "hq", "branch"))
    assert places(scene) == ["branch", "branch", "hq"]
    scene.pass_time(3 * 3600)
    assert places(scene) == ["branch", "branch", "hq"]
    assert scene.world.ledger.requests["apple.associate"] == asked


def test_who_holds_a_licence_of_a_later_location_takes_no_seat_of_the_first(
    make_scene: MakeScene,
) -> None:
    scene = with_branch(make_scene, seats=5, others=5, devices=1)
    branch = scene.world.apple.locations[1]
    held = Pair(scene.adam_ids[0], "STDQ", Target(SERIAL, scene.serials[0]))
    branch.library.assign(held, scene.world.now)
    scene.apply(from_both(scene, "hq", "branch"))
    scene.run(lambda: scene.states() == {"installed INSTALLED": 1})
    assert places(scene) == ["branch"]
    assert not scene.world.location.library.assignments


def test_who_waits_for_a_seat_gets_the_first_that_comes_anywhere(make_scene: MakeScene) -> None:
    scene = with_branch(make_scene, seats=1, others=1)
    scene.apply(from_both(scene, "hq", "branch"))
    scene.run(lambda: scene.states() == {"installed INSTALLED": 2, "waiting NO_SEAT": 1})
    scene.pass_time(3 * 3600)
    assert sorted(places(scene)[:2]) == ["branch", "hq"]
    scene.world.apple.buy(scene.world.apple.locations[1], scene.adam_ids[0], 1)
    scene.run(lambda: scene.states() == {"installed INSTALLED": 3})
    assert places(scene).count("branch") == 2
