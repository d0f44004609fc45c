"""New versions: in the window of each device, ring after ring, one install for each of them."""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from bridge.domain.desired.desired import AppWish, Desired, Group
from bridge.domain.policy import Policy, UpdatePolicy
from bridge.domain.updates.rule import UpdateWish
from bridge.simulator.apple.apple import AppleSettings
from bridge.simulator.devices.script import error
from tests.flow.alerts_kit import Told
from tests.flow.cli_kit import Shell
from tests.flow.scene import DAY, HOUR, Scene, rarely

MakeScene = Callable[..., Scene]

BERLIN = "Europe/Berlin"
NIGHT = UpdateWish(window="22:00-05:00", jitter=600.0)


def at(text: str, zone: str = "UTC") -> float:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp()


def policy(**update: Any) -> Policy:
    slow = rarely(service_config_every=6 * HOUR)
    verify = replace(slow.verify, installed_every=365 * DAY)
    device = replace(slow.device, ask_facts_every=None)
    return replace(slow, update=replace(UpdatePolicy(), **update), verify=verify, device=device)


def ipads(make_scene: MakeScene, *, start: str = "2027-01-18 12:00", **world: Any) -> Scene:
    """A scene at noon in UTC, with iPads alone, and one app in version 1.0."""
    usual: dict[str, Any] = {"devices": 3, "apps": 1, "macs": 0.0, "policy": policy()}
    scene = make_scene(**usual | {"start": at(start)} | world)
    for adam_id in scene.adam_ids:
        scene.world.release(adam_id, "1.0", 100)
    return scene


def wish(
    scene: Scene,
    update: UpdateWish | None = NIGHT,
    groups: tuple[Group, ...] = (),
    rings: tuple[Group, ...] = (),
    **options: Any,
) -> Desired:
    everybody = groups or (Group("them", serials=tuple(scene.serials)),)
    return Desired(
        groups=(*everybody, *rings),
        apps=tuple(
            AppWish(
                adam_id,
                tuple(group.name for group in everybody),
                "hq",
                bundle_id=bundle_id,
                update=update,
                **options,
            )
            for adam_id, (bundle_id, _) in scene.world.catalogue.items()
        ),
    )


def there(scene: Scene, desired: Desired) -> Scene:
    """Everything is installed in version 1.0; then version 2.0 appears in the store."""
    scene.apply(desired)
    scene.run(scene.all_installed)
    scene.pass_time(HOUR)
    for device in scene.world.devices:
        device.received.clear()
    return scene


def appears(scene: Scene, version: str = "2.0", external: int = 200, needs: str = "") -> None:
    for adam_id in scene.adam_ids:
        scene.world.release(adam_id, version, external, needs)


def sent(scene: Scene) -> list[tuple[float, str]]:
    """When each InstallApplication reached which device, in order."""
    return sorted(
        (received.at, device.serial_number)
        for device in scene.world.devices
        for received in device.received
        if received.request_type == "InstallApplication"
    )


def versions(scene: Scene) -> dict[str, int]:
    return dict(Counter(d.version(a) for d in scene.world.devices for a in scene.adam_ids))


def clocks(scene: Scene, zone: str = "UTC") -> list[str]:
    """The times of day, at the devices, of all that was sent."""
    return [datetime.fromtimestamp(at, ZoneInfo(zone)).strftime("%H:%M") for at, _ in sent(scene)]


def test_a_new_version_comes_at_night_and_once(make_scene: MakeScene) -> None:
    scene = ipads(make_scene)
    there(scene, wish(scene))
    appears(scene)
    scene.pass_time(3 * DAY)
    assert versions(scene) == {"2.0": 3}
    assert len(sent(scene)) == 3
    assert all(clock >= "22:00" or clock < "04:50" for clock in clocks(scene))
    assert scene.states() == {"installed INSTALLED": 3}


def test_without_a_wish_nothing_is_sent(make_scene: MakeScene) -> None:
    scene = ipads(make_scene)
    there(scene, wish(scene, None))
    appears(scene)
    scene.pass_time(3 * DAY)
    assert versions(scene) == {"1.0": 3}
    assert sent(scene) == []


