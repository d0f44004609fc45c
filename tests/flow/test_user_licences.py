"""Apps with the licences of users: one for all devices of a user, and only once Apple has the
user associated."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from bridge.domain.users.wish import UserWish
from bridge.simulator.apple.library import Target
from bridge.simulator.mdm.mdm import MdmSettings
from tests.flow.scene import MakeScene, Scene
from tests.flow.user_kit import accept, wish
from tests.flow.users_kit import people

ANN = "client-100"
BYOD = "a1b2c3d4e5f60718293a4b5c6d7e8f9001122334"


@pytest.mark.parametrize(
    ("count", "managed", "requests"),
    [(25, 10, 1), pytest.param(250, 100, 3, marks=pytest.mark.slow)],
)
def test_users_get_their_apps_by_themselves(
    make_scene: MakeScene, count: int, managed: int, requests: int
) -> None:
    """Those with Managed Apple Accounts without anyone, the others when they have accepted."""
    scene = make_scene(devices=count, apps=1, macs=0)
    users = [
        replace(user, serials=(serial,))
        for user, serial in zip(people(count, managed=managed), scene.serials, strict=True)
    ]
    scene.apply(wish(scene, users))
    scene.run(lambda: scene.states().get("installed INSTALLED") == managed)
    assert scene.world.ledger.requests["apple.create_users"] == requests
    assert scene.states() == {
        "installed INSTALLED": managed,
        "needs_user USER_NOT_ASSOCIATED": count - managed,
    }
    accept(scene, *(user.client_user_id for user in users[managed:]))
    scene.run(scene.all_installed)
    assert not scene.world.missing(scene.world.everything())
    assert scene.world.location.library.assets[scene.adam_ids[0], "STDQ"].assigned == count


def held_by(scene: Scene, user: str = ANN) -> bool:
    return scene.world.location.library.holds(scene.adam_ids[0], Target("clientUserId", user))


def associates(scene: Scene) -> int:
    return scene.world.ledger.requests["apple.associate"]


def test_a_user_with_three_devices_uses_one_licence(make_scene: MakeScene) -> None:
    scene = make_scene(devices=3, apps=1, macs=0, seats=1)
    ann = UserWish(ANN, serials=tuple(scene.serials))
    desired = wish(scene, [ann])
    planned = scene.bridge.plan(desired)
    assert [(each.needs, each.short) for each in planned.seats] == [(1, 0)]
    scene.apply(desired)
    accept(scene, ANN)
    scene.run(scene.all_installed)
    assert held_by(scene)
    assert scene.world.location.library.assets[scene.adam_ids[0], "STDQ"].assigned == 1
    assert associates(scene) == 1 and not scene.world.missing(scene.world.everything())
    found = scene.installs()
    assert [each["client_user_id"] for each in found] == [ANN] * 3
    assert [each["serial_number"] for each in found] == sorted(scene.serials)
    (held,) = scene.bridge.list_assignments().items
    assert (held["client_user_id"], held["serial_number"], held["by_us"]) == (ANN, None, True)


def test_a_second_device_of_the_user_needs_no_other_licence(make_scene: MakeScene) -> None:
    scene = make_scene(devices=2, apps=1, macs=0, seats=1)
    first, second = scene.serials
    ann = UserWish(ANN, serials=(first,))
    scene.apply(wish(scene, [ann]))
    accept(scene, ANN)
    scene.run(scene.all_installed)
    both = UserWish(ANN, serials=(first, second))
    scene.apply(wish(scene, [both]))
    scene.run(lambda: scene.all_installed() and len(scene.installs()) == 2)
    assert associates(scene) == 1


def test_nothing_is_asked_before_the_user_is_associated(make_scene: MakeScene) -> None:
    scene = make_scene(devices=1, apps=1, macs=0)
    ann = UserWish(ANN, serials=tuple(scene.serials))
    scene.apply(wish(scene, [ann]))
    scene.pass_time(3600)
    assert scene.states() == {"needs_user USER_NOT_ASSOCIATED": 1}
    assert associates(scene) == 0
    accept(scene, ANN)
    scene.run(scene.all_installed)


@pytest.mark.parametrize("kind", ["micromdm", "nanomdm"])
def test_a_user_enrolment_gets_its_app_through_its_user(make_scene: MakeScene, kind: str) -> None:
    traits = {"enrollment_id": BYOD}
    scene = make_scene(
        devices=1, apps=1, macs=0, traits=traits, mdm=MdmSettings(kind=kind), enrol=False
    )
    scene.world.enrol_all()
    scene.pass_time(5)
    ann = UserWish(ANN, enrollment_ids=(BYOD,))
    scene.apply(wish(scene, [ann], license_to="device"))
    scene.settle()
    assert scene.states() == {"failed USER_LICENSE_NEEDED": 1}
    (reason,) = scene.bridge.plan(wish(scene, [ann], license_to="device")).unable
    assert reason.reason == "USER_LICENSE_NEEDED"
    scene.apply(wish(scene, [ann], license_to="auto"))
    accept(scene, ANN)
    scene.run(scene.all_installed)
    assert scene.world.devices[0].installed(scene.adam_ids[0])
    (one,) = scene.installs()
    assert (one["enrollment_id"], one["client_user_id"]) == (BYOD, ANN)


def test_auto_takes_a_device_s_licence_where_that_works(make_scene: MakeScene) -> None:
    scene = make_scene(devices=1, apps=1, macs=0)
    ann = UserWish(ANN, serials=tuple(scene.serials))
    scene.apply(wish(scene, [ann], license_to="auto"))
    scene.run(scene.all_installed)
    assert not held_by(scene) and scene.installs()[0]["client_user_id"] is None


def test_on_a_mac_it_goes_to_the_channel_of_the_user(make_scene: MakeScene) -> None:
    scene = make_scene(devices=1, apps=1, macs=1, traits={"user_id": "U-1"}, enrol=False)
    mac = scene.world.devices[0]
    mac.user_id = ""
    mac.enrol()
    scene.pass_time(5)
    ann = UserWish(ANN, serials=tuple(scene.serials))
    scene.apply(wish(scene, [ann]))
    accept(scene, ANN)
    scene.run(lambda: scene.states() == {"waiting NO_USER_CHANNEL": 1})
    mac.user_id = "U-1"
    mac.token_update("U-1")
    scene.run(scene.all_installed)
    assert mac.installed(scene.adam_ids[0])
    assert len(scene.bridge.list_devices().items) == 1


@pytest.mark.parametrize("way", ["keep", "release"])
def test_the_last_device_of_a_user_gives_the_licence_back(make_scene: MakeScene, way: str) -> None:
    scene = make_scene(devices=2, apps=1, macs=0)
    first, second = scene.serials
    ann = UserWish(ANN, serials=(first, second))
    scene.apply(wish(scene, [ann], on_unwanted=way))
    accept(scene, ANN)
    scene.run(scene.all_installed)
    scene.apply(wish(scene, [UserWish(ANN, serials=(first,))], on_unwanted=way))
    scene.pass_time(60)
    word = "KEPT" if way == "keep" else "LICENSE_SHARED"
    assert scene.states() == {"installed INSTALLED": 1, f"removed {word}": 1}
    scene.apply(wish(scene, [UserWish(ANN)], on_unwanted=way))
    scene.pass_time(600)
    assert bool(held_by(scene)) == (way == "keep")


Scenes = Callable[..., Scene]


@pytest.mark.parametrize("way", ["keep", "release"])
def test_from_a_device_s_licence_to_its_user_s(make_scene: MakeScene, way: str) -> None:
    """The user's licence first; the device's goes back after the app was verified under it, and
    only where that is wished."""
    scene = make_scene(devices=1, apps=1, macs=0, seats=2)
    app, serial = scene.adam_ids[0], scene.serials[0]
    ann = UserWish(ANN, serials=(serial,))
    scene.apply(wish(scene, [ann], license_to="device", on_unwanted=way))
    scene.run(scene.all_installed)
    desired = wish(scene, [ann], on_unwanted=way)
    remarks = " ".join(scene.bridge.plan(desired).remarks())
    assert "license_to: device -> user on 1 device" in remarks
    scene.apply(desired)
    scene.pass_time(600)
    device = Target("serialNumber", serial)
    library = scene.world.location.library
    assert library.holds(app, device), "nothing goes before the user's licence is there"
    before = scene.received("InstallApplication")
    accept(scene, ANN)
    scene.run(lambda: scene.all_installed() and bool(held_by(scene)))
    scene.pass_time(7200)
    assert scene.received("InstallApplication") == before + 1
    assert bool(library.holds(app, device)) == (way == "keep")
    assert scene.all_installed()
