"""Requests and commands whose outcome nobody told: looked up, never guessed, never doubled."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from bridge.domain.policy import Policy
from bridge.simulator.faults import Fault
from tests.flow.scene import Scene, rarely

MakeScene = Callable[..., Scene]

INSTALL = "InstallApplication"
LIST = "ManagedApplicationList"


def done(scene: Scene, limit: float = 3600) -> None:
    scene.run(scene.all_installed, limit)
    assert scene.world.missing(scene.world.everything()) == []
    assert scene.world.ledger.violations() == []


def uuids(scene: Scene) -> list[set[str]]:
    """For each install that was posted, the CommandUUIDs it was posted under."""
    posted = scene.world.ledger.installs_posted.values()
    return [{each.command_uuid for each in postings} for postings in posted]


@pytest.mark.parametrize("what", ["reply_lost", "gateway_after", "garbled"])
@pytest.mark.parametrize("told", [True, False], ids=["notified", "silent"])
def test_an_associate_that_was_done_is_not_asked_again(
    make_scene: MakeScene, what: str, told: bool
) -> None:
    faults = [Fault("apple.associate", what)]  # type: ignore[arg-type]
    if not told:
        faults.append(Fault("apple.notification", "drop", match="ASSET_MANAGEMENT", times=0))
    scene = make_scene(devices=2, apps=2, faults=faults)
    scene.apply()
    scene.run(lambda: "associating ASSOCIATE_IN_DOUBT" in scene.states())
    assert "not known" in scene.install()["explanation"]["sentence"]
    done(scene)
    assert scene.world.ledger.requests["apple.associate"] == 1
    assert ("told by notification" if told else "told by read") in str(scene.install()["trail"])


@pytest.mark.parametrize("what", ["request_lost", "gateway"])
def test_an_associate_that_was_never_done_is_asked_again_in_time(
    make_scene: MakeScene, what: str
) -> None:
    scene = make_scene(devices=2, apps=2, faults=[Fault("apple.associate", what)])  # type: ignore[arg-type]
    scene.apply()
    began = scene.world.now
    done(scene)
    assert scene.world.ledger.requests["apple.associate"] == 2
    assert scene.world.now - began > Policy().associate.in_doubt_wait
    assert scene.counters()["associate.missing"] == 4


def test_an_event_that_stays_pending_is_asked_again_when_apple_says_so(
    make_scene: MakeScene,
) -> None:
    scene = make_scene(devices=1, apps=1, faults=[Fault("apple.event", "stuck")])
    scene.apply()
    scene.run(lambda: scene.world.ledger.requests["apple.associate"] == 2)
    assert 600 <= scene.world.now - scene.install_made_at() <= 640, "ten minutes, not earlier"
    assert scene.world.ledger.requests["apple.status"] <= 21, "no more than every 30 seconds"
    assert scene.world.ledger.requests["apple.assignments"] >= 2, "it was looked for first"
    done(scene)


def test_a_command_that_the_server_lost_goes_out_again_as_itself(make_scene: MakeScene) -> None:
    scene = make_scene(devices=2, apps=2, faults=[Fault("mdm.command", "lose", match=INSTALL)])
    scene.apply()
    scene.run(lambda: any("IN_DOUBT" in state for state in scene.states()))
    done(scene)
    assert sum(len(p) for p in scene.world.ledger.installs_posted.values()) == 5
    assert all(len(each) == 1 for each in uuids(scene)), "each under one CommandUUID"


def test_an_answer_whose_webhook_was_lost_repeats_nothing(make_scene: MakeScene) -> None:
    fault = Fault("mdm.webhook", "drop", match="Installing", times=0)
    scene = make_scene(devices=2, apps=2, faults=[fault])
    scene.apply(scene.desired(named=True))
    done(scene)
    assert scene.counters()["command.in_doubt"] == 4
    assert sum(len(p) for p in scene.world.ledger.installs_posted.values()) == 4


def test_a_lost_question_is_asked_again(make_scene: MakeScene) -> None:
    scene = make_scene(devices=1, apps=1, faults=[Fault("mdm.command", "lose", match=LIST)])
    scene.apply()
    done(scene)


def test_a_reply_of_the_server_that_was_lost_repeats_nothing(make_scene: MakeScene) -> None:
    fault = Fault("mdm.command", "reply_lost", match=INSTALL, times=0)
    scene = make_scene(devices=2, apps=2, faults=[fault])
    scene.apply()
    done(scene)
    assert sum(len(p) for p in scene.world.ledger.installs_posted.values()) == 4


def test_a_request_that_never_reached_the_server_goes_out_again(make_scene: MakeScene) -> None:
    scene = make_scene(devices=1, apps=1, faults=[Fault("mdm.command", "request_lost")])
    scene.apply()
    done(scene)


def test_a_device_that_says_not_now_gets_its_app_later(make_scene: MakeScene) -> None:
    scene = make_scene(devices=1, apps=2, faults=[Fault("device", "not_now", match=INSTALL)])
    scene.apply()
    scene.run(lambda: "sent NOT_NOW" in scene.states())
    done(scene)
    assert all(len(each) == 1 for each in uuids(scene))


def test_a_licence_that_is_not_visible_yet_is_tried_again(make_scene: MakeScene) -> None:
    fault = Fault(
        "device", "error", match=INSTALL, times=5, number=9610, domain="ASDServerErrorDomain"
    )
    scene = make_scene(devices=1, apps=1, faults=[fault])
    scene.apply()
    scene.run(lambda: "licensed LICENSE_NOT_VISIBLE" in scene.states())
    scene.run(lambda: scene.world.ledger.requests["apple.assignments"] >= 2)
    done(scene, limit=3 * 3600)
    assert scene.install()["attempts"] == 6


def test_a_licence_that_is_never_visible_fails_alone(make_scene: MakeScene) -> None:
    scene = make_scene(devices=1, apps=2, policy=rarely())
    hopeless = scene.adam_ids[0]
    scene.world.faults.add(
        Fault("device", "error", match=f"{INSTALL} {hopeless}", times=0, number=12064,
              domain="MDMErrorDomain")
    )  # fmt: skip
    scene.apply()
    scene.run(lambda: scene.install(adam_id=scene.adam_ids[1])["state"] == "installed", 600)
    scene.run(lambda: "failed LICENSE_NEVER_VISIBLE" in scene.states(), limit=86400)
    attempts = 1 + len(Policy().install.license_retry)
    assert scene.install()["attempts"] == attempts
    posted = scene.world.ledger.requests["mdm.command"]
    scene.pass_time(5 * 86400)
    assert scene.install()["attempts"] == attempts, "no more without a person"
    assert scene.world.ledger.requests["mdm.command"] == posted


def test_a_device_that_enrols_anew_gets_its_apps_again_without_a_new_licence(
    make_scene: MakeScene,
) -> None:
    scene = make_scene(devices=2, apps=2)
    scene.apply()
    done(scene)
    scene.world.devices[0].reenrol(erased=True)
    scene.run(lambda: not scene.all_installed())
    done(scene)
    assert scene.world.ledger.requests["apple.associate"] == 1


def test_a_device_that_enrols_anew_in_the_middle_gets_everything(make_scene: MakeScene) -> None:
    scene = make_scene(devices=2, apps=3, install_time=60.0)
    scene.apply()
    scene.run(lambda: any(key.startswith("sent") for key in scene.states()))
    scene.world.devices[0].reenrol(erased=True)
    done(scene)


def test_while_the_mdm_server_is_down_things_wait_and_then_go_on(make_scene: MakeScene) -> None:
    scene = make_scene(devices=2, apps=2)
    scene.mdm_adapter.fail("refused", times=30)
    scene.apply(scene.wanted_for(scene.serials))
    scene.pass_time(120)
    assert set(scene.states()) == {"waiting NOT_ENROLLED"}
    done(scene, limit=6 * 3600)


def test_while_apple_is_down_things_wait_and_then_go_on(make_scene: MakeScene) -> None:
    fault = Fault("apple.client_config", "gateway", times=20, status=503)
    scene = make_scene(devices=2, apps=2, faults=[fault])
    scene.apply()
    done(scene, limit=6 * 3600)


def test_a_webhook_that_we_refused_has_the_queue_looked_at(make_scene: MakeScene) -> None:
    policy = Policy()
    policy = replace(policy, command=replace(policy.command, in_doubt_after=7200.0))
    fault = Fault("mdm.webhook", "drop", match="Installing")
    scene = make_scene(devices=1, apps=1, faults=[fault], policy=policy)
    scene.apply(scene.desired(named=True))
    scene.run(lambda: "sent COMMAND_SENT" in scene.states())
    scene.pass_time(30)
    assert "sent COMMAND_SENT" in scene.states(), "nothing is doubted for two hours"
    refused = scene.client.post(
        "/hooks/mdm/main", data=b"not json", headers={"Authorization": "Basic eDpob29rLXNlY3JldA=="}
    )
    assert refused.status_code == 400
    scene.run(scene.all_installed, limit=60)


def test_a_strangers_request_has_nothing_looked_at(make_scene: MakeScene) -> None:
    scene = make_scene(devices=1, apps=1)
    scene.apply()
    scene.run(lambda: "sent COMMAND_SENT" in scene.states())
    before = scene.world.ledger.requests["mdm.queue"]
    assert scene.client.post("/hooks/mdm/main", data=b"{}").status_code == 401
    scene.settle()
    assert scene.world.ledger.requests["mdm.queue"] == before


def test_a_licence_that_turns_up_while_it_is_collected_is_not_asked_for(
    make_scene: Callable[..., Scene],
) -> None:
    scene = make_scene(devices=1, apps=1)
    scene.pass_time(60)
    scene.apply()
    scene.settle()  # it is collected, and asked for two seconds later
    scene.world.apple.portal(scene.world.location, "ASSOCIATE", scene.adam_ids[0], scene.serials)
    scene.run(scene.all_installed)
    assert scene.world.ledger.requests["apple.associate"] == 0
    assert scene.world.ledger.violations() == []