RINGS = replace(
    NIGHT, rings=("pilots", "staff"), ring_wait=DAY, max_per_hour=50, stop_at="5%", jitter=60.0
)


def in_rings(make_scene: MakeScene, *, failing: int) -> Scene:
    """300 iPads: 30 pilots, 90 of the staff, and the rest; some of the pilots refuse a version."""
    scene = ipads(make_scene, devices=300)
    serials = scene.serials
    rings = (
        Group("pilots", serials=tuple(serials[:30])),
        Group("staff", serials=tuple(serials[30:120])),
    )
    there(scene, wish(scene, RINGS, rings=rings))
    for device in scene.world.devices[:failing]:
        device.script.add(error("Odd", 1, times=0))
    appears(scene)
    return scene


def ring_of(scene: Scene, serial: str) -> int:
    place = scene.serials.index(serial)
    return 0 if place < 30 else 1 if place < 120 else 2


@pytest.mark.slow
def test_a_version_that_fails_on_the_pilots_goes_no_further(make_scene: MakeScene) -> None:
    scene = in_rings(make_scene, failing=3)
    scene.pass_time(4 * DAY)
    assert {ring_of(scene, serial) for _, serial in sent(scene)} == {0}
    assert versions(scene)["2.0"] <= 27
    told = scene.install(scene.serials[-1])
    assert told["reason"] == "UPDATE_WAITS"
    assert "stopped, since 2 of 30 devices of pilots failed" in told["sentence"]
    assert f"vpp-bridge update {scene.adam_ids[0]}" in told["sentence"]


@pytest.mark.slow
def test_a_good_version_reaches_all_ring_after_ring(make_scene: MakeScene) -> None:
    scene = in_rings(make_scene, failing=0)
    scene.pass_time(6 * DAY)
    assert versions(scene) == {"2.0": 300}
    log = sent(scene)
    assert len(log) == 300
    begun = [min(at for at, serial in log if ring_of(scene, serial) == n) for n in range(3)]
    ended = [max(at for at, serial in log if ring_of(scene, serial) == n) for n in range(3)]
    assert begun[1] >= ended[0] + 20 * HOUR
    assert begun[2] >= ended[1] + 20 * HOUR
    assert all(clock >= "22:00" or clock < "04:50" for clock in clocks(scene))
    times = [at for at, _ in log]
    assert max(sum(t <= other < t + HOUR for other in times) for t in times) <= 50


def test_each_device_goes_by_the_clock_of_its_group(make_scene: MakeScene) -> None:
    scene = ipads(make_scene, devices=2)
    first, second = scene.serials
    groups = (
        Group("here", serials=(first,), time_zone=BERLIN),
        Group("there", serials=(first, second), time_zone="America/New_York"),
    )
    there(scene, wish(scene, replace(NIGHT, window="22:00-23:00"), groups=groups))
    appears(scene)
    scene.pass_time(2 * DAY)
    hours = {
        serial: datetime.fromtimestamp(at, ZoneInfo(zone)).strftime("%H")
        for at, serial in sent(scene)
        for zone in ((BERLIN,) if serial == first else ("America/New_York",))
    }
    assert hours == {first: "22", second: "22"}


@pytest.mark.parametrize("day", ["2027-03-27", "2027-10-30"])
def test_the_night_in_which_the_clock_is_set(make_scene: MakeScene, day: str) -> None:
    scene = ipads(make_scene, start=f"{day} 06:00", devices=4)
    everybody = (Group("them", serials=tuple(scene.serials), time_zone=BERLIN),)
    late = replace(NIGHT, window="23:00-03:30", jitter=4 * HOUR)
    there(scene, wish(scene, late, groups=everybody))
    appears(scene)
    scene.pass_time(3 * DAY)
    assert versions(scene) == {"2.0": 4}
    assert all(clock >= "23:00" or clock < "03:20" for clock in clocks(scene, BERLIN))


