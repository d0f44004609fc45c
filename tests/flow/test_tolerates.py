"""What MicroMDM and devices do to whoever uses them, row by row, and the bridge puts up with.

The rows are from trackers and from a lab. What shows a row elsewhere:

1   test_doubt.test_a_command_that_the_server_lost_goes_out_again_as_itself, and the race of the
    real one: tests/real/test_races.py
2   test_engine_webhooks.test_any_order_of_arrival_ends_alike,
    test_doubt.test_an_answer_whose_webhook_was_lost_repeats_nothing,
    test_kills.test_fifty_answers_that_a_dead_bridge_missed_repeat_nothing
3   test_identity.test_an_authenticate_without_a_serial_number_leaves_the_known_one,
    test_messages.test_a_token_update_may_overtake_its_authenticate,
    test_messages.test_a_device_whose_authenticate_never_came_is_asked_for
4   test_identity: all of it
5   test_doubt.test_a_device_that_enrols_anew_in_the_middle_gets_everything, tests/real/test_races;
    a device that was deleted: test_identity.test_a_device_that_left_without_a_word_is_found_gone
6   test_messages.test_an_answer_to_somebody_elses_command_changes_nothing
12  test_identity.test_user_channels_speak_for_nobody,
    test_identity.test_a_user_enrolled_device_is_known_and_sent_nothing,
    test_messages.test_a_users_answer_is_not_the_devices
14  test_web_hooks.test_whatever_path_is_asked_is_never_redirected_nor_fails
15  test_identity.test_a_device_that_left_without_a_word_is_found_gone, test_silence
"""

from collections.abc import Callable
from dataclasses import replace

import pytest

from bridge.domain.policy import Policy
from bridge.simulator.devices import script
from bridge.simulator.mdm.mdm import MdmSettings
from tests.flow.scene import DAY, Scene, rarely

MakeScene = Callable[..., Scene]

INSTALL, LIST, INFO = "InstallApplication", "ManagedApplicationList", "DeviceInformation"
MINUTE, HOUR = 60.0, 3600.0


def done(scene: Scene, limit: float = HOUR) -> None:
    """Everything wanted is really on the devices, once, and each under one CommandUUID."""
    scene.run(scene.all_installed, limit)
    assert scene.world.missing(scene.world.everything()) == []
    assert scene.world.ledger.violations() == []
    for postings in scene.world.ledger.installs_posted.values():
        assert len({posted.command_uuid for posted in postings}) == 1


@pytest.mark.parametrize("loss", [0.5, 0.0], ids=["lost", "brought back"])
@pytest.mark.parametrize("delay", [0.0, 0.1], ids=["at once", "by default"])
def test_1_a_queue_that_loses_commands_and_brings_back_answered_ones(
    make_scene: MakeScene, loss: float, delay: float
) -> None:
    policy = Policy()
    policy = replace(policy, command=replace(policy.command, after_connect_delay=delay))
    race = MdmSettings(race_window=0.05, race_loss=loss)
    scene = make_scene(devices=4, apps=4, mdm=race, policy=policy)
    scene.apply()
    done(scene)
    doubted = scene.counters().get("command.in_doubt", 0)
    assert bool(doubted) is (loss > 0.0 and delay == 0.0), "waiting a moment avoids the race"


def test_2_an_hour_in_which_no_webhook_arrives(make_scene: MakeScene) -> None:
    scene = make_scene(devices=3, apps=3)
    scene.apply()
    scene.run(lambda: any(key.startswith("sent") for key in scene.states()))
    scene.reachable = False
    scene.pass_time(HOUR)
    scene.reachable = True
    done(scene)


def test_3_a_token_that_is_renewed_is_no_enrolment(make_scene: MakeScene) -> None:
    scene = make_scene(devices=1, apps=1)
    scene.apply()
    done(scene)
    before = scene.world.ledger.requests["mdm.command"]
    for _ in range(20):
        scene.world.devices[0].token_update()
        scene.pass_time(MINUTE)
    assert scene.all_installed()
    assert scene.world.ledger.requests["mdm.command"] == before


def test_5_what_was_queued_is_wiped_by_an_enrolment_that_erased_nothing(
    make_scene: MakeScene,
) -> None:
    scene = make_scene(devices=1, apps=3)
    device = scene.world.devices[0]
    scene.apply()
    scene.run(lambda: len(device.installs) == 1)
    device.go_offline()
    scene.run(lambda: len(scene.world.mdm.queued(device.udid)) == 1)
    device.go_online()
    device.reenrol(erased=False)
    assert scene.world.mdm.queued(device.udid) == []
    scene.run(scene.all_installed, 5 * MINUTE)
    assert scene.world.missing(scene.world.everything()) == []
    assert len(device.installs) == 3, "what it had was not sent again"


def test_6_a_device_that_says_everything_twice(make_scene: MakeScene) -> None:
    scene = make_scene(devices=1, apps=3)
    for kind in (INSTALL, LIST, INFO):
        scene.world.devices[0].script.add(script.answers_twice(0, kind))
    scene.apply()
    done(scene)


