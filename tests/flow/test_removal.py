"""What is not wanted any more: the licence goes back first, then the app, and only what is ours."""

from collections.abc import Callable

from bridge.domain.desired.desired import Desired
from bridge.simulator.devices import script
from bridge.simulator.faults import Fault
from tests.flow.scene import HOUR, Scene, rarely

MakeScene = Callable[..., Scene]

NOTHING = Desired()


def installed(make_scene: MakeScene, on_unwanted: str, **arguments: object) -> Scene:
    scene = make_scene(**{"devices": 2, "apps": 2} | arguments)
    scene.apply(scene.desired(on_unwanted=on_unwanted))
    scene.run(scene.all_installed)
    return scene


def licences(scene: Scene) -> int:
    return len(scene.world.location.library.assignments)


def test_kept_is_the_default(make_scene: MakeScene) -> None:
    scene = installed(make_scene, "keep")
    scene.apply(NOTHING)
    scene.run(lambda: scene.states() == {"removed KEPT": 4})
    scene.pass_time(3600)
    assert licences(scene) == 4
    assert scene.world.missing(scene.world.everything()) == []


def test_release_gives_the_licences_back_in_one_request(make_scene: MakeScene) -> None:
    scene = installed(make_scene, "release")
    scene.apply(NOTHING)
    scene.run(lambda: scene.states() == {"removed RELEASED": 4})
    assert licences(scene) == 0
    assert scene.world.ledger.requests["apple.disassociate"] == 1
    assert scene.world.missing(scene.world.everything()) == [], "the apps stay for now"


def test_remove_waits_for_apple_and_then_removes_the_app(make_scene: MakeScene) -> None:
    scene = installed(make_scene, "remove")
    scene.world.apple.settings.process_delay = 60.0
    scene.apply(NOTHING)
    scene.run(lambda: "removing RELEASING" in scene.states())
    scene.pass_time(30)
    assert len(scene.world.missing(scene.world.everything())) == 0, "Apple has not confirmed yet"
    scene.run(lambda: scene.states() == {"removed REMOVED": 4})
    assert licences(scene) == 0
    assert len(scene.world.missing(scene.world.everything())) == 4


def test_a_seat_does_not_wait_for_a_device_that_is_away(make_scene: MakeScene) -> None:
    scene = installed(make_scene, "remove")
    scene.world.devices[0].go_offline()
    scene.apply(NOTHING)
    scene.run(lambda: licences(scene) == 0, limit=600)
    scene.run(lambda: scene.states() == {"removed REMOVED": 2, "removing REMOVING": 2})
    scene.world.devices[0].go_online()
    scene.run(lambda: scene.states() == {"removed REMOVED": 4}, limit=3 * 86400)


def test_a_licence_that_others_assigned_is_never_given_back(make_scene: MakeScene) -> None:
    scene = make_scene(devices=1, apps=1)
    scene.world.apple.portal(scene.world.location, "ASSOCIATE", scene.adam_ids[0], scene.serials)
    scene.apply(scene.desired(on_unwanted="release"))
    scene.run(scene.all_installed)
    assert scene.world.ledger.requests["apple.associate"] == 0, "it was there already"
    scene.apply(NOTHING)
    scene.run(lambda: scene.states() == {"removed LICENSE_NOT_OURS": 1})
    scene.pass_time(7200)
    assert licences(scene) == 1
    assert scene.world.ledger.requests["apple.disassociate"] == 0


def test_wanted_again_while_it_is_being_given_back(make_scene: MakeScene) -> None:
    scene = installed(make_scene, "release")
    scene.world.apple.settings.process_delay = 60.0
    scene.apply(NOTHING)
    scene.run(lambda: scene.world.ledger.requests["apple.disassociate"] == 1)
    scene.apply(scene.desired(on_unwanted="release"))
    scene.settle()
    assert scene.states() == {"waiting RELEASING": 4}
    scene.run(scene.all_installed)
    assert licences(scene) == 4
    assert scene.world.ledger.requests["apple.associate"] == 2
    assert scene.world.ledger.violations() == []


def test_unwanted_before_it_was_asked_asks_for_nothing(make_scene: MakeScene) -> None:
    scene = make_scene(devices=2, apps=1)
    scene.apply(scene.desired(on_unwanted="release"))
    scene.run(lambda: "associating ASSOCIATE_COLLECTING" in scene.states())
    scene.apply(NOTHING)
    scene.run(lambda: scene.states() == {"removed NOT_LICENSED": 2})
    scene.pass_time(600)
    assert scene.world.ledger.requests["apple.associate"] == 0


