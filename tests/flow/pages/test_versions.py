"""Versions on the pages: how many devices have which, and what each device has."""

from collections.abc import Callable
from dataclasses import replace

from bridge.domain.desired.desired import Group
from bridge.simulator.devices.script import error
from bridge.web import create_app
from tests.flow.pages.kit import KEY, Found, open_page
from tests.flow.scene import DAY, Scene
from tests.flow.test_updates import NIGHT, appears, ipads, there, versions, wish

MakeScene = Callable[..., Scene]


def rows(scene: Scene, path: str, table: str) -> list[str]:
    """The rows of a table of a page, as CSV."""
    answer = create_app(scene.bridge).test_client().get(f"{path}?csv={table}", headers=KEY)
    assert answer.status_code == 200
    return answer.get_data(as_text=True).splitlines()[1:]


def page(scene: Scene, path: str) -> Found:
    return open_page(create_app(scene.bridge).test_client(), path)


def test_an_app_says_how_many_devices_have_which_version(make_scene: MakeScene) -> None:
    scene = ipads(make_scene)
    pilots = (Group("pilots", serials=(scene.serials[0],)),)
    there(scene, wish(scene, replace(NIGHT, rings=("pilots",), ring_wait=5 * DAY), rings=pilots))
    path = f"/apps/{scene.adam_ids[0]}"
    assert rows(scene, path, "versions") == ["3,1.0,ipad,1.0,the newest"]
    appears(scene)
    scene.pass_time(2 * DAY)
    assert versions(scene) == {"1.0": 2, "2.0": 1}
    assert rows(scene, path, "versions") == [
        "2,1.0,ipad,2.0,older than the newest",
        "1,2.0,ipad,2.0,the newest",
    ]
    text = page(scene, path).text
    assert "Versions" in text and "older than the newest" in text


def test_a_device_says_which_version_of_each_app_it_has(make_scene: MakeScene) -> None:
    scene = ipads(make_scene, devices=1, apps=2)
    there(scene, wish(scene))
    first, second = scene.adam_ids
    scene.world.release(first, "2.0", 200)
    path = f"/devices/{scene.serials[0]}"
    scene.run(lambda: scene.install(adam_id=first)["reason"] == "UPDATE_WAITS", limit=DAY)
    table = {row.partition(",")[0]: row for row in rows(scene, path, "apps")}
    names = [scene.world.catalogue[each][1] for each in (first, second)]
    assert ",1.0,2.0," in table[names[0]]
    assert ",1.0,1.0," in table[names[1]]
    scene.pass_time(DAY)
    table = {row.partition(",")[0]: row for row in rows(scene, path, "apps")}
    assert ",2.0,2.0," in table[names[0]]
    assert "newest" in page(scene, path).text


def test_what_nobody_tells_is_not_made_up(make_scene: MakeScene) -> None:
    scene = make_scene(devices=2, apps=1, macs=0)
    scene.apply()
    scene.run(scene.all_installed)
    for device in scene.world.devices:
        device.external = None
    (row,) = rows(scene, f"/apps/{scene.adam_ids[0]}", "versions")
    assert row.startswith("2,not told,") and row.endswith("not known whether it is the newest")


def test_a_version_that_was_stopped_says_why(make_scene: MakeScene) -> None:
    scene = ipads(make_scene)
    there(scene, wish(scene, replace(NIGHT, stop_at="1")))
    scene.world.devices[0].script.add(error("Odd", 1, times=0))
    appears(scene)
    scene.pass_time(2 * DAY)
    told = rows(scene, f"/apps/{scene.adam_ids[0]}", "versions")
    assert any("stopped, since 1 of 3 devices" in row for row in told)
