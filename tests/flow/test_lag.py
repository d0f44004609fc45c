"""Webhooks that come minutes late: nothing is doubted, repeated or pushed for because of that."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from bridge.simulator.faults import Fault
from tests.flow.cli_kit import Shell
from tests.flow.scene import Scene, rarely

MakeScene = Callable[..., Scene]

INSTALL, LIST = "InstallApplication", "ManagedApplicationList"
LAG = 400.0
EVERY = 20.0
"""Seconds between two connections of a device, so that there are webhooks all the time."""


def busy(scene: Scene, every: float = EVERY) -> None:
    """All devices connect by themselves, now and for ever."""

    def connect() -> None:
        for device in scene.world.devices:
            if device.online and device.enrolled:
                device.connect()
        scene.world.kernel.after(every, connect)

    connect()


def lagging(make_scene: MakeScene, lag: float = LAG, **arguments: Any) -> Scene:
    """A server whose webhooks have fallen behind by and by, as by half of the time that passes."""
    options = {"devices": 4, "apps": 3, "macs": 0.0, "policy": rarely()} | arguments
    scene = make_scene(**options)
    busy(scene)
    scene.pass_time(60)
    began = scene.world.now
    webhook = scene.world.mdm.webhook

    def behind(seconds: float) -> None:
        webhook.lag = seconds

    for second in range(int(lag) + 1):
        scene.world.kernel.at(began + 2 * second, lambda s=second: behind(float(s)))  # type: ignore[misc]
    scene.pass_time(2 * lag + 10)
    return scene


def part(scene: Scene) -> dict[str, Any]:
    parts = scene.client.get("/readyz").get_json()["parts"]
    return next(each for each in parts if each["name"] == "lag main")


def test_nothing_is_doubted_repeated_or_pushed_for(make_scene: MakeScene) -> None:
    scene = lagging(make_scene)
    scene.apply(scene.desired(named=True))
    before = dict(scene.world.ledger.requests)
    scene.run(scene.all_installed, 3 * 3600)
    assert scene.world.mdm.webhook.lag == LAG, "it lagged to the end"
    assert scene.counters().get("command.in_doubt", 0) == 0
    assert scene.counters().get("command.posted_again", 0) == 0
    assert scene.world.ledger.requests["mdm.push"] == before.get("mdm.push", 0)
    assert scene.received(INSTALL) == 12, "each once"
    assert scene.received(LIST) <= 4 * 3, "one before, and no more than one for each that came"
    assert scene.world.ledger.violations() == []


def test_a_device_goes_on_without_its_webhooks(make_scene: MakeScene) -> None:
    """The queue shows that it took a command, so that the next one need not wait for its answer."""
    scene = lagging(make_scene, devices=1, apps=6)
    scene.apply(scene.desired(named=True))
    began = scene.world.now
    scene.run(scene.all_installed, 4 * LAG + 200)
    assert scene.world.now - began >= 3 * LAG, "a list, the installs all together, a list"
    assert scene.counters().get("command.in_doubt", 0) == 0
    assert scene.received(INSTALL) == 6


def test_a_lag_is_told_and_its_end(make_scene: MakeScene) -> None:
    scene = lagging(make_scene, devices=1, apps=1)
    shell = Shell(scene)
    scene.apply(scene.desired(named=True))
    scene.run(lambda: any("sent" in state for state in scene.states()), 3600)
    scene.pass_time(30)
    told = part(scene)
    assert not told["ok"] and told["severity"] == "degraded"
    assert 395 <= told["age_s"] <= 415
    assert "its webhooks are 4" in told["detail"] and " s behind, since 20" in told["detail"]
    assert scene.client.get("/readyz").get_json()["parts"][0]["ok"]
    assert "Attention: lag main: its webhooks are 4" in shell.run("status").stdout
    server = shell.json("status")["servers"][0]
    assert 395 <= server["webhooks_behind_s"] <= 415
    assert server["webhooks_behind_since"] is not None
    sentence = scene.install()["explanation"]["sentence"]
    assert "The webhooks of MDM server main are 4" in sentence
    assert "is not known yet, and nothing is repeated before it is." in sentence
    scene.world.mdm.webhook.lag = 0.0
    scene.run(scene.all_installed, 3600)
    scene.pass_time(2 * EVERY)
    assert part(scene)["ok"] and part(scene)["detail"] == ""
    assert "behind" not in scene.install()["explanation"]["sentence"]
    assert shell.json("status")["servers"][0]["webhooks_behind_s"] == 0.0


def test_what_was_lost_in_a_lag_is_doubted_once_the_webhooks_have_passed(
    make_scene: MakeScene,
) -> None:
    scene = lagging(make_scene, devices=2, apps=2)
    scene.world.faults.add(Fault("mdm.command", "lose", match=INSTALL))
    scene.apply(scene.desired(named=True))
    scene.run(lambda: scene.world.ledger.requests["mdm.command"] >= 4, 3600)
    posted_at = scene.world.now
    scene.run(lambda: scene.counters().get("command.in_doubt", 0) == 1, 3600)
    assert LAG <= scene.world.now - posted_at <= 3 * LAG
    scene.run(scene.all_installed, 3 * 3600)
    assert scene.counters()["command.in_doubt"] == 1
    assert scene.world.ledger.violations() == []


def test_webhooks_that_end_in_a_lag_are_silent_after_all(make_scene: MakeScene) -> None:
    scene = lagging(make_scene, devices=1, apps=1)
    scene.apply(scene.desired(named=True))
    scene.run(lambda: "sent COMMAND_SENT" in scene.states(), 3600)
    scene.world.mdm.restart()  # what it kept in its memory is lost
    for device in scene.world.devices:
        device.go_offline()
    scene.pass_time(2 * LAG + 60)
    assert part(scene)["ok"], "nothing came for long: nothing is known to be behind"
    assert scene.counters()["command.in_doubt"] == 1
    for device in scene.world.devices:
        device.go_online()
    scene.world.mdm.webhook.lag = 0.0
    scene.run(scene.all_installed, 3600)
    assert scene.world.ledger.violations() == []


@pytest.mark.parametrize(("ahead", "at_first"), [(-7200.0, True), (-600.0, False), (7200.0, True)])
def test_a_server_whose_clock_is_wrong_lags_no_longer_than_until_an_answer(
    make_scene: MakeScene, ahead: float, at_first: bool
) -> None:
    scene = make_scene(devices=2, apps=1, macs=0.0, policy=rarely())
    scene.world.mdm.webhook.clock_ahead = ahead
    busy(scene)
    scene.pass_time(100)
    assert part(scene)["ok"] == at_first
    scene.apply(scene.desired(named=True))
    scene.run(lambda: scene.received(LIST) == 1, 600)
    scene.pass_time(1)
    assert part(scene)["ok"]
    scene.run(scene.all_installed, 600)
    assert part(scene)["age_s"] == 0.0


@pytest.mark.parametrize("by", [-7200.0, -40.0, 40.0, 7200.0])
def test_a_servers_clock_that_is_set_is_no_lag_for_long(make_scene: MakeScene, by: float) -> None:
    scene = make_scene(devices=2, apps=1, macs=0.0, policy=rarely())
    busy(scene)
    scene.pass_time(100)
    scene.world.mdm.webhook.clock_ahead += by
    scene.pass_time(30)
    scene.apply(scene.desired(named=True))
    scene.run(scene.all_installed)
    scene.pass_time(30)
    assert part(scene)["ok"]
    assert scene.counters().get("command.in_doubt", 0) == 0


@pytest.mark.parametrize("by", [-3600.0, 3600.0])
def test_our_own_clock_that_is_set_changes_no_lag(make_scene: MakeScene, by: float) -> None:
    scene = lagging(make_scene, devices=2, apps=2)
    scene.apply(scene.desired(named=True))
    scene.pass_time(60)
    scene.set_clock(by)
    scene.pass_time(20)
    assert 390 <= part(scene)["age_s"] <= 420
    scene.run(scene.all_installed, 3 * 3600)
    assert scene.counters().get("command.in_doubt", 0) == 0
    assert scene.received(INSTALL) == 4