def test_unwanted_while_apple_is_at_it_goes_back_after_all(make_scene: MakeScene) -> None:
    scene = make_scene(devices=2, apps=1)
    scene.world.apple.settings.process_delay = 60.0
    scene.apply(scene.desired(on_unwanted="release"))
    scene.run(lambda: "associating ASSOCIATE_REQUESTED" in scene.states())
    scene.apply(NOTHING)
    scene.settle()
    assert scene.states() == {"removing RELEASE_WAITS": 2}
    scene.run(lambda: scene.states() == {"removed RELEASED": 2})
    assert licences(scene) == 0


def test_a_disassociate_in_doubt_is_looked_up(make_scene: MakeScene) -> None:
    scene = installed(make_scene, "release")
    scene.world.faults.add(Fault("apple.disassociate", "reply_lost"))
    scene.world.faults.add(Fault("apple.notification", "drop", times=0))
    scene.apply(NOTHING)
    scene.run(lambda: scene.states() == {"removed RELEASED": 4}, limit=300)
    assert scene.world.ledger.requests["apple.disassociate"] == 1


def test_a_disassociate_that_never_arrived_is_asked_again(make_scene: MakeScene) -> None:
    scene = installed(make_scene, "release")
    scene.world.faults.add(Fault("apple.disassociate", "request_lost"))
    scene.apply(NOTHING)
    scene.run(lambda: scene.states() == {"removed RELEASED": 4}, limit=3600)
    assert scene.world.ledger.requests["apple.disassociate"] == 2
    assert scene.counters()["disassociate.missing"] == 4


def test_what_cannot_be_taken_back_says_so(make_scene: MakeScene) -> None:
    scene = installed(make_scene, "release", devices=1, apps=1)
    scene.world.faults.add(Fault("apple.disassociate", "error", number=9706, times=0))
    scene.apply(NOTHING)
    scene.run(lambda: scene.states() == {"failed NOT_REVOCABLE": 1})


def test_a_removal_that_was_lost_is_sent_again_as_itself(make_scene: MakeScene) -> None:
    scene = installed(make_scene, "remove", devices=1, apps=1)
    scene.world.faults.add(Fault("mdm.command", "lose", match="RemoveApplication"))
    scene.apply(NOTHING)
    scene.run(lambda: scene.states() == {"removed REMOVED": 1})
    assert scene.world.missing(scene.world.everything()) == scene.world.everything()


def open_commands(scene: Scene) -> list[tuple[str, str]]:
    """What is not over, by request type and state."""
    with scene.bridge.database.read() as db:
        return [
            (row[0], row[1])
            for row in db.execute(
                "SELECT request_type, state FROM commands "
                "WHERE state NOT IN ('acknowledged', 'error', 'dropped')"
            )
        ]


def test_a_removal_whose_answer_was_lost_is_over_once_the_app_is_gone(
    make_scene: MakeScene,
) -> None:
    scene = installed(make_scene, "remove", devices=1, apps=1)
    scene.world.devices[0].script.add(script.silent(request_type="RemoveApplication"))
    scene.apply(NOTHING)
    scene.run(lambda: scene.received("RemoveApplication") == 1)
    scene.world.devices[0].apps.clear()  # it did, and nobody heard of it
    scene.world.mdm.clear(scene.world.devices[0].key)
    scene.run(lambda: scene.states() == {"removed REMOVED": 1})
    assert open_commands(scene) == []


def test_wanted_again_while_a_removal_is_in_doubt(make_scene: MakeScene) -> None:
    """The removal was done and nobody heard of it: the app is not taken for there, and its install
    is not held up by the removal."""
    scene = installed(make_scene, "remove", devices=1, apps=1, policy=rarely())
    device = scene.world.devices[0]
    removed = Fault("mdm.webhook", "drop", match="Acknowledged", times=0)
    device.script.add(script.not_now(0, request_type="ManagedApplicationList"))
    scene.apply(NOTHING)
    scene.run(lambda: "removing REMOVING" in scene.states())
    scene.world.faults.add(removed)
    scene.run(lambda: scene.received("RemoveApplication") == 1)
    scene.run(lambda: ("RemoveApplication", "in_doubt") in open_commands(scene), limit=3 * HOUR)
    assert not device.installed(scene.adam_ids[0])
    scene.apply(scene.desired(on_unwanted="remove"))
    scene.pass_time(60)
    assert not scene.all_installed(), "nothing tells that it is there"
    scene.world.faults.heal()
    device.script.forget()
    device.wake()
    scene.run(scene.all_installed, limit=12 * HOUR)
    assert device.installed(scene.adam_ids[0])
    assert open_commands(scene) == []
    assert scene.world.ledger.violations() == []


