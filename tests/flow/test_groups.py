"""Groups at work: who gets an app at an apply, and later when a device enrols or changes."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

import pytest

from bridge.domain.desired.desired import AppWish, Desired, Group
from bridge.domain.desired.match import Match
from bridge.domain.policy import DAY, HOUR, DevicePolicy, Policy
from bridge.engine.decide.reconcile import ask
from bridge.engine.desired import apply
from bridge.simulator.faults import Fault
from bridge.store.devices import devices
from bridge.store.installs import installs
from tests.flow.scene import Scene, rarely

MakeScene = Callable[..., Scene]
IPADS_17 = Match(product_name="iPad*", os_version=">=17.2")


def wanting(scene: Scene, *groups: Group, apps: int = 1, **options: Any) -> Desired:
    """The first apps for all of these groups."""
    names = tuple(group.name for group in groups if group.name not in options.get("exclude", ()))
    wishes = (AppWish(a, names, "hq", **options) for a in scene.adam_ids[:apps])
    return Desired(groups, tuple(wishes))


def desired(scene: Scene) -> set[str]:
    """The serial numbers for which an app is wanted."""
    return {each["serial_number"] for each in scene.installs() if each["wanted_by"] is not None}


def reports(scene: Scene, serial: str, **facts: str) -> None:
    """The device is asked what it is, and says so."""
    device = scene.world.device(serial)
    for key, value in facts.items():
        setattr(device, key, value)
    with scene.bridge.database.write() as db:
        known = devices.current(db, [serial])[serial]
        ask(scene.bridge.context(db), known, "DeviceInformation")
    scene.pass_time(60)


def shaped(scene: Scene, shapes: Iterable[Mapping[str, str]]) -> None:
    """Devices that are enrolled and have reported these facts."""
    for device, shape in zip(scene.world.devices, shapes, strict=True):
        for key, value in shape.items():
            setattr(device, key, value)
        device.reenrol()
    scene.pass_time(60)


def test_a_match_means_enrolled_devices_by_what_they_reported(make_scene: MakeScene) -> None:
    scene = make_scene(devices=4)
    shaped(
        scene,
        [
            {"product_name": "iPad14,1", "os_version": "17.2"},
            {"product_name": "iPad14,1", "os_version": "17.1.9"},
            {"product_name": "iPhone14,5", "os_version": "18.0"},
            {"product_name": "iPad14,1", "os_version": "17.10"},
        ],
    )
    scene.world.devices[3].check_out()
    scene.pass_time(60)
    scene.apply(wanting(scene, Group("ipads", match=IPADS_17)))
    assert desired(scene) == {scene.serials[0]}


def test_a_device_that_enrols_later_is_served_at_once(make_scene: MakeScene) -> None:
    scene = make_scene(devices=0, seats=9)
    scene.apply(wanting(scene, Group("ipads", match=Match(product_name="iPad*"))))
    for serial, product in {"NEWPAD": "iPad14,1", "NEWPHONE": "iPhone14,5"}.items():
        scene.world.new_device(serial, product_name=product).enrol()
    scene.run(lambda: scene.states() == {"installed INSTALLED": 1})
    assert desired(scene) == {"NEWPAD"}


def test_a_device_that_changes_into_a_group_is_served_and_out_of_it_keeps_its_apps(
    make_scene: MakeScene,
) -> None:
    scene = make_scene(devices=1, macs=0)
    (serial,) = scene.serials
    shaped(scene, [{"os_version": "17.1"}])
    rule = wanting(scene, Group("ipads", match=IPADS_17))
    scene.apply(rule)
    assert desired(scene) == set()
    reports(scene, serial, os_version="17.2")
    scene.run(lambda: scene.states() == {"installed INSTALLED": 1})

    reports(scene, serial, os_version="17.1")
    assert desired(scene) == {serial}, "it keeps its apps until somebody has seen the removal"
    assert scene.bridge.plan(rule).change.removed == {(serial, scene.adam_ids[0])}
    scene.apply(rule)
    assert desired(scene) == set()


def test_who_is_excluded_gets_nothing_even_when_named(make_scene: MakeScene) -> None:
    scene = make_scene(devices=3)
    shaped(scene, [{"name": "Lab-1"}, {"name": "Office"}, {"name": "lab-2"}])
    named = Group("named", serials=tuple(scene.serials[:2]))
    lab = Group("lab", match=Match(name="Lab-*"))
    everyone = Group("everyone", all=True)
    scene.apply(wanting(scene, named, everyone, lab, exclude=("lab",)))
    assert desired(scene) == {scene.serials[1]}


def test_overlapping_groups_make_one_install_of_an_app(make_scene: MakeScene) -> None:
    scene = make_scene(devices=1)
    scene.pass_time(60)
    groups = [Group("a", all=True), Group("b", serials=tuple(scene.serials))]
    scene.apply(wanting(scene, *groups, Group("c", match=Match(name="*"))))
    assert len(scene.installs()) == 1


def test_all_means_enrolled_devices_not_whoever_is_named_elsewhere(make_scene: MakeScene) -> None:
    scene = make_scene(devices=1)
    scene.pass_time(60)
    everyone, kiosks = Group("everyone", all=True), Group("kiosks", serials=("NOTYETHERE",))
    first, second = scene.adam_ids[:2]
    wishes = (AppWish(first, ("everyone",), "hq"), AppWish(second, ("kiosks",), "hq"))
    scene.apply(Desired((everyone, kiosks), wishes))
    pairs = {(each["serial_number"], each["adam_id"]) for each in scene.installs()}
    assert pairs == {(scene.serials[0], first), ("NOTYETHERE", second)}


def test_a_user_enrolled_device_is_in_no_group_and_is_counted(make_scene: MakeScene) -> None:
    scene = make_scene(devices=1)
    scene.world.new_device("HIDDEN", enrollment_id="ENROLMENT-1").enrol()
    scene.pass_time(60)
    scene.apply(wanting(scene, Group("everyone", all=True)))
    assert desired(scene) == {scene.serials[0]}
    with scene.bridge.database.read() as db:
        assert devices.without_serial(db) == 1


def listed_only(make_scene: MakeScene, devices: int = 1, **shape: str) -> Scene:
    """iPads of which the server's list tells no more than the serial number; nothing is applied."""
    scene = make_scene(devices=devices, macs=0, enrol=True, seats=9)
    for device in scene.world.devices:
        for key, value in shape.items():
            setattr(device, key, value)
    scene.pass_time(60)
    return scene


