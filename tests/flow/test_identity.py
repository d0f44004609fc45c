"""Serial numbers, UDIDs and enrolments over time: who a device is, and that it gets its apps."""

from collections.abc import Callable

import pytest

from tests.flow.scene import Scene

MakeScene = Callable[..., Scene]


def all_there(scene: Scene) -> bool:
    """Every wanted app is on every device that is enrolled, as the bridge says, too."""
    enrolled = [device for device in scene.world.devices if device.enrolled]
    return scene.all_installed() and all(
        device.installed(adam_id) for device in enrolled for adam_id in scene.adam_ids
    )


@pytest.mark.parametrize("state", ["sent", "acknowledged", "installed"])
def test_a_serial_number_that_moves_to_another_udid_gets_its_apps_there(
    make_scene: MakeScene, state: str
) -> None:
    """A virtual machine, or a board that was swapped; the old record stays as it is."""
    scene = make_scene(devices=1, apps=2, macs=1.0)
    old = scene.world.devices[0]
    scene.apply()
    if state == "sent":
        scene.run(lambda: bool(scene.installs(state="sending")))
        old.go_offline()
    scene.run(lambda: bool(scene.installs(state=state)))
    old.go_offline()
    old.enrolled = False
    new = scene.world.new_device(old.serial_number, product_name="Mac15,3")
    new.enrol()
    scene.run(lambda: all_there(scene))
    assert scene.world.ledger.requests["apple.associate"] == 1, "the licence is the serial's"
    assert len(scene.installs()) == 2
    assert [device["udid"] for device in scene.bridge.list_devices().items] == [old.udid, new.udid]
    assert scene.world.ledger.violations() == []
