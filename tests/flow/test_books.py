"""Books: for users, for good, and seen in lists of their own or in none."""

from __future__ import annotations

from typing import Any

import pytest

from bridge.domain.desired.desired import Desired
from bridge.domain.users.wish import UserWish
from bridge.errors import WishError
from bridge.simulator.apple.library import Target
from bridge.simulator.mdm.mdm import MdmSettings
from tests.flow.scene import API_KEY, MakeScene, Scene
from tests.flow.user_kit import accept, wish

ANN = "client-100"
BOOK = "1098765432"
AUTH = ("bridge", API_KEY)


def scene_of(make_scene: MakeScene, **world: Any) -> Scene:
    scene = make_scene(**{"devices": 1, "apps": 1, "macs": 0} | world)
    scene.world.add_book(scene.world.location, BOOK, "A Book", total=5)
    return scene


def book_for(scene: Scene, **options: Any) -> Desired:
    return wish(scene, [UserWish(ANN, serials=tuple(scene.serials))], [BOOK], **options)


def installs(scene: Scene) -> list[str]:
    return [f"{each['state']} {each['reason']}" for each in scene.installs(adam_id=BOOK)]


@pytest.mark.parametrize("kind", ["micromdm", "nanomdm"])
@pytest.mark.parametrize("license_to", ["user", "auto"])
def test_a_book_goes_to_a_user_and_is_seen_in_the_list_of_books(
    make_scene: MakeScene, kind: str, license_to: str
) -> None:
    scene = scene_of(make_scene, devices=2, mdm=MdmSettings(kind=kind))
    scene.apply(book_for(scene, license_to=license_to))
    scene.run(lambda: bool(scene.installs()))
    accept(scene, ANN)
    scene.run(lambda: installs(scene) == ["installed BOOK_INSTALLED"] * 2)
    assert all(device.has_book(BOOK) for device in scene.world.devices)
    assert scene.world.location.library.assets[BOOK, "STDQ"].assigned == 1
    assert scene.received("InstallApplication") == 0 and scene.received("InstallMedia") == 2
    assert scene.received("ManagedMediaList") >= 2


def test_books_and_apps_of_a_device_are_in_lists_of_their_own(make_scene: MakeScene) -> None:
    scene = scene_of(make_scene)
    ann = UserWish(ANN, serials=tuple(scene.serials))
    scene.apply(wish(scene, [ann]))
    accept(scene, ANN)
    scene.run(lambda: scene.states() == {"installed INSTALLED": 1, "installed BOOK_INSTALLED": 1})
    scene.pass_time(9 * 86400)
    assert scene.states() == {"installed INSTALLED": 1, "installed BOOK_INSTALLED": 1}
    assert scene.received("InstallApplication") == scene.received("InstallMedia") == 1


def test_a_licence_of_a_device_is_none_for_a_book(make_scene: MakeScene) -> None:
    scene = scene_of(make_scene)
    scene.apply(book_for(scene, license_to="device"))
    scene.run(lambda: installs(scene) == ["failed USER_LICENSE_NEEDED"])
    explained = scene.install(None, BOOK)["explanation"]
    assert "a book is licensed to users only" in explained["sentence"]
    assert "license_to: auto" in explained["next"]


def test_it_is_for_good_and_needs_a_word(make_scene: MakeScene) -> None:
    scene = scene_of(make_scene)
    scene.apply(wish(scene, [UserWish(ANN)]))
    scene.run(lambda: bool(scene.bridge.list_assets().items))
    desired = book_for(scene)
    assert scene.bridge.plan(desired).for_good == 1
    with pytest.raises(WishError, match=r"1 licence for good .* --allow-irrevocable 1"):
        scene.apply(desired)
    assert [each.key for each in scene.bridge.mistakes(book_for(scene, on_unwanted="release"))]


def test_a_mac_takes_it_on_its_users_channel_and_lists_none(make_scene: MakeScene) -> None:
    scene = scene_of(make_scene, macs=1, traits={"user_id": "U-1"})
    scene.apply(book_for(scene))
    accept(scene, ANN)
    scene.run(lambda: installs(scene) == ["unconfirmed BOOK_NOT_LISTED"])
    scene.pass_time(9 * 86400)
    assert scene.world.devices[0].has_book(BOOK)
    assert scene.received("InstallMedia") == 1 and scene.received("ManagedMediaList") == 0


