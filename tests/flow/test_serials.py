"""Serial numbers that are none, and two devices with one: told, and no seat taken."""

import logging
from collections.abc import Callable

import pytest

from bridge.simulator.devices.device import Device
from tests.flow.cli_kit import Shell
from tests.flow.kit import is_in
from tests.flow.scene import DAY, Scene, rarely

MakeScene = Callable[..., Scene]

NONE = [
    "Parallels-3F 42 58",
    "VM0J+4b9/x",
    "Not Available",
    "0",
    "-----",
    "to be filled by O.E.M.",
    "System Serial Number",
]


def odd_device(scene: Scene, serial: str, name: str = "Guest") -> Device:
    """A virtual machine that enrols with this in place of a serial number."""
    device = scene.world.new_device(serial, product_name="Mac15,3")
    device.name = name
    device.enrol()
    return device


@pytest.mark.parametrize("serial", NONE)
def test_a_serial_number_that_is_none_takes_no_seat(make_scene: MakeScene, serial: str) -> None:
    scene = make_scene(devices=1, apps=1, seats=5)
    device = odd_device(scene, serial)
    scene.apply()
    scene.run(scene.all_installed)
    scene.pass_time(2 * 3600)
    assert scene.states() == {"installed INSTALLED": 1}
    assert [i["serial_number"] for i in scene.installs()] == scene.serials[:1]
    assert scene.world.ledger.requests["apple.associate"] == 1
    (shown,) = (d for d in scene.bridge.list_devices().items if d["udid"] == device.udid)
    assert (shown["serial_number"], shown["claimed_serial_number"]) == (None, serial)


def test_it_is_asked_within_bounds(make_scene: MakeScene) -> None:
    scene = make_scene(devices=1, apps=1, policy=rarely())
    device = odd_device(scene, "Not Available")
    scene.apply()
    scene.pass_time(3 * DAY)
    asked = [each for each in device.received if each.request_type == "DeviceInformation"]
    assert 1 <= len(asked) <= 2


def test_a_real_one_that_is_told_later_counts(make_scene: MakeScene) -> None:
    scene = make_scene(devices=1, apps=1, seats=5)
    device = odd_device(scene, "Unknown")
    scene.apply()
    scene.run(scene.all_installed)
    device.serial_number = "REALONE1"
    device.reenrol()
    scene.run(lambda: bool(scene.installs(serial="REALONE1", state="installed")))
    (shown,) = (d for d in scene.bridge.list_devices().items if d["udid"] == device.udid)
    assert shown["claimed_serial_number"] is None


def test_a_known_one_is_never_overwritten_with_none(make_scene: MakeScene) -> None:
    scene = make_scene(devices=1, apps=1)
    scene.apply()
    scene.run(scene.all_installed)
    device = scene.world.devices[0]
    before, device.serial_number = device.serial_number, "N/A"
    device.reenrol(erased=False)
    scene.run(is_in(scene, "installed INSTALLED"))
    assert [d["serial_number"] for d in scene.bridge.list_devices().items] == [before]


def test_a_list_of_devices_tells_none_as_well(make_scene: MakeScene) -> None:
    """Its webhooks were lost, and only the server's list shows the device."""
    scene = make_scene(devices=1, apps=1, seats=5)
    scene.reachable = False
    device = odd_device(scene, "VM0J+4b9/x")
    scene.world.kernel.advance(scene.world.now + 5)
    scene.reachable = True
    scene.apply()
    scene.pass_time(2 * 3600)
    (shown,) = (d for d in scene.bridge.list_devices().items if d["udid"] == device.udid)
    assert shown["claimed_serial_number"] == "VM0J+4b9/x"
    assert len(scene.installs()) == 1


def test_people_are_told_which_devices(
    make_scene: MakeScene, caplog: pytest.LogCaptureFixture
) -> None:
    scene = make_scene(devices=1, apps=1, seats=5)
    with caplog.at_level(logging.WARNING, "bridge.engine.intake.serials"):
        device = odd_device(scene, "Not Available")
        scene.pass_time(3 * 3600)
        device.reenrol()
        scene.pass_time(60)
    told = [r.getMessage() for r in caplog.records if r.name == "bridge.engine.intake.serials"]
    assert told == ["a device tells no serial number but 'Not Available'"]
    shell = Shell(scene)
    shell.run("apply", "--yes")
    listed = shell.run("devices").output
    assert "Not Available" in listed
    assert "Not Available" in shell.run("status").output
    (finding,) = (
        f for f in shell.json("doctor", code=1)["findings"] if f["part"] == "serial numbers"
    )
    assert "Guest ('Not Available')" in finding["text"]
    assert finding["mend"]


def test_two_devices_with_one_serial_number_are_told(
    make_scene: MakeScene, caplog: pytest.LogCaptureFixture
) -> None:
    scene = make_scene(devices=1, apps=1, seats=5)
    scene.apply()
    scene.run(scene.all_installed)
    first = scene.world.devices[0]
    with caplog.at_level(logging.WARNING, "bridge.engine.intake.serials"):
        twin = odd_device(scene, first.serial_number)
        scene.pass_time(600)
    told = [r.getMessage() for r in caplog.records if r.name == "bridge.engine.intake.serials"]
    assert told == [
        f"{first.serial_number} is the serial number of 2 enrolled devices: "
        "it does not say which is meant"
    ]
    evidence = scene.install(first.serial_number)["explanation"]["evidence"]
    assert any(first.udid in str(each["value"]) for each in evidence)
    shell = Shell(scene)
    (finding,) = (
        f for f in shell.json("doctor", code=1)["findings"] if f["part"] == "serial numbers"
    )
    assert first.udid in finding["text"]
    assert twin.udid in finding["text"]
    assert "2 enrolled devices" in shell.run("status").output