def test_7_an_answer_that_beats_the_201(make_scene: MakeScene) -> None:
    at_once = MdmSettings(store_delay=0.0, push_delay=0.0)
    scene = make_scene(devices=2, apps=3, mdm=at_once, traits={"wake_latency": 0.0})
    scene.world.hasty = True
    scene.world.mdm.webhook.latency = 0.0
    scene.apply()
    done(scene)


def test_8_an_answer_that_the_server_cannot_read_holds_up_nothing_else(
    make_scene: MakeScene,
) -> None:
    """The server keeps the command, tells nobody, and offers it again whenever the device comes."""
    scene = make_scene(devices=1, apps=4, policy=rarely())
    stuck, *others = scene.adam_ids
    device = scene.world.devices[0]
    device.script.add(script.silent(0, stuck))
    scene.apply()
    scene.run(lambda: all(device.installed(adam_id) for adam_id in others), HOUR)
    scene.run(lambda: len(scene.installs(state="installed")) == 3, 3 * HOUR)
    assert scene.install(adam_id=stuck)["reason"] == "NOT_ANSWERED"
    scene.pass_time(2 * DAY)
    stands = scene.install(adam_id=stuck)
    assert (stands["state"], stands["reason"]) == ("unconfirmed", "NOT_ANSWERED")
    device.script = script.Script()
    done(scene, 2 * DAY)
    assert sum(len(each) for each in scene.world.ledger.installs_posted.values()) == 4


def test_9_a_device_that_was_off_when_it_was_pushed(make_scene: MakeScene) -> None:
    scene = make_scene(devices=1, apps=1)
    device = scene.world.devices[0]
    scene.apply()
    device.go_offline()
    scene.pass_time(3 * HOUR)
    assert scene.world.ledger.requests["mdm.push"] == 2, "after one hour and two"
    device.go_online()  # the last push is kept for it
    done(scene, 5 * MINUTE)


def test_9_a_server_that_cannot_push_fails_nothing(make_scene: MakeScene) -> None:
    scene = make_scene(devices=1, apps=1, mdm=MdmSettings(push_certificate=False), policy=rarely())
    scene.apply()
    scene.pass_time(3 * DAY)
    assert scene.states() == {"licensed FACTS_FIRST": 1}
    assert scene.counters()["mdm.push_failed"] >= 3
    scene.world.mdm.settings.push_certificate = True
    done(scene, 2 * DAY)


def test_10_not_now_for_days_is_no_failure(make_scene: MakeScene) -> None:
    scene = make_scene(devices=1, apps=1, policy=rarely(), traits={"not_now_rest": 5 * HOUR})
    scene.world.devices[0].script.add(script.not_now(0))
    scene.apply()
    scene.run(lambda: "sent NOT_NOW" in scene.states())
    scene.pass_time(6 * DAY)
    assert scene.states() == {"sent NOT_NOW": 1}
    assert scene.world.ledger.requests["mdm.push"] <= 6 * 48
    scene.world.devices[0].script = script.Script()
    done(scene, HOUR)


def test_10_an_app_that_is_put_off_holds_up_no_other(make_scene: MakeScene) -> None:
    scene = make_scene(devices=1, apps=4, traits={"not_now_rest": 5 * HOUR})
    device, put_off = scene.world.devices[0], scene.adam_ids[0]
    device.script.add(script.not_now(0, put_off))
    scene.apply()
    scene.run(lambda: len(scene.installs(state="installed")) == 3, HOUR)
    assert scene.install(adam_id=put_off)["reason"] == "NOT_NOW"
    device.script = script.Script()
    done(scene)


def test_11_a_mac_has_one_open_command_at_a_time(make_scene: MakeScene) -> None:
    scene = make_scene(devices=2, apps=5, macs=1.0)
    most = 0

    def looked() -> bool:
        nonlocal most
        for device in scene.world.devices:
            most = max(most, len(scene.world.mdm.queued(device.udid)))
        return scene.all_installed()

    scene.apply()
    scene.run(looked)
    assert most == 1
    done(scene)


def test_13_a_prompt_that_is_answered_days_later(make_scene: MakeScene) -> None:
    unsupervised = {"supervised": False, "prompt_time": None}
    scene = make_scene(devices=1, apps=1, macs=0.0, policy=rarely(), traits=unsupervised)
    device, adam_id = scene.world.devices[0], scene.adam_ids[0]
    scene.apply()
    scene.run(lambda: "installing PROMPTING" in scene.states())
    scene.pass_time(10 * DAY)
    assert scene.states() == {"needs_user PROMPT_UNANSWERED": 1}
    assert len(device.prompts) == 3, "nobody is asked for ever"
    device.answer_prompt(adam_id, accept=True)
    scene.run(scene.all_installed, 8 * DAY)
    assert device.installed(adam_id)
