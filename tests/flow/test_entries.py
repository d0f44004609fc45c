"""One app in several entries: the device's own platform chooses, and an unknown one waits."""

import json
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import pytest

from bridge.config import LocationConfig
from bridge.domain.desired.desired import AppWish, Desired, Group
from bridge.domain.desired.match import Match
from bridge.simulator.devices import script
from tests.flow.cli_kit import Shell
from tests.flow.scene import Scene, rarely
from tests.flow.test_groups import listed_only, reports, shaped
from tests.flow.test_unreadable import mangles, without

MakeScene = Callable[..., Scene]

PAD, MAC = "iPad14,1", "Mac14,2"
WAITS = "waiting PLATFORM_UNKNOWN"
DONE = "installed INSTALLED"


def two(scene: Scene, *groups: Group, pads: Mapping[str, Any], macs: Mapping[str, Any]) -> Desired:
    """The first app, once for iOS and once for macOS, for these groups."""
    names = tuple(group.name for group in groups)
    entries = [
        AppWish(**{"adam_id": scene.adam_ids[0], "groups": names, "location": "hq"} | settings)
        for settings in (
            {"platforms": ("iOS",)} | pads,
            {"platforms": ("macOS",)} | macs,
        )
    ]
    return Desired(groups, tuple(entries))


def known(make_scene: MakeScene, *products: str) -> Scene:
    """Enrolled devices of these products, of which everything is known."""
    scene = make_scene(devices=len(products), apps=1, macs=0, seats=9)
    shaped(scene, [{"product_name": product} for product in products])
    scene.pass_time(2 * 3600)
    return scene


def vague(make_scene: MakeScene, *products: str, **arguments: Any) -> Scene:
    """Devices of these products that are enrolled, and of which nobody knows what they are."""
    scene = listed_only(partial(make_scene, **arguments), devices=len(products))
    for device, product in zip(scene.world.devices, products, strict=True):
        device.product_name = product
    return scene


def everyone() -> Group:
    return Group("everyone", all=True)


def naming(scene: Scene) -> Group:
    return Group("named", serials=tuple(scene.serials))


def settings_of(scene: Scene, number: int) -> Mapping[str, Any]:
    """What the MDM server gave the app on a device."""
    device = scene.world.devices[number]
    app = device.apps.get(device.catalogue[scene.adam_ids[0]][0], scene.world.now)
    assert app is not None
    return {"flags": app.flags, **app.settings}


PADS = {"configuration": {"for": "pads"}}
MACS = {"configuration": {"for": "macs"}, "prevent_backup": True}


def have_their_own(scene: Scene) -> None:
    """The first device has what is meant for iPads, the second what is meant for Macs."""
    assert settings_of(scene, 0)["Configuration"] == {"for": "pads"}
    assert settings_of(scene, 1)["Configuration"] == {"for": "macs"}
    assert (settings_of(scene, 0)["flags"], settings_of(scene, 1)["flags"]) == (1, 5)


@pytest.mark.parametrize("group", [everyone, None])
def test_each_platform_has_its_own_entry(
    make_scene: MakeScene, group: Callable[[], Group] | None
) -> None:
    scene = known(make_scene, PAD, MAC, "AppleTV11,1")
    them = group() if group else naming(scene)
    scene.apply(two(scene, them, pads=PADS, macs=MACS))
    scene.run(lambda: scene.states() == {DONE: 2})
    have_their_own(scene)
    assert {each["serial_number"] for each in scene.installs()} == set(scene.serials[:2])


def test_entries_may_differ_in_mode_groups_and_price(make_scene: MakeScene) -> None:
    scene = known(make_scene, PAD, MAC, MAC)
    first, some = everyone(), Group("some", serials=tuple(scene.serials[:2]))
    adam_id = scene.adam_ids[0]
    pads = AppWish(adam_id, ("everyone",), "hq", platforms=("iOS",))
    macs = AppWish(adam_id, ("some",), "hq", platforms=("macOS",), mode="license_only", priority=3)
    scene.apply(Desired((first, some), (pads, macs)))
    scene.run(lambda: scene.states() == {DONE: 1, "licensed LICENSED": 1})
    assert len(scene.world.location.library.assignments) == 2


