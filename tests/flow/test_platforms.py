"""Devices of other platforms than Apple lists, and what devices themselves call an app."""

from collections.abc import Callable
from typing import Any

import pytest

from bridge.domain.desired.desired import Group
from bridge.simulator.apple.apple import AppleSettings
from bridge.simulator.devices import script
from bridge.simulator.devices.script import MDM_ERROR
from tests.flow.cli_kit import Shell
from tests.flow.scene import Scene, rarely
from tests.flow.test_groups import only_for, shaped, wanting

MakeScene = Callable[..., Scene]

VISION, MAC, WATCH = "RealityDevice14,1", "Mac14,2", "Watch7,1"


def named(make_scene: MakeScene, *products: str, listed: str = "iOS", **options: Any) -> Scene:
    """Devices of these products, named for an app that Apple lists for one platform."""
    scene = make_scene(devices=len(products), apps=1, macs=0)
    only_for(scene, listed)
    shaped(scene, [{"product_name": product} for product in products])
    scene.pass_time(2 * 3600)
    scene.apply(wanting(scene, Group("named", serials=tuple(scene.serials)), **options))
    return scene


@pytest.mark.parametrize("product", [VISION, MAC, "MacBookAir10,1", "VirtualMac2,1", WATCH])
def test_what_may_run_beyond_what_apple_lists_is_tried(make_scene: MakeScene, product: str) -> None:
    scene = named(make_scene, product)
    scene.run(lambda: scene.states() == {"installed INSTALLED": 1})
    assert scene.received("InstallApplication") == 1


def test_an_ios_app_that_a_mac_tries_is_sent_as_one(make_scene: MakeScene) -> None:
    scene = make_scene(devices=1, apps=1, macs=0, apple=AppleSettings(hidden_keys={"urls"}))
    only_for(scene, "iOS")
    shaped(scene, [{"product_name": MAC}])
    scene.apply(wanting(scene, Group("named", serials=tuple(scene.serials))))
    scene.run(lambda: scene.states() == {"installed INSTALLED": 1})
    bundle_id = scene.world.catalogue[scene.adam_ids[0]][0]
    app = scene.world.devices[0].apps.get(bundle_id, scene.world.now)
    assert app is not None and app.settings["iOSApp"] is True


@pytest.mark.parametrize(
    ("product", "listed"),
    [
        ("iPad14,1", "macOS"),
        ("iPhone14,5", "watchOS"),
        ("AppleTV11,1", "iOS"),
        ("MacBookPro16,1", "iOS"),
        ("iMac20,2", "iOS"),
        ("iMacPro1,1", "iOS"),
        (MAC, "visionOS"),
        (VISION, "macOS"),
    ],
)
def test_what_cannot_run_is_not_sent(make_scene: MakeScene, product: str, listed: str) -> None:
    scene = named(make_scene, product, listed=listed)
    scene.run(lambda: scene.states() == {"failed WRONG_PLATFORM": 1})
    assert scene.received("InstallApplication") == 0
    assert not scene.world.location.library.assignments


@pytest.mark.parametrize(
    "no",
    [
        script.error(MDM_ERROR, 12008, 9),
        script.install_fails(times=9),
        script.never_arrives(times=9),
    ],
)
def test_a_device_that_refuses_what_it_tries_is_sent_nothing_more(
    make_scene: MakeScene, no: script.Planned
) -> None:
    scene = make_scene(devices=1, apps=1, macs=0, policy=rarely())
    only_for(scene, "iOS")
    shaped(scene, [{"product_name": VISION}])
    scene.world.devices[0].script.add(no)
    scene.apply(wanting(scene, Group("named", serials=tuple(scene.serials))))
    scene.run(lambda: scene.states() == {"failed WRONG_PLATFORM": 1})
    scene.pass_time(2 * 86400)
    assert scene.received("InstallApplication") == 1
    said = scene.install()["explanation"]["sentence"]
    assert "it was sent once, though the app is for iOS, and " in said
    shell = Shell(scene)
    assert shell.run("why", scene.serials[0], scene.adam_ids[0]).exit_code == 1
    shell.run("retry", "--serial", scene.serials[0])
    scene.run(lambda: scene.received("InstallApplication") == 2)


def test_a_licence_that_it_does_not_see_yet_is_no_refusal(make_scene: MakeScene) -> None:
    scene = make_scene(devices=1, apps=1, macs=0)
    only_for(scene, "iOS")
    shaped(scene, [{"product_name": VISION}])
    scene.world.devices[0].script.add(script.error("ASDServerErrorDomain", 9610, 2))
    scene.apply(wanting(scene, Group("named", serials=tuple(scene.serials))))
    scene.run(lambda: scene.states() == {"installed INSTALLED": 1})
    assert scene.received("InstallApplication") == 3


