"""Two webhooks of one device that change places, at every step of its road."""

from collections.abc import Callable
from typing import Any

import pytest

from bridge.simulator.devices import script
from tests.flow.kit import installs_sent
from tests.flow.scene import Scene

MakeScene = Callable[..., Scene]

ROADS: dict[str, tuple[dict[str, Any], dict[str, Any], tuple[script.Planned, ...], int]] = {
    "an iPad that enrols": ({"macs": 0}, {}, (), 1),
    "an iPad whose bundle ids are known": ({"macs": 0}, {"named": True}, (), 1),
    "a Mac": ({"macs": 1.0}, {"named": True}, (), 1),
    "one that puts it off": ({"macs": 0}, {}, (script.not_now(),), 2),
    "one that sees its licence late": (
        {"macs": 0},
        {"named": True},
        (script.error("MDMErrorDomain", 12064),),
        2,
    ),
}
"""The world, the wish, what the device does, and how often it gets the first of its two apps."""


def travel(make_scene: MakeScene, road: str, late: int | None) -> Scene:
    """The whole road of one device with two apps, from its enrolment on."""
    world, wish, deeds, _ = ROADS[road]
    scene = make_scene(devices=1, apps=2, enrol=False, **world)
    scene.world.mdm.webhook.late = late
    scene.world.devices[0].script.add(*deeds)
    scene.apply(scene.desired(**wish))
    scene.pass_time(5)
    scene.world.enrol_all()
    scene.run(lambda: bool(scene.installs()) and scene.all_installed(), limit=7200)
    scene.pass_time(60)
    return scene


@pytest.mark.slow
@pytest.mark.parametrize("road", ROADS)
def test_neighbours_change_places_at_every_step(make_scene: MakeScene, road: str) -> None:
    straight = travel(make_scene, road, None)
    steps = straight.world.mdm.webhook.sent
    assert steps >= 8
    for late in range(steps):
        scene = travel(make_scene, road, late)
        where = f"step {late} of {steps}"
        assert scene.states() == {"installed INSTALLED": 2}, where
        assert installs_sent(scene) == installs_sent(straight) == 1 + ROADS[road][3], where
        device = scene.world.devices[0]
        assert all(device.installed(adam_id) for adam_id in scene.adam_ids), where
        assert scene.world.ledger.violations() == [], where
        assert scene.world.ledger.requests["apple.associate"] == 1, where
        assert [e["status"] for e in scene.bridge.list_events(limit=1000).items if e["error"]] == []