def ask_all(scene: Scene) -> None:
    """Ask every device what it is."""
    with scene.bridge.database.write() as db:
        for device in devices.by_serial(db).values():
            ask(scene.bridge.context(db), device, "DeviceInformation")
    scene.pass_time(60)


IPADS = Group("ipads", match=Match(product_name="iPad*"))


def test_first_facts_after_the_apply_wait_for_the_next(make_scene: MakeScene) -> None:
    scene = listed_only(make_scene)
    (serial,) = scene.serials
    rule = wanting(scene, IPADS)
    scene.apply(rule)
    assert scene.states() == {}, "nobody knows what it is"
    ask_all(scene)
    scene.pass_time(3600)
    assert scene.states() == {"waiting NOT_PLANNED": 1}
    assert scene.world.ledger.requests["apple.associate"] == 0
    said = scene.install(serial)["explanation"]
    assert said["who_must_act"] == "the admin"
    assert said["sentence"] == (
        f"Device 1 ({serial}) was enrolled before the last apply, which did not know enough of it "
        "to show that it gets Pages."
    )
    assert "vpp-bridge apply" in said["next"]

    planned = scene.bridge.plan(rule).change
    assert planned.added == {(serial, scene.adam_ids[0])}, "the next plan shows it"
    scene.apply(rule)
    scene.run(lambda: scene.states() == {"installed INSTALLED": 1})
    assert not scene.bridge.plan(rule).change.added


def test_what_waits_for_an_apply_may_be_assigned_meanwhile(make_scene: MakeScene) -> None:
    scene = listed_only(make_scene)
    scene.apply(wanting(scene, IPADS))
    ask_all(scene)
    scene.bridge.assign(scene.serials, scene.adam_ids[0])
    scene.run(lambda: scene.states() == {"installed INSTALLED": 1})


