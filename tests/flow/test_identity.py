"""Serial numbers, UDIDs and enrolments over time: who a device is, and that it gets its apps."""

from collections.abc import Callable

import pytest

from tests.flow.scene import DAY, Scene, rarely

MakeScene = Callable[..., Scene]

HOUR = 3600.0
SHARED_IPAD = "FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFF"


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


def test_a_swapped_board_gives_a_udid_another_serial_number(make_scene: MakeScene) -> None:
    scene = make_scene(devices=1, apps=1, seats=2)
    scene.apply()
    scene.run(lambda: all_there(scene))
    device = scene.world.devices[0]
    before, device.serial_number = device.serial_number, "SWAPPED1"
    device.reenrol(erased=True)
    scene.run(lambda: bool(scene.installs(serial="SWAPPED1", state="installed")))
    assert device.installed(scene.adam_ids[0])
    assert scene.install(before)["reason"] == "NOT_ENROLLED", "nobody carries it any more"
    assert scene.world.ledger.requests["apple.associate"] == 2, "a licence is a serial number's"


def test_two_records_of_one_device_and_one_of_a_device_that_never_came(
    make_scene: MakeScene,
) -> None:
    scene = make_scene(devices=1, apps=1)
    device, server = scene.world.devices[0], scene.world.mdm
    server.add_dep_device("NEVERCAME")
    server.add_dep_device("TWIN").udid = device.udid
    scene.apply()
    scene.run(lambda: all_there(scene))
    for _ in range(5):
        scene.pass_time(HOUR)
        assert scene.states() == {"installed INSTALLED": 1}
    assert [i["serial_number"] for i in scene.installs()] == [device.serial_number]


def test_an_authenticate_without_a_serial_number_leaves_the_known_one(
    make_scene: MakeScene,
) -> None:
    scene = make_scene(devices=1, apps=1, enrol=False)
    device = scene.world.devices[0]
    device.tells_serial = False
    scene.apply()
    scene.world.enrol_all()
    scene.run(lambda: all_there(scene))
    assert scene.install()["serial_number"] == device.serial_number, "the device was asked for it"
    asked = [r for r in device.received if r.request_type == "DeviceInformation"]
    device.reenrol(erased=True)
    scene.run(lambda: not scene.all_installed())
    scene.run(lambda: all_there(scene))
    assert scene.world.ledger.requests["apple.associate"] == 1
    again = [r for r in device.received if r.request_type == "DeviceInformation"]
    assert again == asked, "nothing is unknown"


@pytest.mark.parametrize("how", ["not enrolled", "deleted"])
def test_a_device_that_left_without_a_word_is_found_gone(make_scene: MakeScene, how: str) -> None:
    """A CheckOut is a device's courtesy; the server's list tells, within two of its reads."""
    scene = make_scene(devices=2, apps=1, policy=rarely(devices_every=HOUR))
    scene.apply()
    scene.run(lambda: all_there(scene))
    server, gone = scene.world.mdm, scene.world.devices[0]
    gone.go_offline()
    (record,) = (r for r in server.records if r.udid == gone.udid)
    if how == "deleted":
        server.records.remove(record)
    else:
        record.enrolled = False
    scene.pass_time(3 * HOUR)
    assert scene.states() == {"installed INSTALLED": 1, "waiting NOT_ENROLLED": 1}
    posted = scene.world.ledger.requests["mdm.command"]
    scene.pass_time(8 * DAY)
    assert scene.world.ledger.requests["mdm.command"] == posted + 1, "only the other one is asked"
    if how == "deleted":
        server.records.append(record)
    gone.go_online()
    gone.reenrol(erased=False)
    scene.run(lambda: all_there(scene))
    assert len(gone.installs) == 1, "it had its app all the time"


def test_a_device_without_a_record_that_connects_is_there_all_the_same(
    make_scene: MakeScene,
) -> None:
    scene = make_scene(devices=1, apps=1)
    scene.apply()
    scene.run(lambda: all_there(scene))
    device = scene.world.devices[0]
    scene.world.mdm.records.clear()
    for _ in range(12):
        scene.pass_time(HOUR / 2)
        device.connect()
    assert scene.states() == {"installed INSTALLED": 1}
    device.go_offline()
    scene.pass_time(3 * HOUR)
    assert scene.states() == {"installed INSTALLED": 1}, "it was heard of since it was left out"


