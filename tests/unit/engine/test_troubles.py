"""Troubles that a whole bridge meets with a simulated outside, each seen through to its end."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bridge.domain.policy import Policy
from bridge.simulator.devices import script
from bridge.simulator.faults import Fault
from bridge.store.licences import locations
from tests.flow.scene import MakeScene, Scene, scenes

INSTALL, LIST, INFO = "InstallApplication", "ManagedApplicationList", "DeviceInformation"
MINUTE, HOUR, DAY = 60.0, 3600.0, 86400.0


@pytest.fixture
def make_scene(tmp_path: Path) -> Iterator[MakeScene]:
    yield from scenes(tmp_path, devices=1, apps=1)


def done(scene: Scene, limit: float = HOUR) -> None:
    scene.run(scene.all_installed, limit)
    assert scene.world.missing(scene.world.everything()) == []
    assert scene.world.ledger.violations() == []


def posted(scene: Scene) -> int:
    """How many InstallApplications went out."""
    return sum(len(each) for each in scene.world.ledger.installs_posted.values())


def commands(scene: Scene) -> int:
    """How many commands of any kind went out."""
    return scene.world.ledger.requests["mdm.command"]


def policy(**groups: dict[str, Any]) -> Policy:
    """The default policy with some members changed."""
    changed = {name: replace(getattr(Policy(), name), **some) for name, some in groups.items()}
    return replace(Policy(), **changed)


CALM = policy(
    sync={
        "service_config_every": DAY,
        "client_config_every": DAY,
        "assets_every": DAY,
        "assignments_every": DAY,
        "changes_every": DAY,
        "devices_every": DAY,
    }
)
"""For tests that let days pass."""


def tell(scene: Scene, query: str) -> list[Any]:
    with scene.bridge.database.read() as db:
        return [row[0] for row in db.execute(query)]


@pytest.mark.parametrize("planned", ["error", "command_format_error"])
def test_a_device_that_would_not_list_its_apps_is_asked_ever_less(
    make_scene: MakeScene, planned: str
) -> None:
    scene = make_scene(policy=CALM)
    deed = (
        script.error("MCMDMErrorDomain", 12021, times=0, request_type=LIST)
        if planned == "error"
        else script.command_format_error(times=0, request_type=LIST)
    )
    scene.world.devices[0].script.add(deed)
    scene.apply()
    scene.pass_time(DAY)
    assert 5 < commands(scene) < 30
    assert scene.states() == {"licensed LIST_FIRST": 1}
    scene.world.devices[0].script = script.Script()
    done(scene, limit=2 * DAY)


def test_attempts_are_used_up_by_lists_that_say_failed(make_scene: MakeScene) -> None:
    scene = make_scene(policy=CALM)
    scene.world.devices[0].script.add(script.install_fails(times=0))
    scene.apply()
    scene.run(lambda: "failed ATTEMPTS_USED_UP" in scene.states(), limit=2 * DAY)
    attempts = 1 + len(Policy().install.license_retry)
    assert posted(scene) == scene.install()["attempts"] == attempts
    scene.pass_time(2 * DAY)
    assert posted(scene) == attempts


def test_a_failed_install_whose_answer_was_lost_too_is_tried_again(make_scene: MakeScene) -> None:
    fault = Fault("mdm.webhook", "drop", match="Installing")
    scene = make_scene(faults=[fault])
    scene.world.devices[0].script.add(script.install_fails())
    scene.apply(scene.desired(named=True))
    done(scene)


def test_a_wish_withdrawn_in_time_is_not_sent(make_scene: MakeScene) -> None:
    scene = make_scene(devices=1, apps=3, install_time=60.0, policy=CALM)
    scene.apply()
    scene.run(lambda: posted(scene) == 1)
    waiting = scene.states().get("sending COMMAND_READY")
    assert waiting == 2, "they stand in the device's line"
    scene.apply(replace(scene.desired(), apps=()))
    scene.pass_time(DAY)
    assert posted(scene) == 1
    assert {key.split()[0] for key in scene.states()} == {"removed"}


def test_a_wish_withdrawn_while_pairs_are_collected_costs_no_licence(
    make_scene: MakeScene,
) -> None:
    scene = make_scene(devices=2, policy=CALM)
    scene.apply()
    scene.run(lambda: "associating ASSOCIATE_COLLECTING" in scene.states())
    scene.apply(replace(scene.desired(), apps=()))
    scene.pass_time(DAY)
    assert scene.world.ledger.requests["apple.associate"] == 0
    scene.apply()
    done(scene)


def test_nothing_is_asked_at_a_location_that_was_taken_over(make_scene: MakeScene) -> None:
    scene = make_scene(devices=2)
    scene.apple_adapter.fail("refused", times=9, call="POST /mdm/v2/assets/associate")
    scene.apply()
    scene.run(lambda: scene.counters().get("apple.retried", 0) == 1)
    with scene.bridge.database.write() as db:
        locations.update(db, "hq", suspended="FOREIGN_MDM", suspended_detail="somebody")
        db.execute("UPDATE schedule SET next_at = next_at + 86400")
    scene.pass_time(2 * HOUR)
    assert scene.world.ledger.requests["apple.associate"] == 0
    assert scene.states() == {"waiting FOREIGN_MDM": 2}


def test_nobody_is_registered_at_a_location_that_was_taken_over(make_scene: MakeScene) -> None:
    scene = make_scene()
    scene.apple_adapter.fail("refused", times=9, call="POST /mdm/v2/client/config")
    scene.apply()
    scene.run(lambda: scene.counters().get("apple.retried", 0) >= 1)
    scene.apple_adapter._faults.clear()
    with scene.bridge.database.write() as db:
        locations.update(db, "hq", suspended="FOREIGN_MDM", suspended_detail="somebody")
        db.execute("UPDATE schedule SET next_at = next_at + 86400")
    scene.pass_time(2 * HOUR)
    assert scene.world.ledger.requests["apple.set_client_config"] == 0


def test_two_apps_of_one_device_are_both_looked_up(make_scene: MakeScene) -> None:
    fault = Fault(
        "device", "error", match=INSTALL, times=2, number=9610, domain="ASDServerErrorDomain"
    )
    scene = make_scene(apps=2, faults=[fault], policy=policy(install={"max_open_per_device": 2}))
    scene.apply(scene.desired(named=True))
    scene.run(lambda: scene.states() == {"licensed LICENSE_NOT_VISIBLE": 2})
    scene.pass_time(5)
    waits = tell(
        scene,
        "SELECT a.read_at - c.answered_at FROM commands c JOIN installs i ON i.id = c.install_id "
        "JOIN assignments a ON a.target = i.target AND a.adam_id = i.adam_id",
    )
    assert len(waits) == 2
    assert min(waits) >= 0, "each was read after its device's answer"
    done(scene)


def test_a_colleagues_work_in_the_portal_confirms_only_itself(make_scene: MakeScene) -> None:
    scene = make_scene(devices=3, faults=[Fault("apple.associate", "request_lost")])
    scene.apply()
    scene.run(lambda: scene.states() == {"associating ASSOCIATE_IN_DOUBT": 3})
    scene.world.apple.portal(
        scene.world.location, "ASSOCIATE", scene.adam_ids[0], [scene.serials[0]]
    )
    scene.pass_time(5 * MINUTE)
    states = {install["serial_number"]: install["state"] for install in scene.installs()}
    assert states.pop(scene.serials[0]) == "installed"
    assert set(states.values()) == {"associating"}, "Apple never got those"
    done(scene)


@pytest.mark.parametrize("question", [LIST, INFO])
def test_a_parked_question_that_the_server_forgot_is_asked_again(
    make_scene: MakeScene, question: str
) -> None:
    scene = make_scene()
    device = scene.world.devices[0]
    device.script.add(script.not_now(request_type=question))
    scene.apply()
    scene.run(lambda: "not_now" in tell(scene, "SELECT state FROM commands"))
    scene.world.mdm.clear(device.udid)
    done(scene, limit=3 * HOUR)


def test_a_parked_install_holds_no_new_enrolment_up(make_scene: MakeScene) -> None:
    scene = make_scene()
    device = scene.world.devices[0]
    device.script.add(script.not_now())
    scene.apply()
    scene.run(lambda: "sent NOT_NOW" in scene.states())
    device.reenrol(erased=True)
    done(scene, limit=5 * MINUTE)


def test_an_app_on_its_way_stays_unconfirmed_once_it_is(make_scene: MakeScene) -> None:
    scene = make_scene(policy=CALM)
    scene.world.devices[0].script.add(script.installs_for_ever())
    scene.apply(scene.desired(named=True))
    scene.run(lambda: "acknowledged ACKNOWLEDGED" in scene.states())
    began = scene.world.now
    scene.run(lambda: "unconfirmed NOT_SEEN" in scene.states(), limit=2 * DAY)
    assert scene.world.now - began == pytest.approx(DAY, abs=MINUTE), "as the contract says"
    assert scene.install()["state"] == "unconfirmed", "the explanation agrees"
    for _ in range(4):
        scene.pass_time(2 * DAY)
        assert scene.states() == {"unconfirmed NOT_SEEN": 1}
        assert scene.install()["state"] == "unconfirmed"


def test_a_failure_ends_with_another_wish(make_scene: MakeScene) -> None:
    scene = make_scene()
    scene.world.devices[0].script.add(script.error("MDMErrorDomain", 12031))
    scene.apply()
    scene.run(lambda: "failed DEVICE_REFUSED" in scene.states())
    scene.pass_time(1)
    scene.apply()
    scene.settle()
    assert "failed DEVICE_REFUSED" in scene.states(), "the same wish is no news"
    scene.apply(scene.desired(prevent_backup=True))
    done(scene)


def test_a_window_of_one_is_slow_but_no_end(make_scene: MakeScene) -> None:
    scene = make_scene(devices=4, apps=2, policy=policy(command={"window": 1}))
    scene.apply()
    done(scene)
    assert scene.world.ledger.requests["mdm.queue"] <= commands(scene) * 2


def test_status_is_not_asked_more_often_while_apple_is_ill(make_scene: MakeScene) -> None:
    faults = [
        Fault("apple.notification", "drop", match="ASSET_MANAGEMENT", times=0),
        Fault("apple.status", "gateway", times=0, status=503, retry_after=600.0),
    ]
    scene = make_scene(faults=faults)
    scene.apply()
    scene.run(lambda: "associating ASSOCIATE_REQUESTED" in scene.states())
    scene.pass_time(HOUR)
    assert 1 <= scene.world.ledger.requests["apple.status"] <= 8


def test_a_batch_that_is_too_large_is_cut_smaller(make_scene: MakeScene) -> None:
    faults = [Fault("apple.associate", "error", number=9702, times=2)]
    scene = make_scene(devices=8, faults=faults)
    scene.apply()
    done(scene)
    assert scene.world.ledger.requests["apple.associate"] <= 6
