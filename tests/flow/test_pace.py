"""Silence, pace and forgetting: what the clock alone decides."""

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise

import pytest

from bridge.domain.policy import Policy
from bridge.simulator.faults import Fault
from tests.flow.scene import DAY, HOUR, Scene, rarely

MakeScene = Callable[..., Scene]


@pytest.mark.slow
def test_a_year_of_silence_costs_little_and_ends_well(make_scene: MakeScene) -> None:
    scene = make_scene(devices=2, apps=2, policy=rarely())
    scene.apply()
    scene.run(lambda: any(key.startswith("sent") for key in scene.states()))
    quiet = scene.world.devices[0]
    quiet.go_offline()
    scene.pass_time(15 * DAY)
    mine = [i for i in scene.installs(serial=quiet.serial_number) if i["state"] != "installed"]
    assert mine and {(i["state"], i["reason"]) for i in mine} == {("waiting", "DEVICE_SILENT")}
    assert "has not been heard of for 15 days" in scene.install()["explanation"]["sentence"]
    requests = scene.world.ledger.requests
    before = {name: requests[name] for name in ("mdm.push", "mdm.command")}
    scene.pass_time(350 * DAY)
    assert requests["mdm.push"] - before["mdm.push"] <= 51, "one a week"
    sent_meanwhile = requests["mdm.command"] - before["mdm.command"]
    assert sent_meanwhile <= 53, "the other device is asked once a week; this one not at all"
    quiet.go_online()
    quiet.connect()
    scene.run(scene.all_installed, limit=2 * DAY)
    assert scene.world.missing(scene.world.everything()) == []


def test_a_silent_device_takes_no_seat(make_scene: MakeScene) -> None:
    scene = make_scene(devices=1, apps=1, policy=rarely())
    scene.pass_time(60)
    scene.world.devices[0].connect()
    scene.world.devices[0].go_offline()
    scene.pass_time(20 * DAY)
    scene.apply()
    scene.pass_time(60)
    assert scene.states() == {"waiting DEVICE_SILENT": 1}
    assert scene.world.ledger.requests["apple.associate"] == 0


def test_installs_keep_the_pace_that_policy_sets(make_scene: MakeScene) -> None:
    policy = Policy()
    policy = replace(policy, install=replace(policy.install, max_per_minute=2))
    scene = make_scene(devices=5, apps=2, policy=policy)
    scene.apply()
    scene.run(scene.all_installed)
    times = sorted(
        posted.at for each in scene.world.ledger.installs_posted.values() for posted in each
    )
    gaps = [later - earlier for earlier, later in pairwise(times)]
    assert len(times) == 10
    assert min(gaps) >= 29.0


@pytest.mark.slow
def test_what_is_old_is_forgotten_and_what_decides_is_kept(make_scene: MakeScene) -> None:
    scene = make_scene(devices=1, apps=2, policy=rarely())
    scene.apply(scene.desired(on_unwanted="release"))
    scene.run(scene.all_installed)
    scene.pass_time(120 * DAY)
    assert scene.all_installed()
    with scene.bridge.database.read() as db:
        kinds = [row[0] for row in db.execute("SELECT request_type FROM commands")]
        events = db.execute("SELECT count(*) FROM events").fetchone()[0]
    assert kinds.count("InstallApplication") == 2
    assert kinds.count("ManagedApplicationList") <= 5, "one a week, kept for 30 days"
    assert events <= 20
    apps = scene.desired(on_unwanted="release")
    scene.apply(replace(apps, apps=apps.apps[:1]))
    scene.run(lambda: scene.states() == {"installed INSTALLED": 1, "removed RELEASED": 1})
    scene.pass_time(91 * DAY)
    assert scene.states() == {"installed INSTALLED": 1}


def test_a_device_that_nobody_called_for_long_is_called(make_scene: MakeScene) -> None:
    """A device comes only if it is pushed to. So one that nothing was wanted for is silent, though
    nothing is wrong with it."""
    scene = make_scene(devices=3, apps=1, policy=rarely())
    scene.pass_time(60)
    for device in scene.world.devices:
        device.connect()
    off = scene.world.devices[0]
    off.go_offline()
    scene.pass_time(20 * DAY)
    scene.apply()
    scene.run(lambda: scene.states().get("installed INSTALLED") == 2, limit=HOUR)
    assert scene.states()["waiting DEVICE_SILENT"] == 1
    requests = scene.world.ledger.requests
    before = requests["mdm.push"]
    scene.pass_time(28 * DAY)
    assert 3 <= requests["mdm.push"] - before <= 4 + 4, "one a week, and those of the weekly lists"
    off.go_online()
    scene.run(scene.all_installed, limit=7 * DAY + HOUR)
    assert scene.world.ledger.violations() == []


def test_a_push_to_a_silent_device_that_fails_is_sent_the_next_day(make_scene: MakeScene) -> None:
    scene = make_scene(devices=1, apps=1, policy=rarely())
    scene.pass_time(60)
    scene.world.devices[0].connect()
    scene.pass_time(20 * DAY)
    scene.world.faults.add(Fault("mdm.push", "error", times=0))
    scene.apply()
    scene.pass_time(HOUR)
    assert scene.states() == {"waiting DEVICE_SILENT": 1}
    scene.world.faults.heal()
    scene.run(scene.all_installed, limit=DAY + HOUR)
