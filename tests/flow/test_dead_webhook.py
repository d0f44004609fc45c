"""A dead webhook: devices are asked at growing intervals, and go on once it is back."""

from __future__ import annotations

import pytest

from bridge.domain.policy import MINUTE
from tests.flow.scene import DAY, MakeScene, Scene, rarely


@pytest.fixture
def scene(make_scene: MakeScene) -> Scene:
    """Four devices that have their app."""
    scene = make_scene(devices=4, apps=1, macs=0, seats=10, policy=rarely())
    scene.apply()
    scene.run(scene.all_installed)
    return scene


def commands(scene: Scene) -> int:
    """How many commands the MDM server was sent."""
    return scene.world.ledger.requests["mdm.command"]


@pytest.mark.slow
def test_who_is_not_heard_of_is_asked_once_a_day(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    passes = 0
    run_once = scene.engine.run_once

    def counted() -> bool:
        nonlocal passes
        passes += 1
        return run_once()

    monkeypatch.setattr(scene.engine, "run_once", counted)
    scene.reachable = False
    scene.pass_time(6 * DAY)
    for _ in range(24):
        passes, before = 0, commands(scene)
        scene.pass_time(DAY)
        assert commands(scene) - before <= 12 * len(scene.serials)
        assert passes < 500
    before = commands(scene)
    scene.pass_time(2 * DAY)
    assert commands(scene) - before <= 2 * len(scene.serials)
    scene.reachable = True
    scene.pass_time(DAY + MINUTE)
    assert all(each["state"] == "installed" for each in scene.installs())
    with scene.bridge.database.read() as db:
        assert db.execute("SELECT count(*) FROM unheard_answers").fetchone()[0] == 0
        listed = db.execute("SELECT min(apps_listed_at) FROM devices").fetchone()[0]
    assert scene.plain or listed > scene.now() - DAY - MINUTE, "each has told anew"


@pytest.mark.parametrize("minutes", [3, 20, 120])
def test_what_was_under_way_goes_on_soon_after_a_short_outage(
    make_scene: MakeScene, minutes: int
) -> None:
    scene = make_scene(devices=4, apps=2, macs=0, seats=10, policy=rarely())
    scene.apply()
    scene.run(lambda: scene.received("InstallApplication") > 0)
    scene.reachable = False
    scene.pass_time(minutes * MINUTE)
    scene.reachable = True
    scene.run(scene.all_installed, limit=(minutes + 5) * MINUTE)
    assert scene.received("InstallApplication") == 8