def test_a_plan_tells_what_is_tried_and_counts_its_seat(make_scene: MakeScene) -> None:
    scene = make_scene(devices=2, apps=1, macs=0)
    only_for(scene, "iOS")
    shaped(scene, [{"product_name": VISION}, {"product_name": "AppleTV11,1"}])
    scene.pass_time(2 * 3600)
    vision, tv = scene.serials
    named = wanting(scene, Group("named", serials=tuple(scene.serials)))
    scene.apply(named)
    scene.pass_time(3 * 3600)
    plan = scene.bridge.plan(named).as_json()
    adam_id = scene.adam_ids[0]
    assert plan["tried_once"] == [{"serial_number": vision, "adam_id": adam_id}]
    assert [each["serial_number"] for each in plan["cannot"]] == [tv]
    assert [each["needs"] for each in plan["seats"]] == [1]
    remarks = scene.bridge.plan(named).remarks()
    assert any(f"({adam_id}) for {vision}: it is sent once" in line for line in remarks)


def test_a_rule_still_means_no_device_for_which_apple_lists_nothing(make_scene: MakeScene) -> None:
    scene = make_scene(devices=1, apps=1, macs=0)
    only_for(scene, "iOS")
    shaped(scene, [{"product_name": VISION}])
    scene.pass_time(2 * 3600)
    scene.apply(wanting(scene, Group("everyone", all=True)))
    scene.pass_time(3 * 3600)
    assert scene.states() == {}
    why = scene.bridge.why_not(scene.serials[0], scene.adam_ids[0])
    assert why is not None and "name its serial number to have it tried" in why


# What devices call an app


WATCH_APP = "com.apple.Pages.watch"


def with_a_watch(make_scene: MakeScene, products: list[str], **arguments: Any) -> Scene:
    """Devices of these products; watches have another bundle id for the only app."""
    hidden = AppleSettings(hidden_keys={"urls"})
    scene = make_scene(devices=len(products), apps=1, macs=0, apple=hidden, **arguments)
    (adam_id,) = scene.adam_ids
    only_for(scene, "iOS", "watchOS")
    for device, product in zip(scene.world.devices, products, strict=True):
        if product == WATCH:
            device.catalogue = {adam_id: (WATCH_APP, "Pages")}
    shaped(scene, [{"product_name": product} for product in products])
    return scene


def app_wide(scene: Scene) -> list[tuple[Any, ...]]:
    with scene.bridge.database.read() as db:
        return [tuple(row) for row in db.execute("SELECT bundle_id, bundle_id_from FROM apps")]


def test_a_watch_names_its_own_bundle_id(make_scene: MakeScene) -> None:
    scene = with_a_watch(make_scene, ["iPhone14,5", WATCH], policy=rarely())
    scene.apply(wanting(scene, Group("them", serials=tuple(scene.serials)), bundle_id="com.file"))
    scene.run(scene.all_installed)
    scene.pass_time(8 * 86400)
    assert scene.states() == {"installed INSTALLED": 2}
    assert scene.received("InstallApplication") == 2
    assert app_wide(scene) == [("com.file", "file")]


def test_a_watch_that_answers_first_misleads_no_phone(make_scene: MakeScene) -> None:
    scene = with_a_watch(make_scene, [WATCH, "iPhone14,5", "iPhone14,5"], policy=rarely())
    watch, *phones = scene.serials
    (adam_id,) = scene.adam_ids
    for phone in scene.world.devices[1:]:
        phone.go_offline()
    scene.apply(wanting(scene, Group("them", serials=tuple(scene.serials))))
    scene.run(lambda: scene.install(watch)["state"] == "installed")
    assert app_wide(scene) == [(WATCH_APP, "watch")]
    for phone in scene.world.devices[1:]:
        phone.go_online()
        phone.wake()
    scene.run(scene.all_installed, 86400)
    bundle_id = scene.world.catalogue[adam_id][0]
    assert app_wide(scene) == [(bundle_id, "device")]
    scene.pass_time(8 * 86400)
    assert scene.states() == {"installed INSTALLED": 3}
    assert [scene.install(s)["attempts"] for s in (watch, *phones)] == [1, 1, 1]


def test_an_app_is_removed_by_the_name_that_its_device_gave_it(make_scene: MakeScene) -> None:
    scene = with_a_watch(make_scene, ["iPhone14,5", WATCH])
    them = Group("them", serials=tuple(scene.serials))
    scene.apply(wanting(scene, them, on_unwanted="remove"))
    scene.run(scene.all_installed)
    scene.apply(wanting(scene, Group("them", serials=()), on_unwanted="remove"))
    scene.run(lambda: scene.states() == {"removed REMOVED": 2})
    assert [device.managed_apps for device in scene.world.devices] == [{}, {}]