def test_a_device_that_comes_once_a_week_for_five_minutes(make_scene: MakeScene) -> None:
    scene = ipads(make_scene, devices=1, start="2027-01-18 23:00")
    there(scene, wish(scene))
    (device,) = scene.world.devices
    device.go_offline()
    appears(scene)
    scene.pass_time(7 * DAY - 2 * HOUR)
    assert sent(scene) == []
    device.online = True
    device.connect()
    scene.pass_time(300.0)
    device.go_offline()
    assert versions(scene) == {"2.0": 1}
    assert len(sent(scene)) == 1
    scene.pass_time(8 * DAY)
    assert len(sent(scene)) == 1


def test_nothing_is_left_for_a_device_that_sleeps(make_scene: MakeScene) -> None:
    scene = ipads(make_scene, devices=1)
    there(scene, wish(scene))
    (device,) = scene.world.devices
    device.go_offline()
    appears(scene)
    scene.pass_time(DAY)  # a night
    device.online = True
    device.connect()  # at noon
    scene.pass_time(HOUR)
    assert sent(scene) == []
    assert scene.states() == {"installed UPDATE_WAITS": 1}


def test_an_app_in_use_is_looked_at_again_and_not_sent_again(make_scene: MakeScene) -> None:
    scene = ipads(make_scene, devices=1, apps=2)
    there(scene, wish(scene))
    (device,), (busy, other) = scene.world.devices, scene.adam_ids
    device.user_opens(busy)
    appears(scene)
    scene.pass_time(3 * DAY)
    told = scene.install(device.serial_number, busy)
    assert (told["state"], told["reason"]) == ("installed", "UPDATING")
    assert "in use, it lists the old version until it is closed" in told["sentence"]
    assert device.version(other) == "2.0"
    device.user_closes(busy)
    scene.pass_time(4 * DAY)
    assert device.version(busy) == "2.0"
    assert scene.states() == {"installed INSTALLED": 2}
    assert len(sent(scene)) == 2


def test_a_kiosk_is_asked_once_a_night(make_scene: MakeScene) -> None:
    scene = ipads(make_scene, devices=1)
    there(scene, wish(scene))
    (device,) = scene.world.devices
    device.kiosk = True
    appears(scene)
    scene.pass_time(3 * DAY)
    nights = [datetime.fromtimestamp(at - 12 * HOUR, ZoneInfo("UTC")).day for at, _ in sent(scene)]
    assert len(nights) == len(set(nights)) >= 2
    told = scene.install()
    assert (told["state"], told["reason"]) == ("installed", "UPDATE_WAITS")
    assert "kiosk" in told["sentence"]
    device.kiosk = False
    scene.pass_time(DAY)
    assert versions(scene) == {"2.0": 1}


def test_a_version_that_a_device_refuses_is_tried_in_three_nights(make_scene: MakeScene) -> None:
    scene = ipads(make_scene, devices=1)
    there(scene, wish(scene, replace(NIGHT, stop_at="9")))
    scene.world.devices[0].script.add(error("Odd", 1, times=0))
    appears(scene)
    scene.pass_time(8 * DAY)
    assert len(sent(scene)) <= 3
    assert scene.install()["reason"] == "UPDATE_FAILED"
    assert scene.install()["state"] == "installed"


def test_without_metadata_devices_tell_of_newer_versions(make_scene: MakeScene) -> None:
    """HasUpdateAvailable, and the numbers in the lists of the devices that have it."""
    apple = AppleSettings(hidden_keys={"contentMetadataLookup"})
    scene = ipads(make_scene, apple=apple)
    there(scene, wish(scene))
    appears(scene)
    scene.pass_time(4 * DAY)
    assert versions(scene) == {"2.0": 3}
    assert len(sent(scene)) == 3
    assert scene.received("InstalledApplicationList") <= 5 * 3