def test_a_held_device_that_enrols_anew_is_served(make_scene: MakeScene) -> None:
    scene = listed_only(make_scene)
    scene.apply(wanting(scene, IPADS))
    ask_all(scene)
    assert scene.states() == {"waiting NOT_PLANNED": 1}
    scene.world.devices[0].reenrol()
    scene.run(lambda: scene.states() == {"installed INSTALLED": 1})


def test_first_facts_that_do_not_match_and_a_later_change_that_does(make_scene: MakeScene) -> None:
    scene = listed_only(make_scene, os_version="17.1")
    scene.apply(wanting(scene, Group("ipads", match=IPADS_17)))
    ask_all(scene)
    assert scene.states() == {}
    reports(scene, scene.serials[0], os_version="17.2")
    scene.run(lambda: scene.states() == {"installed INSTALLED": 1})


def test_facts_that_an_apply_knew_hold_nothing_up(make_scene: MakeScene) -> None:
    scene = listed_only(make_scene)
    ask_all(scene)
    scene.apply(wanting(scene, IPADS))
    ask_all(scene)
    scene.run(lambda: scene.states() == {"installed INSTALLED": 1})


def test_another_group_that_needs_no_facts_holds_nothing_up(make_scene: MakeScene) -> None:
    scene = listed_only(make_scene)
    scene.apply(wanting(scene, IPADS, Group("everyone", all=True)))
    scene.run(lambda: scene.states() == {"installed INSTALLED": 1})


def test_an_enrolment_that_no_webhook_told_of_is_served_once_a_list_has_shown_it(
    make_scene: MakeScene,
) -> None:
    scene = make_scene(devices=0, seats=9)
    scene.apply(wanting(scene, IPADS))
    scene.pass_time(2 * 3600)
    scene.reachable = False
    scene.world.new_device("NEWPAD", product_name="iPad14,1").enrol()
    scene.pass_time(60)
    scene.reachable = True
    scene.pass_time(2 * 3600)
    ask_all(scene)
    scene.run(lambda: scene.states() == {"installed INSTALLED": 1})


def test_an_enrolment_whose_webhooks_come_in_the_wrong_order_is_served(
    make_scene: MakeScene,
) -> None:
    swapped = Fault("mdm.webhook", "reorder", match="Authenticate")
    scene = make_scene(devices=0, seats=9, faults=[swapped])
    scene.apply(wanting(scene, IPADS))
    device = scene.world.new_device("NEWPAD", product_name="iPad14,1")
    device.authenticate()
    scene.world.advance(0.5)
    device.token_update()
    device.enrolled = True
    scene.run(lambda: scene.states() == {"installed INSTALLED": 1})
    assert scene.world.faults.struck


def test_one_device_that_changes_touches_no_other(make_scene: MakeScene) -> None:
    scene = make_scene(devices=6, macs=0)
    shaped(scene, [{"os_version": "17.2"}] * 5 + [{"os_version": "17.1"}])
    scene.apply(wanting(scene, Group("ipads", match=IPADS_17), apps=2))
    scene.run(lambda: scene.states() == {"installed INSTALLED": 10})
    with scene.bridge.database.read() as db:
        before = {row[0] for row in db.execute("SELECT id FROM installs")}
        seen: list[str] = []
    with scene.bridge.database.write() as db:
        device = devices.current(db, scene.serials[-1:])[scene.serials[-1]]
        devices.learn(db, device.id, {"os_version": "17.2"}, scene.world.now)
        db.set_trace_callback(seen.append)
        assert apply.for_device(scene.bridge.context(db), scene.serials[-1]) == 2
        db.set_trace_callback(None)
        dirty = {(each.id in before, each.target) for each in installs.dirty(db, 99)}
    assert dirty == {(False, scene.serials[-1])}
    statements = set(seen)  # SQLite tells a statement again for each trigger that it sets off
    assert len(statements) <= 12, "a few statements, however large the fleet is"


def only_for(scene: Scene, *platforms: str) -> None:
    """The first app runs on these platforms alone."""
    scene.world.location.library.assets[scene.adam_ids[0], "STDQ"].platforms = platforms


