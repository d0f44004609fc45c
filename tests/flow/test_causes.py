"""What a device says, and the cause that is told for it: the true one."""

from collections.abc import Callable
from dataclasses import replace

from bridge.domain.policy import DAY, HOUR, Policy
from bridge.simulator.devices import script
from tests.flow.kit import installs_sent, is_in
from tests.flow.scene import Scene, rarely

MakeScene = Callable[..., Scene]

OFTEN = replace(rarely(), verify=replace(Policy().verify, installed_every=600.0))
ATTEMPTS = 1 + len(Policy().install.license_retry)


def one_device(make_scene: MakeScene, *deeds: script.Planned, **wish: object) -> Scene:
    """One iPad that gets one app, with its script."""
    scene = make_scene(devices=1, apps=1, macs=0, policy=OFTEN)
    scene.world.devices[0].script.add(*deeds)
    scene.apply(scene.desired(named=True, **wish))
    return scene


def says(scene: Scene) -> str:
    return str(scene.install()["explanation"]["sentence"])


def test_an_app_that_does_not_arrive_gets_every_attempt_and_then_its_own_reason(
    make_scene: MakeScene,
) -> None:
    scene = one_device(make_scene, script.never_arrives(times=0))
    scene.run(is_in(scene, "acknowledged NOT_ARRIVED"))
    assert "has not arrived" in says(scene)
    scene.run(is_in(scene, "failed NEVER_ARRIVED"), limit=DAY)
    assert installs_sent(scene) == ATTEMPTS
    assert "never arrived" in says(scene)
    assert "deleted" not in says(scene)
    scene.pass_time(2 * HOUR)
    assert installs_sent(scene) == ATTEMPTS, "nothing more by itself"


def test_it_is_looked_at_again_before_it_is_sent_again(make_scene: MakeScene) -> None:
    """A list that says so 15 s after the answer is not the last word: the app may come."""
    scene = one_device(make_scene)
    device = scene.world.devices[0]
    device.install_time = 100.0
    adam_id = scene.adam_ids[0]
    scene.run(is_in(scene, "acknowledged ACKNOWLEDGED"))
    device.user_deletes(adam_id)
    scene.run(is_in(scene, "acknowledged NOT_ARRIVED"))
    app = device.apps.get(scene.world.catalogue[adam_id][0], scene.world.now)
    assert app is not None
    app.status = "Managed"
    scene.run(scene.all_installed)
    assert installs_sent(scene) == 1


def test_one_that_arrives_at_the_second_attempt_is_installed(make_scene: MakeScene) -> None:
    scene = one_device(make_scene, script.never_arrives())
    scene.run(scene.all_installed)
    assert installs_sent(scene) == 2


def test_a_late_arrival_counts(make_scene: MakeScene) -> None:
    scene = one_device(make_scene, script.never_arrives(times=0))
    scene.run(is_in(scene, "failed NEVER_ARRIVED"), limit=DAY)
    adam_id = scene.adam_ids[0]
    app = scene.world.devices[0].apps.get(scene.world.catalogue[adam_id][0], scene.world.now)
    assert app is not None
    app.status = "Managed"
    scene.run(scene.all_installed)
    scene.world.devices[0].user_deletes(adam_id)
    scene.run(is_in(scene, "needs_user APP_DELETED"))
    assert "it was there" in says(scene)


def test_a_retry_begins_anew(make_scene: MakeScene) -> None:
    scene = one_device(make_scene, script.never_arrives(times=ATTEMPTS))
    scene.run(is_in(scene, "failed NEVER_ARRIVED"), limit=DAY)
    scene.pass_time(1)
    scene.bridge.retry()
    scene.run(scene.all_installed)
    assert installs_sent(scene) == ATTEMPTS + 1


def test_a_deleted_app_that_is_sent_again_and_does_not_arrive_was_not_deleted_again(
    make_scene: MakeScene,
) -> None:
    scene = one_device(make_scene)
    scene.run(scene.all_installed)
    scene.world.devices[0].user_deletes(scene.adam_ids[0])
    scene.run(is_in(scene, "needs_user APP_DELETED"))
    scene.world.devices[0].script.add(script.never_arrives(times=0))
    scene.pass_time(1)
    scene.bridge.retry()
    scene.run(is_in(scene, "failed NEVER_ARRIVED"), limit=DAY)
    assert installs_sent(scene) == 1 + ATTEMPTS


def test_a_copy_that_is_taken_over_and_does_not_arrive(make_scene: MakeScene) -> None:
    scene = make_scene(devices=1, apps=1, macs=0, policy=OFTEN)
    device, adam_id = scene.world.devices[0], scene.adam_ids[0]
    device.user_installs(adam_id)
    scene.apply(scene.desired(named=True, take_over=True))
    scene.run(is_in(scene, "acknowledged ACKNOWLEDGED"))
    device.user_deletes(adam_id)
    scene.run(is_in(scene, "acknowledged NOT_ARRIVED"))
    scene.run(scene.all_installed)
    assert installs_sent(scene) == 2