def test_one_list_that_is_empty_by_mistake_changes_nothing(make_scene: MakeScene) -> None:
    scene = make_scene(devices=3, apps=1)
    scene.apply()
    scene.run(lambda: all_there(scene))
    kept = list(scene.world.mdm.records)
    reads = scene.world.ledger.requests["mdm.devices"]
    scene.world.mdm.records.clear()
    scene.run(lambda: scene.world.ledger.requests["mdm.devices"] > reads, 2 * HOUR)
    scene.world.mdm.records.extend(kept)
    scene.pass_time(3 * HOUR)
    assert scene.states() == {"installed INSTALLED": 3}


@pytest.mark.parametrize("erased", [True, False], ids=["erased", "as it was"])
def test_a_device_that_checks_out_and_enrols_again(make_scene: MakeScene, erased: bool) -> None:
    scene = make_scene(devices=1, apps=2)
    scene.apply(scene.desired(remove_with_profile=False))
    scene.run(lambda: all_there(scene))
    device = scene.world.devices[0]
    device.check_out()
    scene.pass_time(DAY)
    assert scene.states() == {"waiting NOT_ENROLLED": 2}
    assert scene.world.location.library.assignments, "the licences stay"
    device.reenrol(erased=erased)
    if not erased:
        scene.run(lambda: "conflict UNMANAGED_COPY" in scene.states())
        assert len(device.installs) == 2, "what the user has now is not touched"
        return
    scene.run(lambda: all_there(scene))
    assert scene.world.ledger.requests["apple.associate"] == 1


def test_user_channels_speak_for_nobody(make_scene: MakeScene) -> None:
    """On Shared iPads every user has the same id, and MicroMDM one queue for all of them."""
    scene = make_scene(devices=2, apps=2, enrol=False, traits={"user_id": SHARED_IPAD})
    scene.apply()
    scene.world.enrol_all()
    scene.run(lambda: all_there(scene))
    assert len(scene.bridge.list_devices().items) == 2
    assert scene.world.ledger.violations() == []
    device = scene.world.devices[0]
    device.check_out()
    scene.pass_time(5)
    device.token_update(SHARED_IPAD)
    scene.pass_time(60)
    assert scene.states() == {"installed INSTALLED": 2, "waiting NOT_ENROLLED": 2}


def test_a_user_enrolled_device_is_known_and_sent_nothing(make_scene: MakeScene) -> None:
    scene = make_scene(devices=1, apps=1, enrol=False)
    byod = scene.world.new_device("NOBODYKNOWS", enrollment_id="E-1")
    scene.apply()
    scene.world.enrol_all()
    byod.connect()
    scene.run(lambda: bool(scene.installs(state="installed")))
    scene.pass_time(3 * HOUR)
    byod.connect()
    assert len(scene.installs()) == 1
    assert byod.received == []
    (shown,) = (d for d in scene.bridge.list_devices().items if d["enrollment_id"])
    assert (shown["enrollment_id"], shown["udid"], shown["serial_number"]) == ("E-1", None, None)
    assert shown["enrolled"], "it is in no list, and still enrolled"


def test_a_device_that_was_erased_while_nobody_listened_gets_its_apps_again(
    make_scene: MakeScene,
) -> None:
    """Nothing tells of that enrolment: the server lists the device as before."""
    scene = make_scene(devices=1, apps=2, policy=rarely())
    scene.apply()
    scene.run(lambda: all_there(scene))
    device = scene.world.devices[0]
    scene.reachable = False
    device.reenrol(erased=True)
    scene.world.advance(60)
    scene.restart()
    scene.run(lambda: scene.states() == {"unconfirmed APP_MISSING": 2}, 8 * DAY)
    assert len(device.installs) == 2, "one list alone is not believed"
    scene.run(lambda: all_there(scene), HOUR)
    assert len(device.installs) == 4
    assert scene.world.ledger.requests["apple.associate"] == 1
    assert scene.world.ledger.violations() == []


def test_an_app_that_somebody_removed_for_good_is_not_sent_for_ever(make_scene: MakeScene) -> None:
    scene = make_scene(devices=1, apps=1, policy=rarely())
    scene.apply()
    scene.run(lambda: all_there(scene))
    device = scene.world.devices[0]
    for _ in range(60):
        device.apps.clear()
        scene.pass_time(DAY)
    assert len(device.installs) <= 1 + 60 // 7, "no more often than a list is asked for"