def test_a_single_entry_means_its_platforms_alone(make_scene: MakeScene) -> None:
    scene = known(make_scene, PAD, MAC)
    app = AppWish(scene.adam_ids[0], ("named",), "hq", platforms=("iOS", "tvOS"))
    scene.apply(Desired((naming(scene),), (app,)))
    scene.run(lambda: scene.states() == {DONE: 1})
    shell = Shell(scene)
    told = shell.run("why", scene.serials[1], scene.adam_ids[0])
    assert told.exit_code == 2
    assert "no entry that means the device is for macOS" in told.stderr


def test_an_unknown_platform_waits_is_asked_for_and_chooses(make_scene: MakeScene) -> None:
    scene = vague(make_scene, PAD, MAC)
    scene.apply(two(scene, everyone(), pads=PADS, macs=MACS))
    scene.settle()
    assert scene.states() == {WAITS: 2}
    said = scene.install()["explanation"]
    assert said["who_must_act"] == "nobody"
    assert said["sentence"] == (
        f"How Pages is wanted on {scene.serials[0]} depends on its platform, which is not known "
        "yet: it is asked what it is."
    )
    assert Shell(scene).run("why", scene.serials[0], scene.adam_ids[0]).exit_code == 0
    scene.run(lambda: scene.states() == {DONE: 2})
    assert scene.received("DeviceInformation") == 2
    have_their_own(scene)


@pytest.mark.slow
def test_nothing_is_asked_of_apple_before_the_platform_is_known(make_scene: MakeScene) -> None:
    scene = vague(make_scene, PAD, policy=rarely())
    (device,) = scene.world.devices
    device.go_offline()
    scene.apply(two(scene, everyone(), pads=PADS, macs=MACS))
    scene.pass_time(3 * 86400)
    assert scene.states() == {WAITS: 1}
    assert not scene.world.location.library.assignments
    scene.pass_time(14 * 86400)
    assert scene.states() == {"waiting DEVICE_SILENT": 1}
    device.go_online()
    device.wake()
    scene.run(lambda: scene.states() == {DONE: 1})


def test_a_serial_that_no_server_has_shown_waits_and_is_served_when_it_enrols(
    make_scene: MakeScene,
) -> None:
    scene = make_scene(devices=0, apps=1, seats=9)
    later = Group("later", serials=("NEWPAD", "NEWMAC", "NEWTV"))
    desired = two(scene, later, pads=PADS, macs=MACS)
    plan = scene.bridge.plan(desired)
    adam_id = scene.adam_ids[0]
    assert [each["serial_number"] for each in plan.as_json()["platform_unknown"]] == [
        "NEWMAC",
        "NEWPAD",
        "NEWTV",
    ]
    assert any(
        "is wanted by platform, and that of NEWMAC, NEWPAD, NEWTV is not known yet" in line
        for line in plan.remarks()
    )
    scene.apply(desired)
    scene.settle()
    assert scene.states() == {WAITS: 3}
    assert "is not enrolled" in scene.install("NEWPAD")["explanation"]["sentence"]
    for serial, product in {"NEWPAD": PAD, "NEWMAC": MAC, "NEWTV": "AppleTV11,1"}.items():
        scene.world.new_device(serial, product_name=product).enrol()
    scene.run(lambda: scene.states() == {DONE: 2})
    have_their_own(scene)
    assert {each["serial_number"] for each in scene.installs()} == {"NEWPAD", "NEWMAC"}
    assert scene.bridge.plan(desired).nothing_to_do
    why = scene.bridge.why_not("NEWTV", adam_id)
    assert why is not None and "AppleTV11,1" in why