def test_a_pause_holds_newer_versions_back(make_scene: MakeScene) -> None:
    scene = ipads(make_scene)
    there(scene, wish(scene))
    scene.bridge.pause("app", scene.adam_ids[0])
    appears(scene)
    scene.pass_time(2 * DAY)
    assert sent(scene) == []
    scene.bridge.resume("app", scene.adam_ids[0])
    scene.pass_time(DAY)
    assert versions(scene) == {"2.0": 3}


def test_without_metadata_a_kiosk_and_an_app_in_use_are_waited_for(make_scene: MakeScene) -> None:
    apple = AppleSettings(hidden_keys={"contentMetadataLookup"})
    scene = ipads(make_scene, apple=apple)
    there(scene, wish(scene))
    takes_it, in_use, kiosk = scene.world.devices
    in_use.user_opens(scene.adam_ids[0])
    kiosk.kiosk = True
    appears(scene)
    scene.pass_time(2 * DAY)
    assert takes_it.version(scene.adam_ids[0]) == "2.0"
    assert scene.install(in_use.serial_number)["reason"] == "UPDATING"
    assert "kiosk" in scene.install(kiosk.serial_number)["sentence"]
    in_use.user_closes(scene.adam_ids[0])
    scene.pass_time(2 * DAY)
    assert in_use.version(scene.adam_ids[0]) == "2.0"
    assert len([each for _, each in sent(scene) if each == in_use.serial_number]) == 1


def test_a_version_that_comes_while_another_one_goes_out_is_sent_once(
    make_scene: MakeScene,
) -> None:
    """The store has a newer version by the night, which the first list of a device tells."""
    scene = ipads(make_scene, apps=4, devices=2)
    there(scene, wish(scene))
    appears(scene)
    scene.run(lambda: scene.states() == {"installed UPDATE_WAITS": 8}, limit=DAY)
    appears(scene, "3.0", 300)
    scene.pass_time(2 * DAY)
    assert versions(scene) == {"3.0": 8}
    assert len(sent(scene)) == 8
    assert scene.states() == {"installed INSTALLED": 8}


@pytest.fixture
def stopped(make_scene: MakeScene) -> Told:
    """A version that the one pilot of three iPads refuses, which stops it."""
    scene = ipads(make_scene)
    pilots = (Group("pilots", serials=(scene.serials[0],)),)
    told = Told(scene, on=("updates",))
    there(scene, wish(scene, replace(NIGHT, rings=("pilots",), stop_at="1"), rings=pilots))
    scene.world.devices[0].script.add(error("Odd", 1, times=0))
    appears(scene)
    scene.pass_time(2 * DAY)
    told.pass_time(60)
    return told


def test_a_version_that_was_stopped_is_told_until_somebody_lets_it_go_on(stopped: Told) -> None:
    scene, (said,) = stopped.scene, stopped.chat.said
    app = scene.adam_ids[0]
    name = scene.world.catalogue[app][1]
    assert (said["alert"], said["state"]) == ("updates", "firing")
    assert said["subject"] == {"adam_id": app}
    assert said["sentence"].startswith(f"Version 2.0 of {name} ({app}) for ipad: stopped, since 1 ")
    assert f"vpp-bridge update {app}" in said["sentence"]
    shell = Shell(scene)
    assert "1 of 1 devices of pilots failed" in " ".join(shell.run("status").stdout.split())
    stopped.chat.take()
    assert shell.run("update", app, "--yes").exit_code == 0
    stopped.pass_time(60)
    assert stopped.chat.take() == ["updates resolved"]


def test_a_newer_version_ends_that_the_last_one_was_stopped(stopped: Told) -> None:
    stopped.chat.take()
    appears(stopped.scene, "3.0", 300)
    stopped.pass_time(DAY + HOUR, step=HOUR)
    assert stopped.chat.take()[-1] == "updates resolved"


def test_what_is_not_to_be_updated_any_more_is_not_told_as_stopped(stopped: Told) -> None:
    stopped.chat.take()
    stopped.scene.apply(wish(stopped.scene, None))
    stopped.pass_time(120)
    assert stopped.chat.take() == ["updates resolved"]
