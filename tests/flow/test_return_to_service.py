"""Return to Service, and a move to another server with all apps: what is not sent before the
release is lost."""

from dataclasses import replace
from typing import Any

import pytest

from bridge.domain.policy import AssociatePolicy
from bridge.simulator.apple.library import Asset
from bridge.simulator.devices.device import Device
from bridge.simulator.mdm.mdm import MdmSettings
from bridge.simulator.world import MdmTransport
from tests.flow.scene import DAY, HOUR, MakeScene, Scene, rarely
from tests.flow.test_moving import Kind, Move, moving
from tests.flow.test_setup import DEADLINE, sent

CALM = replace(rarely(assets_every=HOUR), associate=AssociatePolicy(before_enrolment=True))


def in_service(make_scene: MakeScene, apps: int = 4, **world: Any) -> Scene:
    """A device that has its apps, by nothing but the ordinary way."""
    settings = {"devices": 1, "macs": 0.0, "policy": CALM, "release_setup": True}
    scene = make_scene(apps=apps, **settings | world)
    scene.apply(scene.wanted_for(scene.serials, named=True))
    scene.run(scene.all_installed)
    return scene


def has_all(scene: Scene, device: Device) -> bool:
    return all(device.installed(adam_id) for adam_id in scene.adam_ids)


def test_all_apps_are_sent_before_the_release_and_none_is_lost(make_scene: MakeScene) -> None:
    scene = in_service(make_scene)
    (device,) = scene.world.devices
    device.received.clear()
    downloads = len(device.installs)
    device.return_to_service()
    scene.run(lambda: not device.setup.awaits, DEADLINE)
    assert len(sent(device, "InstallApplication")) == 4
    assert max(sent(device, "InstallApplication")) <= sent(device, "DeviceConfigured")[0]
    assert has_all(scene, device)
    assert len(device.installs) == downloads, "nothing is downloaded again"
    scene.run(scene.all_installed)


def test_a_new_app_is_got_and_sent_there_too(make_scene: MakeScene) -> None:
    scene = in_service(make_scene)
    (device,) = scene.world.devices
    scene.world.add_app(
        scene.world.location, "999000111", "com.example.new", "New", Asset("999000111", 5)
    )
    scene.pass_time(2 * HOUR)
    scene.apply(scene.wanted_for(scene.serials, named=True))
    device.return_to_service()
    scene.run(lambda: not device.setup.awaits, DEADLINE)
    kinds = [each.request_type for each in device.received]
    assert kinds.index("DeviceConfigured") > kinds.index("InstallApplication")
    assert "com.example.new" in device.managed_apps
    assert len(device.managed_apps) == 5


def test_three_times_a_day_for_a_week_costs_no_licence_and_no_attempt(
    make_scene: MakeScene,
) -> None:
    scene = in_service(make_scene, install_time=120.0)
    (device,) = scene.world.devices
    ledger = scene.world.ledger
    asked = ledger.requests["apple.associate"]
    for _day in range(7):
        for _time in range(3):
            device.return_to_service()
            scene.pass_time(2 * HOUR)
            assert not device.setup.awaits
        scene.pass_time(DAY - 6 * HOUR)
        assert has_all(scene, device), "each evening"
        assert scene.states() == {"installed INSTALLED": 4}
    assert ledger.requests["apple.associate"] == asked
    with scene.bridge.database.read() as db:
        attempts = {row[0] for row in db.execute("SELECT DISTINCT attempt FROM commands")}
    assert attempts == {1}
    assert ledger.violations() == []


def test_not_now_to_everything_after_the_release_is_no_trouble(make_scene: MakeScene) -> None:
    scene = in_service(make_scene)
    (device,) = scene.world.devices
    device.apps.remove(scene.world.catalogue[scene.adam_ids[0]][0])
    device.install_time = 3 * HOUR
    device.return_to_service()
    scene.run(lambda: not device.setup.awaits, DEADLINE)
    scene.pass_time(HOUR)
    assert any(each["state"] != "installed" for each in scene.installs())
    needing = [each for each in scene.installs() if each["needs_someone"]]
    assert needing == []
    scene.run(scene.all_installed, DAY)
    with scene.bridge.database.read() as db:
        assert {r[0] for r in db.execute("SELECT DISTINCT attempt FROM commands")} == {1}


def move_with_apps(move: Move, device: Device) -> None:
    """The device enrols with the other server, and keeps its apps so far."""
    device.transport = MdmTransport(move.next, move.scene.world.lock)
    move.next.reach(device.key, device.wake)
    device.return_to_service()


@pytest.mark.parametrize("kind", ["nanomdm", "nanohub", "micromdm"])
def test_a_move_with_its_apps_sends_every_one_before_the_release(
    make_scene: MakeScene, kind: Kind
) -> None:
    move = moving(make_scene, kind, apps=4, release_setup=True)
    scene = move.scene
    scene.apply(scene.wanted_for(scene.serials, named=True))
    scene.run(scene.all_installed)
    servers = scene.config.servers
    servers = {name: replace(each, release_setup=True) for name, each in servers.items()}
    scene.config = replace(scene.config, servers=servers)
    scene.restart()
    (device,) = scene.world.devices
    asked = scene.world.ledger.requests["apple.associate"]
    device.received.clear()
    move_with_apps(move, device)
    scene.run(lambda: not device.setup.awaits, DEADLINE)
    assert len(sent(device, "InstallApplication")) == 4
    assert max(sent(device, "InstallApplication")) <= sent(device, "DeviceConfigured")[0]
    assert has_all(scene, device)
    assert scene.world.ledger.requests["apple.associate"] == asked
    scene.run(scene.all_installed)


def test_a_lost_authenticate_does_not_leave_a_device_there(make_scene: MakeScene) -> None:
    """Webhooks may be lost: who was released, and waits there again, has enrolled anew."""
    scene = in_service(make_scene)
    if scene.plain:
        pytest.skip("one loss at a time is shown with the first mode")
    (device,) = scene.world.devices
    device.return_to_service()
    scene.run(lambda: not device.setup.awaits, DEADLINE)
    scene.pass_time(HOUR)
    device.awaits_configuration = True
    device.setup.begin(device.apps, scene.world.now, preserves=True)
    scene.reachable = False
    device.authenticate()
    scene.world.advance(1.0)
    scene.reachable = True
    device.token_update()
    scene.run(lambda: not device.setup.awaits, DEADLINE + 60)
    assert has_all(scene, device)


@pytest.mark.parametrize("settings", [MdmSettings()])
def test_messages_in_the_wrong_order_tell_the_same(
    make_scene: MakeScene, settings: MdmSettings
) -> None:
    scene = in_service(make_scene, mdm=settings)
    (device,) = scene.world.devices
    device.awaits_configuration = True
    device.setup.begin(device.apps, scene.world.now, preserves=True)
    posts: list[Any] = []
    post = scene.world.outgoing.post

    def late(url: str, headers: Any, body: bytes, timeout: float) -> int | None:
        if b"mdm.Authenticate" in body and not posts:
            posts.append((url, headers, body, timeout))
            return 200
        return post(url, headers, body, timeout)

    scene.world.outgoing.post = late
    device.authenticate()
    device.token_update()
    scene.pass_time(1.0)
    assert posts
    post(*posts[0])
    scene.run(lambda: not device.setup.awaits, DEADLINE)
    assert has_all(scene, device)