def test_where_no_command_brings_a_book_it_is_in_the_library(make_scene: MakeScene) -> None:
    traits = {"product_name": "AppleTV14,1"}
    scene = scene_of(make_scene, traits=traits)
    scene.apply(book_for(scene))
    accept(scene, ANN)
    scene.run(lambda: installs(scene) == ["licensed USER_LIBRARY"])
    sentence = scene.install(None, BOOK)["explanation"]["sentence"]
    assert "no server can put a book on tvOS" in sentence
    assert scene.received("InstallMedia") == 0


def test_a_user_s_install_without_a_device_has_the_user_in_its_path(make_scene: MakeScene) -> None:
    scene = scene_of(make_scene)
    scene.apply(wish(scene, [UserWish(ANN, location="hq")], [scene.adam_ids[0]]))
    accept(scene, ANN)
    path = f"/v1/installs/user:{ANN}/{BOOK}"
    assert scene.client.put(path, json={}, auth=AUTH).status_code == 201
    scene.run(lambda: installs(scene) == ["licensed USER_LIBRARY"])
    told = scene.client.get(path, auth=AUTH).json
    assert (told["serial_number"], told["client_user_id"]) == (None, ANN)
    assert scene.world.location.library.holds(BOOK, Target("clientUserId", ANN))
    assert scene.client.delete(path, auth=AUTH).status_code == 204


def test_a_book_that_its_account_has_not_yet_is_tried_again(make_scene: MakeScene) -> None:
    scene = scene_of(make_scene)
    desired = book_for(scene)
    scene.world.devices[0].account = ""
    scene.apply(desired)
    accept(scene, ANN)
    scene.run(lambda: scene.received("InstallMedia") == 2)
    scene.world.devices[0].account = ANN
    scene.run(lambda: installs(scene) == ["installed BOOK_INSTALLED"])


def without_devices(scene: Scene, *names: str, **options: Any) -> Desired:
    """A book for users of whom the file names no device, beside one who has a device."""
    owner = UserWish("owner", serials=tuple(scene.serials))
    return wish(scene, [owner, *map(UserWish, names)], [BOOK], **options)


def test_the_file_gives_a_book_to_users_without_a_device(make_scene: MakeScene) -> None:
    scene = scene_of(make_scene)
    owner = UserWish("owner", serials=tuple(scene.serials))
    scene.apply(wish(scene, [owner], scene.adam_ids[:1]))
    scene.run(lambda: bool(scene.bridge.list_assets().items))
    desired = without_devices(scene, "ann", "ben")
    plan = scene.bridge.plan(desired)
    assert [(each.needs, each.short) for each in plan.seats] == [(3, 0)]
    assert (plan.for_good, plan.unseen, len(plan.change.added)) == (3, (), 3)
    scene.bridge.apply(desired, allow_irrevocable=3)
    accept(scene, "owner", "ann", "ben")
    scene.run(
        lambda: (
            sorted(installs(scene)) == ["installed BOOK_INSTALLED", *["licensed USER_LIBRARY"] * 2]
        )
    )
    for name in ("owner", "ann", "ben"):
        assert scene.world.location.library.holds(BOOK, Target("clientUserId", name))
    path = f"/v1/installs/user:ann/{BOOK}"
    assert scene.client.get(path, auth=AUTH).status_code == 200
    assert not scene.bridge.plan(desired).change.added, "then nothing is to be done"


def test_a_user_who_is_given_a_device_keeps_the_book(make_scene: MakeScene) -> None:
    scene = scene_of(make_scene)
    scene.apply(wish(scene, [UserWish(ANN)], scene.adam_ids[:1]))
    scene.run(lambda: bool(scene.bridge.list_assets().items))
    scene.bridge.apply(wish(scene, [UserWish(ANN)], [BOOK]), allow_irrevocable=1)
    accept(scene, ANN)
    scene.run(lambda: installs(scene) == ["licensed USER_LIBRARY"])
    desired = book_for(scene)
    assert scene.bridge.plan(desired).for_good == 0, "the user has the licence already"
    scene.apply(desired)
    scene.run(lambda: "installed BOOK_INSTALLED" in installs(scene))
    assert scene.world.location.library.assets[BOOK, "STDQ"].assigned == 1


def test_no_app_goes_to_a_user_without_a_device(make_scene: MakeScene) -> None:
    scene = scene_of(make_scene)
    scene.apply(wish(scene, [UserWish(ANN)], scene.adam_ids[:1]))
    scene.run(lambda: bool(scene.bridge.list_assets().items))
    added = scene.bridge.plan(wish(scene, [UserWish(ANN)])).change.added
    assert {adam_id for _, adam_id in added} == {BOOK}
