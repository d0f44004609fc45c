"""How many messages an install takes: webhooks, commands and pushes, however fast the server is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from bridge.domain.policy import Policy
from bridge.simulator.devices import script
from tests.flow.scene import DAY, Scene, rarely

MakeScene = Callable[..., Scene]

INSTALL, LIST = "InstallApplication", "ManagedApplicationList"


def road(make_scene: MakeScene, devices: int, apps: int, latency: float) -> Scene:
    """Devices that enrol and get everything, from a server that takes so long for a webhook."""
    scene = make_scene(devices=devices, apps=apps, macs=0.0, enrol=False, seats=devices)
    scene.world.mdm.webhook.latency = latency
    scene.apply(scene.desired(named=True))
    scene.settle()
    for device in scene.world.devices:
        device.enrol()
    scene.run(scene.all_installed, 7200)
    assert scene.world.ledger.violations() == []
    return scene


@pytest.mark.parametrize(
    ("devices", "latency"),
    [
        (6, 0.002),
        (6, 0.4),
        pytest.param(20, 0.002, marks=pytest.mark.slow),
        pytest.param(20, 0.2, marks=pytest.mark.slow),
    ],
)
def test_the_messages_of_an_install(make_scene: MakeScene, devices: int, latency: float) -> None:
    scene = road(make_scene, devices, 25, latency)
    installs, requests = devices * 25, scene.world.ledger.requests
    assert scene.world.mdm.webhook.sent <= 2.4 * installs
    assert requests["mdm.command"] <= 1.15 * installs
    assert requests["mdm.push"] == 0
    assert requests["mdm.queue"] <= 1.1 * installs, "one look beside each command at most"
    assert scene.received(LIST) <= 3 * devices


def test_a_list_lets_installs_by_for_a_while_only(make_scene: MakeScene) -> None:
    """A device that takes half a minute for each command is not kept from telling for ever."""
    scene = make_scene(devices=1, apps=12, macs=0.0, traits={"wake_latency": 30.0})
    scene.apply(scene.desired(named=True))
    scene.run(lambda: scene.states().get("installed INSTALLED", 0) >= 1, 600)
    assert sum(scene.states().values()) - scene.states()["installed INSTALLED"] >= 5
    scene.run(scene.all_installed, 3600)
    assert scene.received(LIST) <= 6


def test_the_pace_of_installs_keeps_no_list_back(make_scene: MakeScene) -> None:
    policy = Policy()
    policy = replace(policy, install=replace(policy.install, max_per_minute=1))
    scene = make_scene(devices=1, apps=3, macs=0.0, policy=policy)
    scene.apply(scene.desired(named=True))
    scene.run(lambda: scene.states().get("installed INSTALLED", 0) == 1, 50)
    scene.run(scene.all_installed, 600)


def a_day(scene: Scene) -> int:
    """How many outside calls there are in a day from now on."""
    before = sum(scene.world.ledger.requests.values())
    scene.pass_time(DAY)
    return sum(scene.world.ledger.requests.values()) - before


def test_a_device_that_ignores_an_install_costs_a_few_calls_a_day(make_scene: MakeScene) -> None:
    scene = make_scene(devices=1, apps=1, macs=0.0, policy=rarely())
    device = scene.world.devices[0]
    well = device.misbehave
    device.misbehave = lambda _, kind, __: script.silent() if kind == INSTALL else None
    scene.apply(scene.desired(named=True))
    scene.settle()
    assert a_day(scene) < 20
    assert scene.states() == {"sent NOT_ANSWERED": 1}
    assert a_day(scene) <= 5
    device.misbehave = well
    scene.run(scene.all_installed, 2 * DAY)


@pytest.mark.parametrize("apps", [1, 3])
def test_a_device_that_is_off_costs_a_few_calls_a_day(make_scene: MakeScene, apps: int) -> None:
    scene = make_scene(devices=1, apps=apps, macs=0.0, policy=rarely())
    scene.world.devices[0].go_offline()
    scene.apply(scene.desired(named=True))
    scene.settle()
    assert a_day(scene) < 20
    assert a_day(scene) <= 5