def test_a_plan_counts_one_seat_for_each_and_what_it_may_remove(make_scene: MakeScene) -> None:
    scene = vague(make_scene, PAD, MAC)
    desired = two(scene, naming(scene), pads=PADS, macs=MACS)
    plan = scene.bridge.plan(desired)
    assert len(plan.change.added) == 2
    scene.apply(desired)
    scene.run(lambda: scene.states() == {DONE: 2})
    assert [each["needs"] for each in scene.bridge.plan(desired).as_json()["seats"]] == [2]
    pads_only = Desired(desired.groups, desired.apps[:1])
    removed = scene.bridge.plan(pads_only).change.removed
    assert removed == {(scene.serials[1], scene.adam_ids[0])}
    scene.apply(pads_only)
    scene.run(lambda: scene.states() == {DONE: 1, "removed KEPT": 1})


def test_a_device_leaves_by_the_entry_for_its_platform(make_scene: MakeScene) -> None:
    scene = known(make_scene, PAD, MAC)
    pads, macs = {"on_unwanted": "release"}, {"on_unwanted": "keep"}
    scene.apply(two(scene, naming(scene), pads=pads, macs=macs))
    scene.run(lambda: scene.states() == {DONE: 2})
    nobody = two(scene, Group("named"), pads=pads, macs=macs)
    assert [each.returning for each in scene.bridge.plan(nobody).seats] == [1]
    scene.apply(nobody)
    scene.run(lambda: scene.states() == {"removed RELEASED": 1, "removed KEPT": 1})
    assert scene.install(scene.serials[0])["reason"] == "RELEASED"


def test_what_is_there_is_told_its_own_settings_once_the_platform_is_known(
    make_scene: MakeScene,
) -> None:
    scene = known(make_scene, PAD, MAC)
    adam_id = scene.adam_ids[0]
    scene.apply(Desired((everyone(),), (AppWish(adam_id, ("everyone",), "hq"),)))
    scene.run(lambda: scene.states() == {DONE: 2})
    plan = scene.bridge.plan(two(scene, everyone(), pads=PADS, macs=MACS))
    assert len(plan.change.otherwise) == 2 and not plan.change.removed
    scene.apply(two(scene, everyone(), pads=PADS, macs=MACS))
    scene.run(lambda: scene.states() == {DONE: 2} and scene.received("InstallApplication") == 4)
    have_their_own(scene)
    assert len(scene.world.location.library.assignments) == 2, "no second licence"


def test_a_copy_is_taken_over_only_where_the_entry_says_so(make_scene: MakeScene) -> None:
    scene = vague(make_scene, PAD, MAC)
    for device in scene.world.devices:
        device.user_installs(scene.adam_ids[0])
    scene.apply(two(scene, everyone(), pads={"take_over": True}, macs={}))
    scene.run(lambda: scene.states() == {DONE: 1, "conflict UNMANAGED_COPY": 1}, 86400)
    assert scene.install(scene.serials[0])["state"] == "installed"


def test_a_device_that_will_not_tell_is_asked_again_each_week(make_scene: MakeScene) -> None:
    scene = vague(make_scene, PAD, policy=rarely())
    no = script.error("MCMDMErrorDomain", 12021, 1, request_type="DeviceInformation")
    scene.world.devices[0].script.add(no)
    scene.apply(two(scene, everyone(), pads=PADS, macs=MACS))
    scene.pass_time(6 * 86400)
    assert (scene.states(), scene.received("DeviceInformation")) == ({WAITS: 1}, 1)
    assert "it was asked what it is" in scene.install()["explanation"]["sentence"]
    scene.pass_time(2 * 86400)
    assert scene.states() == {DONE: 1}


def test_a_product_that_is_new_to_the_bridge_says_so(make_scene: MakeScene) -> None:
    scene = known(make_scene, "HomePad1,1")
    scene.apply(two(scene, everyone(), pads=PADS, macs=MACS))
    scene.pass_time(3600)
    assert scene.states() == {WAITS: 1}
    assert "its product, HomePad1,1, is of no platform" in scene.install()["detail"]