def test_what_was_deleted_before_the_bridge_came_is_not_sent_against_it(
    make_scene: MakeScene,
) -> None:
    scene = make_scene(devices=1, apps=1, macs=0, policy=OFTEN)
    device, adam_id = scene.world.devices[0], scene.adam_ids[0]
    device.user_installs(adam_id)
    app = device.apps.get(scene.world.catalogue[adam_id][0], scene.world.now)
    assert app is not None
    app.managed, app.status = True, "ManagedButUninstalled"
    scene.apply(scene.desired(named=True))
    scene.run(is_in(scene, "needs_user APP_DELETED"))
    assert "said so before the bridge sent anything" in says(scene)
    assert installs_sent(scene) == 0
    scene.pass_time(1)
    scene.bridge.retry()
    scene.run(scene.all_installed)
    assert installs_sent(scene) == 1


def test_without_a_network_it_is_tried_for_as_long_as_it_takes(make_scene: MakeScene) -> None:
    scene = one_device(make_scene, script.error("NSURLErrorDomain", -1009, times=20))
    scene.run(lambda: installs_sent(scene) == 20, limit=10 * DAY)
    scene.run(is_in(scene, "licensed NETWORK_TROUBLE"))
    assert "could not reach the App Store (NSURLErrorDomain -1009)" in says(scene)
    scene.run(scene.all_installed, limit=7 * HOUR)
    assert installs_sent(scene) == 21


def test_without_an_account_somebody_has_to_sign_in(make_scene: MakeScene) -> None:
    scene = one_device(make_scene, script.error("ASDErrorDomain", 509, times=0))
    scene.run(is_in(scene, "needs_user LOGIN_REQUIRED"))
    assert "no Apple Account is signed in" in says(scene)


def test_what_was_not_managed_is_not_told_as_removed(make_scene: MakeScene) -> None:
    not_managed = script.error("MDMErrorDomain", 12029, request_type="RemoveApplication")
    scene = one_device(make_scene, not_managed, on_unwanted="remove")
    scene.run(scene.all_installed)
    desired = scene.desired()
    scene.apply(replace(desired, apps=()))
    scene.run(is_in(scene, "removed NOTHING_REMOVED"))
    assert "was not managed on" in says(scene)
    assert "was removed" not in says(scene)
    assert "licence was given back" in says(scene)
    assert scene.world.devices[0].has(scene.adam_ids[0])


def test_a_device_that_begins_to_enrol_is_told_as_one(make_scene: MakeScene) -> None:
    scene = make_scene(devices=1, apps=1, enrol=False)
    scene.apply(scene.wanted_for(scene.serials))
    scene.pass_time(60)
    assert "no MDM server has shown it" in says(scene)
    device = scene.world.devices[0]
    device.authenticate()
    scene.pass_time(60)
    assert (scene.install()["state"], scene.install()["reason"]) == ("waiting", "NOT_ENROLLED")
    assert "is not enrolled: it began to enrol with main" in says(scene)
    assert "TokenUpdate has not come" in says(scene)
    device.enrol()
    scene.run(scene.all_installed)
    device.check_out()
    scene.run(is_in(scene, "waiting NOT_ENROLLED"))
    assert "it left main (CheckOut)" in says(scene)


def test_a_deleted_app_is_put_back_where_the_file_says_so(make_scene: MakeScene) -> None:
    """A day after the first time, three days after the second, and then no more."""
    scene = one_device(make_scene, on_deleted="reinstall")
    device, adam_id = scene.world.devices[0], scene.adam_ids[0]
    for number, days in enumerate((1, 3), start=1):
        scene.run(scene.all_installed)
        device.user_deletes(adam_id)
        scene.run(is_in(scene, "needs_user APP_DELETED"))
        assert "it is installed again at" in says(scene)
        scene.pass_time(days * DAY - HOUR)
        assert installs_sent(scene) == number
        scene.pass_time(2 * HOUR)
        scene.run(scene.all_installed)
        assert installs_sent(scene) == number + 1
    device.user_deletes(adam_id)
    scene.run(is_in(scene, "needs_user APP_DELETED"))
    scene.pass_time(10 * DAY)
    assert installs_sent(scene) == 3
    assert "as often as policy.prompts.again says" in says(scene)


def test_a_deleted_app_is_not_put_back_in_quiet_hours(make_scene: MakeScene) -> None:
    """The day is over at night, so it waits until the morning."""
    quiet = replace(OFTEN.prompts, quiet_hours="00:01-23:00", again=(HOUR,))
    scene = make_scene(devices=1, apps=1, macs=0, policy=replace(OFTEN, prompts=quiet))
    scene.apply(scene.desired(named=True, on_deleted="reinstall"))
    scene.run(scene.all_installed)
    scene.world.devices[0].user_deletes(scene.adam_ids[0])
    scene.run(is_in(scene, "needs_user APP_DELETED"))
    assert "23:00 UTC" in says(scene)
    scene.run(lambda: installs_sent(scene) == 2, limit=DAY)
    assert scene.now() % DAY >= 23 * HOUR


def test_a_deleted_app_is_left_to_its_user_without_a_word(make_scene: MakeScene) -> None:
    scene = one_device(make_scene)
    scene.run(scene.all_installed)
    scene.world.devices[0].user_deletes(scene.adam_ids[0])
    scene.run(is_in(scene, "needs_user APP_DELETED"))
    scene.pass_time(10 * DAY)
    assert installs_sent(scene) == 1