def test_wanted_again_while_a_removal_has_not_left(make_scene: MakeScene) -> None:
    """What was only about to be removed stays."""
    scene = installed(make_scene, "remove", devices=1, apps=1)
    scene.world.faults.add(Fault("mdm.command", "gateway", times=0, match="RemoveApplication"))
    scene.apply(NOTHING)
    scene.run(lambda: ("RemoveApplication", "ready") in open_commands(scene))
    scene.apply(scene.desired(on_unwanted="remove"))
    scene.world.faults.heal()
    scene.run(scene.all_installed)
    scene.pass_time(HOUR)
    assert scene.received("RemoveApplication") == 0
    assert open_commands(scene) == []


def test_wanted_again_while_a_removal_is_on_its_way(make_scene: MakeScene) -> None:
    scene = installed(make_scene, "remove", devices=1, apps=1)
    scene.world.devices[0].go_offline()
    scene.apply(NOTHING)
    scene.run(lambda: ("RemoveApplication", "queued") in open_commands(scene), limit=HOUR)
    scene.apply(scene.desired(on_unwanted="remove"))
    scene.pass_time(HOUR)
    assert scene.states() == {"waiting REMOVING": 1}
    scene.world.devices[0].go_online()
    scene.world.devices[0].wake()
    scene.run(scene.all_installed, limit=2 * HOUR)
    assert scene.world.missing(scene.world.everything()) == []
    assert open_commands(scene) == []


def test_a_licence_taken_away_is_asked_for_twice_and_then_left(make_scene: MakeScene) -> None:
    scene = installed(make_scene, "keep", devices=1, apps=1, policy=rarely())
    began = scene.world.now
    app = scene.adam_ids[0]

    def take() -> None:
        scene.world.apple.portal(scene.world.location, "DISASSOCIATE", app, scene.serials)

    take()
    scene.run(lambda: scene.states() == {"waiting LICENSE_TAKEN": 1})
    scene.run(scene.all_installed, limit=2 * 3600)
    assert scene.world.now - began >= 3600
    take()
    scene.run(lambda: scene.states() == {"waiting LICENSE_TAKEN": 1})
    scene.run(scene.all_installed, limit=2 * 86400)
    assert scene.world.now - began >= 86400
    take()
    scene.run(lambda: scene.states() == {"needs_user TAKEN_AWAY": 1})
    asked = scene.world.ledger.requests["apple.associate"]
    scene.pass_time(5 * 86400)
    assert scene.world.ledger.requests["apple.associate"] == asked == 3
    assert scene.install()["explanation"]["who_must_act"] == "the admin"


def test_a_copy_of_the_users_own_is_never_removed(make_scene: MakeScene) -> None:
    scene = make_scene(devices=1, apps=1, macs=0.0)
    device, app = scene.world.devices[0], scene.adam_ids[0]
    device.user_installs(app)
    scene.apply(scene.desired(named=True, on_unwanted="remove"))
    scene.run(lambda: scene.states() == {"conflict UNMANAGED_COPY": 1})
    scene.pass_time(1)
    scene.apply(NOTHING)
    scene.run(lambda: scene.states() == {"removed NOTHING_REMOVED": 1})
    assert device.has(app)
    assert "RemoveApplication" not in {received.request_type for received in device.received}


def test_a_mac_cannot_be_asked_to_remove_an_app_that_is_not_managed(make_scene: MakeScene) -> None:
    scene = make_scene(devices=1, apps=1, macs=1.0)
    scene.apply(scene.desired(named=True, managed=False, on_unwanted="remove"))
    scene.run(lambda: scene.states() == {"installed INSTALLED_UNMANAGED": 1})
    scene.apply(NOTHING)
    scene.run(lambda: scene.states() == {"failed REMOVE_FAILED": 1})
    assert licences(scene) == 0
    told = scene.world.devices[0].received
    assert "RemoveApplication" not in {received.request_type for received in told}