def test_an_apply_with_a_limit_counts_who_waits_for_a_platform(make_scene: MakeScene) -> None:
    scene = vague(make_scene, PAD, PAD, PAD)
    desired = two(scene, naming(scene), pads=PADS, macs=MACS)
    scene.bridge.apply(desired, limit=1)
    scene.run(lambda: scene.states() == {DONE: 1, "waiting HELD_BACK": 2})
    scene.bridge.apply(desired, limit=1)
    scene.pass_time(3600)
    assert scene.states() == {DONE: 1, "waiting HELD_BACK": 2}
    scene.bridge.apply(desired)
    scene.run(lambda: scene.states() == {DONE: 3})


def test_a_one_off_takes_the_settings_of_its_platform(make_scene: MakeScene) -> None:
    scene = vague(make_scene, PAD, MAC)
    scene.apply(two(scene, Group("nobody"), pads=PADS, macs=MACS))
    path = "/v1/installs/{}/" + scene.adam_ids[0]
    for serial in (*scene.serials, "LATE"):
        put = scene.client.put(path.format(serial), json={}, auth=("bridge", "api-secret"))
        assert put.status_code == 201, put.text
    scene.settle()
    assert scene.states() == {WAITS: 3}
    scene.run(lambda: scene.states() == {DONE: 2, WAITS: 1})
    have_their_own(scene)
    assert {each["wanted_by"] for each in scene.installs()} == {"one-off"}


def test_a_one_off_beside_the_file_waits_for_the_platform_too(make_scene: MakeScene) -> None:
    scene = vague(make_scene, PAD)
    (device,) = scene.world.devices
    device.go_offline()
    desired = two(scene, naming(scene), pads=PADS, macs=MACS)
    scene.bridge.apply(desired, limit=0)
    scene.settle()
    assert scene.states() == {"waiting HELD_BACK": 1}
    scene.bridge.assign(scene.serials, scene.adam_ids[0])
    scene.settle()
    assert scene.states() == {WAITS: 1}
    device.go_online()
    device.wake()
    scene.run(lambda: scene.states() == {DONE: 1})
    assert settings_of(scene, 0)["Configuration"] == {"for": "pads"}


def test_a_one_off_on_a_platform_of_no_entry_is_as_any_other(make_scene: MakeScene) -> None:
    scene = known(make_scene, MAC)
    app = AppWish(scene.adam_ids[0], ("nobody",), "hq", platforms=("iOS",), **PADS)
    scene.apply(Desired((Group("nobody"),), (app,)))
    scene.bridge.assign(scene.serials, scene.adam_ids[0])
    scene.run(lambda: scene.states() == {DONE: 1})
    assert "Configuration" not in settings_of(scene, 0)


def test_a_location_that_depends_on_the_platform_must_be_named(make_scene: MakeScene) -> None:
    scene = make_scene(devices=0, apps=1, seats=9)
    token = scene.tmp_path / "hq.vpptoken"
    locations = {name: LocationConfig(name, token) for name in ("hq", "branch")}
    object.__setattr__(scene.bridge.config, "locations", locations)
    scene.apply(two(scene, Group("nobody"), pads={}, macs={"location": "branch"}))
    path = f"/v1/installs/LATE/{scene.adam_ids[0]}"
    put = scene.client.put(path, json={}, auth=("bridge", "api-secret"))
    assert put.status_code == 422
    assert put.json["error"] == (
        "The location is missing: the app has entries for several platforms in the file, and the "
        "device's is not known yet; name one of branch, hq."
    )
    put = scene.client.put(path, json={"location": "hq"}, auth=("bridge", "api-secret"))
    assert put.status_code == 201