MIXED = (
    {"product_name": "iPad14,1"},
    {"product_name": "MacBookPro16,1"},
    {"product_name": "AppleTV11,1"},
)


def test_a_rule_leaves_devices_of_another_platform_out(make_scene: MakeScene) -> None:
    scene = make_scene(devices=3)
    only_for(scene, "iOS")
    shaped(scene, MIXED)
    scene.apply(wanting(scene, Group("everyone", all=True)))
    scene.run(lambda: scene.states() == {"installed INSTALLED": 1})
    assert desired(scene) == {scene.serials[0]}


def test_what_a_rule_wished_for_before_apple_told_the_platforms_is_given_up(
    make_scene: MakeScene,
) -> None:
    away = Fault("apple.assets", "gateway", times=9)
    scene = make_scene(devices=0, apps=2, seats=9, faults=[away])
    only_for(scene, "iOS")
    scene.apply()
    for shape in MIXED:
        scene.world.new_device(**shape).enrol()
    scene.run(lambda: len(scene.installs()) == 6)
    scene.run(lambda: scene.states() == {"installed INSTALLED": 3})
    first, second = scene.adam_ids
    pad, mac, _ = scene.serials
    assert {(i["serial_number"], i["adam_id"]) for i in scene.installs()} == {
        (pad, first),
        (pad, second),
        (mac, second),
    }


def test_a_licence_that_a_device_of_another_platform_got_goes_back(make_scene: MakeScene) -> None:
    scene = listed_only(make_scene, product_name="AppleTV11,1")
    only_for(scene, "iOS")
    scene.pass_time(2 * 3600)
    scene.apply(wanting(scene, Group("everyone", all=True)))
    scene.run(lambda: scene.states() == {"removed NOT_FOR_DEVICE": 1})
    told = scene.install()["explanation"]
    assert (
        "its product is AppleTV11,1, and the app is for iOS; the licence that it had got was"
        in (told["sentence"])
    )
    assert "It is not wanted there: it does not run there" in told["sentence"]
    assert (told["when"], told["next_at"]) == (None, None)
    assert not scene.world.location.library.assignments
    assert not scene.world.ledger.installs_posted


@pytest.mark.parametrize("mode", ["install", "license_only"])
def test_what_devices_have_is_not_taken_when_apple_changes_its_mind(
    make_scene: MakeScene, mode: str
) -> None:
    scene = make_scene(devices=2, macs=0)
    shaped(scene, [{"product_name": "Mac14,2"}] * 2)
    rule = wanting(scene, Group("everyone", all=True), mode=mode)
    scene.apply(rule)
    done = {"installed INSTALLED": 2} if mode == "install" else {"licensed LICENSED": 2}
    scene.run(lambda: scene.states() == done)
    only_for(scene, "iOS")
    scene.pass_time(3 * 3600)
    reports(scene, scene.serials[0], name="Renamed")
    assert scene.states() == done
    assert len(scene.bridge.plan(rule).change.removed) == 2, "an apply shows it"


def test_a_named_device_of_another_platform_is_told_of(make_scene: MakeScene) -> None:
    scene = make_scene(devices=3)
    only_for(scene, "iOS")
    shaped(scene, MIXED)
    scene.apply(wanting(scene, Group("named", serials=tuple(scene.serials))))
    scene.run(lambda: scene.states() == {"installed INSTALLED": 1, "failed WRONG_PLATFORM": 2})
    said = scene.install(scene.serials[2])["explanation"]
    assert said["sentence"] == (
        f"Pages does not run on Device 3 ({scene.serials[2]}): its product is AppleTV11,1, and the "
        "app is for iOS."
    )
    assert said["who_must_act"] == "the admin"
    assert len(scene.world.location.library.assignments) == 1


def test_an_unknown_product_is_given_the_benefit_of_the_doubt(make_scene: MakeScene) -> None:
    scene = make_scene(devices=1)
    only_for(scene, "iOS")
    shaped(scene, [{"product_name": "HomePad1,1"}])
    scene.apply(wanting(scene, Group("everyone", all=True)))
    scene.run(lambda: scene.states() == {"installed INSTALLED": 1})


