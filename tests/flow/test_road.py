"""The main job, from a wish to an installed app."""

from collections.abc import Callable

import pytest

from bridge.simulator.apple.config import ClientConfig
from bridge.simulator.faults import Fault, demo_faults
from tests.flow.scene import Scene

MakeScene = Callable[..., Scene]


def done(scene: Scene) -> None:
    """Everything wanted is really on the devices, and nothing was done that must not be."""
    scene.run(scene.all_installed)
    assert scene.world.missing(scene.world.everything()) == []
    assert scene.world.ledger.violations() == []


def test_every_wanted_app_gets_onto_every_device(make_scene: MakeScene) -> None:
    scene = make_scene(devices=5, apps=3)
    scene.apply()
    done(scene)
    requests = scene.world.ledger.requests
    assert requests["apple.associate"] == 1, "one batch for all"
    assert requests["apple.status"] == 0, "the notification was quicker"
    # Each device is asked what it is and what it has, gets its apps, and is asked again.
    assert requests["mdm.command"] == 5 * (1 + 1 + 3 + 1)


def test_nothing_is_changed_before_an_apply(make_scene: MakeScene) -> None:
    scene = make_scene(devices=2, apps=1)
    scene.pass_time(7200)
    requests = scene.world.ledger.requests
    assert requests["apple.set_client_config"] == 0
    assert requests["apple.associate"] == 0
    assert requests["mdm.command"] == 0


def test_a_device_that_enrols_later_gets_its_apps(make_scene: MakeScene) -> None:
    scene = make_scene(devices=2, apps=2, seats=3, enrol=False)
    scene.apply()
    scene.pass_time(60)
    assert scene.installs() == []
    scene.world.enrol_all()
    scene.world.new_device("LATE1").enrol()
    done(scene)
    assert scene.world.ledger.requests["mdm.command"] == 3 * (1 + 2 + 1), "Authenticate says it all"


def test_a_named_serial_waits_for_its_enrolment(make_scene: MakeScene) -> None:
    scene = make_scene(devices=1, apps=1, enrol=False)
    scene.apply(scene.wanted_for(scene.serials))
    scene.pass_time(60)
    why = scene.install()
    assert (why["state"], why["reason"]) == ("waiting", "NOT_ENROLLED")
    assert "not enrolled" in why["explanation"]["sentence"]
    assert scene.world.ledger.requests["apple.associate"] == 0, "no seat for a stranger"
    scene.world.enrol_all()
    done(scene)


def test_license_only_ends_with_the_licence(make_scene: MakeScene) -> None:
    scene = make_scene(devices=1, apps=1)
    scene.apply(scene.desired(mode="license_only"))
    scene.run(lambda: scene.states() == {"licensed LICENSED": 1})
    scene.pass_time(3600)
    assert scene.world.ledger.requests["mdm.command"] == 0


def test_without_a_public_url_status_alone_confirms(make_scene: MakeScene) -> None:
    scene = make_scene(devices=2, apps=2, public_url=None)
    scene.apply()
    done(scene)
    assert scene.world.location.client.notification_url == ""
    assert "told by status" in str(scene.install()["trail"])


def test_notifications_alone_confirm(make_scene: MakeScene) -> None:
    fault = Fault("apple.status", "gateway", times=0, status=503)
    scene = make_scene(devices=2, apps=2, faults=[fault])
    scene.apply()
    done(scene)
    assert "told by notification" in str(scene.install()["trail"])


def test_lost_notifications_do_not_matter(make_scene: MakeScene) -> None:
    fault = Fault("apple.notification", "drop", match="ASSET_MANAGEMENT", times=0)
    scene = make_scene(devices=2, apps=2, faults=[fault])
    scene.apply()
    done(scene)
    assert "told by status" in str(scene.install()["trail"])


@pytest.mark.parametrize("seed", range(5))
def test_everything_that_the_demo_lets_go_wrong_is_overcome(
    make_scene: MakeScene, seed: int
) -> None:
    scene = make_scene(devices=8, apps=3, seed=seed, faults=demo_faults(seed))
    scene.apply()
    done(scene)
    assert len(scene.world.faults.struck) == 6, "each of them happened"


def test_a_shortage_makes_those_wait_who_came_last(make_scene: MakeScene) -> None:
    scene = make_scene(devices=3, apps=1, seats=2)
    scene.apply()
    scene.run(lambda: scene.states().get("installed INSTALLED") == 2)
    assert scene.states()["waiting NO_SEAT"] == 1
    asked = scene.world.ledger.requests["apple.associate"]
    scene.pass_time(4 * 3600)
    assert scene.world.ledger.requests["apple.associate"] == asked, "no asking into the void"
    scene.world.apple.buy(scene.world.location, scene.adam_ids[0], 1)
    done(scene)


def test_priority_decides_who_gets_the_last_seats(make_scene: MakeScene) -> None:
    scene = make_scene(devices=4, apps=1, seats=2)
    desired = scene.wanted_for(scene.serials)
    scene.apply(desired)
    scene.settle()
    app = desired.apps[0]
    assert app.priority == 0
    scene.run(lambda: scene.states().get("installed INSTALLED") == 2)
    holders = {i["serial_number"] for i in scene.installs(state="installed")}
    assert holders == set(scene.serials[:2]), "the oldest wishes first"


def test_an_app_that_is_there_already_is_adopted(make_scene: MakeScene) -> None:
    first = make_scene(devices=2, apps=2)
    first.apply()
    done(first)
    first.bridge.close()
    for file in first.tmp_path.glob("bridge.db*"):
        file.unlink()
    first.world.location.client = ClientConfig()
    posted = {key: len(each) for key, each in first.world.ledger.installs_posted.items()}
    first.start()
    first.apply(first.desired(named=True))
    first.run(first.all_installed)
    after = {key: len(each) for key, each in first.world.ledger.installs_posted.items()}
    assert after == posted, "nothing was installed again"
    assert first.world.ledger.requests["apple.associate"] == 1, "nothing was asked again"