def body(scene: Scene, *platforms: list[str]) -> dict[str, Any]:
    adam_id = scene.adam_ids[0]
    apps = [{"adam_id": adam_id, "groups": ["all"], "platforms": each} for each in platforms]
    return {"groups": {"all": {"all": True}}, "apps": apps}


def test_the_api_takes_entries_and_names_those_that_overlap(make_scene: MakeScene) -> None:
    scene = vague(make_scene, PAD, MAC)
    auth = ("bridge", "api-secret")
    wrong = body(scene, ["iOS", "macOS"], ["macOS"])
    for call in ("/v1/plan", "/v1/apply"):
        refused = scene.client.post(call, json=wrong, auth=auth)
        assert refused.status_code == 422
        assert refused.json["error"] == (
            "This cannot be wanted: apps.1.adam_id: the app is written twice for macOS, at "
            "apps.0.adam_id and apps.1.adam_id; name each platform under platforms: of one of them "
            "alone."
        )
    right = body(scene, ["iOS"], ["macOS"])
    plan = scene.client.post("/v1/plan", json=right, auth=auth).json
    assert (plan["added"], len(plan["platform_unknown"])) == (2, 2)
    assert scene.client.post("/v1/apply", json=right, auth=auth).json["added"] == 2
    scene.run(lambda: scene.states() == {DONE: 2})


def test_the_file_says_it_and_status_shows_it(make_scene: MakeScene) -> None:
    scene = make_scene(devices=1, apps=1, seats=9)
    shell = Shell(scene)
    head = {"adam_id": scene.adam_ids[0], "groups": ["g"]}
    apps = [head | {"platforms": ["iOS"]}, head | {"platforms": ["macOS"], "managed": False}]
    desired = {"groups": {"g": {"serials": ["LATE1", "LATE2"]}}, "apps": apps}
    shell.write(desired="".join(f"{k}: {json.dumps(v)}\n" for k, v in desired.items()))
    planned = shell.run("plan")
    assert planned.exit_code == 0
    assert "that of LATE1, LATE2 is not known yet" in planned.stdout
    assert shell.run("apply", "--yes").exit_code == 0
    scene.settle()
    assert "PLATFORM_UNKNOWN" in shell.run("status", "--serial", "LATE1").stdout
    told = shell.run("why", "LATE1", scene.adam_ids[0])
    assert told.exit_code == 0
    assert "not enrolled" in told.stdout


def test_first_facts_that_show_a_name_but_no_platform_wait_for_an_apply(
    make_scene: MakeScene,
) -> None:
    """What no plan has shown is shown first, whatever else is missing."""
    scene = vague(make_scene, "HomePad1,1")
    scene.world.devices[0].product_name = ""
    lab = Group("lab", match=Match(name="Device*"))
    desired = two(scene, lab, pads=PADS, macs=MACS)
    scene.apply(desired)
    assert scene.states() == {}
    reports(scene, scene.serials[0])
    assert scene.states() == {"waiting NOT_PLANNED": 1}
    reports(scene, scene.serials[0], product_name=PAD)
    assert scene.states() == {"waiting NOT_PLANNED": 1}
    scene.apply(desired)
    scene.run(lambda: scene.states() == {DONE: 1})


def test_a_description_that_cannot_be_read_is_told_as_such(make_scene: MakeScene) -> None:
    scene = vague(make_scene, PAD, policy=rarely())
    (device,) = scene.world.devices
    device.mangle = mangles("DeviceInformation", by=without("QueryResponses"))
    scene.apply(two(scene, everyone(), pads=PADS, macs=MACS))
    scene.pass_time(2 * 86400)
    assert scene.states() == {"waiting ANSWER_UNREADABLE": 1}
    assert scene.received("DeviceInformation") in range(6, 10)
    assert Shell(scene).run("why", scene.serials[0], scene.adam_ids[0]).exit_code == 1
    device.mangle = lambda _kind, answer: answer
    scene.run(lambda: scene.states() == {DONE: 1}, 2 * 86400)