def asked(scene: Scene) -> list[str]:
    """Who was asked what it is, in the order in which that happened."""
    with scene.bridge.database.read() as db:
        found = db.execute(
            "SELECT d.serial_number FROM commands c JOIN devices d ON d.id = c.device_id "
            "WHERE c.request_type = 'DeviceInformation' ORDER BY c.created_at, d.id"
        )
        return [row[0] for row in found]


def sync_devices(scene: Scene) -> None:
    """`sync devices`, handed to the engine."""
    scene.bridge.sync("devices")


def test_sync_asks_devices_of_which_a_match_needs_to_know_more(make_scene: MakeScene) -> None:
    few = Policy(device=DevicePolicy(ask_facts_per_minute=2))
    scene = make_scene(devices=6, macs=0, policy=few)
    for device in scene.world.devices[:1]:
        device.reenrol()
    scene.pass_time(60)
    others = scene.serials[1:]
    rule = wanting(scene, Group("ipads", match=Match(product_name="iPad*", name="Device*")))
    scene.apply(rule)
    scene.pass_time(3 * 3600)
    assert asked(scene) == [], "nobody is asked by itself"

    sync_devices(scene)
    scene.pass_time(59)
    assert asked(scene) == others[:2]
    scene.pass_time(60)
    assert asked(scene) == others[:4]
    scene.pass_time(3600)
    assert asked(scene) == others, "each of them once"
    assert scene.states() == {"installed INSTALLED": 1, "waiting NOT_PLANNED": 5}
    scene.apply(rule)
    scene.run(lambda: scene.states() == {"installed INSTALLED": 6})


@pytest.mark.slow
def test_what_changes_on_a_device_is_asked_for_again_each_week(make_scene: MakeScene) -> None:
    scene = make_scene(devices=2, macs=0, policy=rarely(devices_every=HOUR))
    shaped(scene, [{"product_name": "iPad14,1", "os_version": "17.1"}] * 2)
    scene.apply(wanting(scene, Group("ipads", match=IPADS_17)))
    scene.world.devices[0].os_version = "17.2"
    scene.pass_time(6 * DAY)
    assert (asked(scene), desired(scene)) == ([], set())
    scene.pass_time(2 * DAY)
    assert asked(scene) == scene.serials, "once each"
    assert desired(scene) == {scene.serials[0]}
    scene.pass_time(7 * DAY)
    assert len(asked(scene)) == 4


@pytest.mark.parametrize("every", [None, DAY])
def test_nobody_is_asked_again_where_nothing_changes_or_policy_says_never(
    make_scene: MakeScene, every: float | None
) -> None:
    policy = replace(rarely(devices_every=HOUR), device=DevicePolicy(ask_facts_every=every))
    scene = make_scene(devices=1, macs=0, policy=policy)
    shaped(scene, [{"product_name": "iPad14,1", "os_version": "17.1"}])
    match = IPADS_17 if every is None else Match(product_name="iPad*")
    scene.apply(wanting(scene, Group("ipads", match=match), mode="license_only"))
    scene.pass_time(5 * DAY)
    assert asked(scene) == []


def test_a_device_that_does_not_answer_is_asked_once_for_each_sync(make_scene: MakeScene) -> None:
    scene = make_scene(devices=1, macs=0)
    scene.pass_time(60)
    scene.world.devices[0].go_offline()
    scene.apply(wanting(scene, IPADS))
    sync_devices(scene)
    scene.pass_time(3 * 3600)
    sync_devices(scene)
    scene.pass_time(3 * 3600)
    assert len(asked(scene)) == 1, "the question still waits on the server"
    scene.world.devices[0].go_online()
    scene.pass_time(6 * 3600)
    assert scene.states() == {"waiting NOT_PLANNED": 1}


def test_sync_asks_nobody_when_nothing_is_open(make_scene: MakeScene) -> None:
    scene = make_scene(devices=2, macs=0)
    scene.pass_time(60)
    scene.apply(wanting(scene, Group("named", serials=tuple(scene.serials)), mode="license_only"))
    sync_devices(scene)
    scene.pass_time(3600)
    assert asked(scene) == []
