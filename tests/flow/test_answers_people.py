"""What people at devices say, or do not: asked again twice, never in quiet hours."""

import json
from base64 import b64encode
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from bridge.domain.policy import DAY, HOUR, PromptsPolicy
from bridge.simulator import templates
from bridge.simulator.devices import script
from bridge.simulator.devices.script import Script
from tests.flow.kit import installs_sent, is_in
from tests.flow.scene import WEBHOOK_KEY, Scene, rarely

MakeScene = Callable[..., Scene]

BERLIN = ZoneInfo("Europe/Berlin")
AT_NIGHT = replace(
    rarely(), prompts=PromptsPolicy(quiet_hours="08:30-20:00"), time_zone="Europe/Berlin"
)
"""Somebody's night shift: worlds begin at 09:00 in Berlin, so a day later it is quiet."""

LOGIN = ("MDMErrorDomain", 12040)
NO = ("MDMErrorDomain", 12063)
REFUSALS = {
    "a list says that they said no": (script.user_rejected(times=0), "USER_REJECTED"),
    "the answer says that they said no": (script.error(*NO, times=0), "USER_REJECTED"),
    "nobody is signed in": (script.error(*LOGIN, times=0), "LOGIN_REQUIRED"),
    "nobody answers": (script.prompting(times=0), "PROMPT_UNANSWERED"),
}


def sent_at(scene: Scene) -> list[datetime]:
    """When the first device got an install, by the clock in Berlin."""
    return [
        datetime.fromtimestamp(received.at, BERLIN)
        for received in scene.world.devices[0].received
        if received.request_type == "InstallApplication"
    ]


@pytest.mark.slow
@pytest.mark.parametrize("refusal", REFUSALS)
def test_people_are_asked_again_twice_outside_quiet_hours(
    make_scene: MakeScene, refusal: str
) -> None:
    deed, reason = REFUSALS[refusal]
    scene = make_scene(devices=1, apps=1, macs=0, policy=AT_NIGHT)
    scene.world.devices[0].script.add(deed)
    scene.apply(scene.desired(named=True))
    scene.run(is_in(scene, f"needs_user {reason}"), limit=2 * HOUR)
    assert installs_sent(scene) == 1
    why = scene.install()
    assert "asked again at 2027-01-16 20:00 CET" in why["detail"]
    if deed.deed != "prompting":  # there the device is asked whether they answered, before
        assert why["next_check_at"] == why["explanation"]["next_at"] == "2027-01-16T19:00:00.000Z"
    assert why["explanation"]["who_must_act"] == "somebody at the device"
    scene.pass_time(40 * DAY)
    first, second, third = sent_at(scene)
    assert [(t.day, t.hour) for t in (second, third)] == [(16, 20), (19, 20)]
    assert (first.day, first.hour) == (15, 9), "a first install is not held to quiet hours"
    assert scene.states() == {f"needs_user {reason}": 1}
    assert "not asked again" in scene.install()["detail"]


@pytest.mark.parametrize("refusal", REFUSALS)
def test_they_may_say_yes_the_second_time(make_scene: MakeScene, refusal: str) -> None:
    deed, reason = REFUSALS[refusal]
    scene = make_scene(devices=1, apps=2, macs=0, policy=rarely())
    refused = scene.adam_ids[0]
    scene.world.devices[0].script.add(replace(deed, times=1, adam_id=refused))
    scene.apply(scene.desired(named=True))
    on_its_own = {f"needs_user {reason}": 1, "installed INSTALLED": 1}
    scene.run(lambda: scene.states() == on_its_own, limit=2 * HOUR)
    scene.run(scene.all_installed, limit=2 * DAY)
    assert installs_sent(scene) == 3
    assert scene.world.ledger.violations() == []


def test_a_person_can_have_them_asked_again_at_once(make_scene: MakeScene) -> None:
    scene = make_scene(devices=1, apps=1, macs=0, policy=AT_NIGHT)
    scene.world.devices[0].script.add(script.error(*NO))
    scene.apply()
    scene.run(is_in(scene, "needs_user USER_REJECTED"), limit=HOUR)
    scene.pass_time(1)
    scene.bridge.retry()
    scene.run(scene.all_installed, limit=60)


def test_a_prompt_that_is_accepted_late_is_no_matter_for_anybody(make_scene: MakeScene) -> None:
    scene = make_scene(devices=1, apps=1, macs=0, policy=rarely())
    (device,), (adam_id,) = scene.world.devices, scene.adam_ids
    device.script.add(script.prompting())
    scene.apply(scene.desired(named=True))
    scene.run(is_in(scene, "installing PROMPTING"), limit=60)
    scene.run(is_in(scene, "needs_user PROMPT_UNANSWERED"), limit=1.2 * HOUR)
    device.answer_prompt(adam_id, accept=True)
    scene.run(scene.all_installed, limit=3 * HOUR)
    assert installs_sent(scene) == 1


def test_waits_for_a_licence_do_not_use_up_the_questions(make_scene: MakeScene) -> None:
    scene = make_scene(devices=1, apps=1, macs=0, policy=rarely())
    device = scene.world.devices[0]
    device.script.add(script.error("MDMErrorDomain", 12064, times=3), script.error(*NO, times=2))
    scene.apply(scene.desired(named=True))
    scene.run(is_in(scene, "needs_user USER_REJECTED"), limit=HOUR)
    scene.run(scene.all_installed, limit=6 * DAY)
    assert installs_sent(scene) == 6


@pytest.mark.slow
def test_a_device_that_is_busy_for_long_is_nudged_ever_less(make_scene: MakeScene) -> None:
    scene = make_scene(devices=1, apps=1, macs=0, policy=rarely())
    scene.world.devices[0].script.add(script.not_now(times=0))
    scene.world.devices[0].not_now_rest = 1000 * DAY
    scene.apply()
    scene.run(is_in(scene, "sent NOT_NOW"), limit=60)
    began, pushes = scene.world.now, scene.world.ledger.requests["mdm.push"]
    scene.run(is_in(scene, "needs_user NOT_NOW_FOR_LONG"), limit=8 * DAY)
    assert scene.world.now - began == pytest.approx(7 * DAY, abs=60)
    first_week = scene.world.ledger.requests["mdm.push"] - pushes
    assert 6 <= first_week <= 14, "doubling gaps, then one a day"
    scene.pass_time(70 * DAY)
    later = scene.world.ledger.requests["mdm.push"] - pushes - first_week
    assert 9 <= later <= 11, "one a week"
    assert installs_sent(scene) == first_week + later + 1, "the same command, offered again"
    scene.world.devices[0].script = Script()
    scene.run(scene.all_installed, limit=8 * DAY)


def test_what_a_user_channel_answers_is_not_the_devices_word(make_scene: MakeScene) -> None:
    scene = make_scene(devices=1, apps=1, macs=1, traits={"user_id": "USER-1"})
    device = scene.world.devices[0]
    device.script.add(script.silent(times=0))
    scene.apply()
    scene.run(lambda: scene.states() == {"sent COMMAND_SENT": 1}, limit=60)
    with scene.bridge.database.read() as db:
        (uuid,) = db.execute(
            "SELECT command_uuid FROM commands WHERE request_type = 'InstallApplication'"
        ).fetchone()
    for user_id in ("USER-1", "FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFF"):
        for status in ("Acknowledged", "Error", "NotNow", "CommandFormatError"):
            assert _connect(scene, uuid, user_id, status) == 200
    scene.settle()
    assert scene.states() == {"sent COMMAND_SENT": 1}
    assert _connect(scene, uuid, "", "Error") == 200
    scene.settle()
    assert scene.states() == {"licensed RETRY_LATER": 1}, "the device's own word does count"


def _connect(scene: Scene, command_uuid: str, user_id: str, status: str) -> int:
    """Post what a MicroMDM makes of an answer of the first device, on one of its channels."""
    device = scene.world.devices[0]
    user = templates.string("UserID", user_id)
    payload = templates.answer(device, command_uuid, status, user)
    number = len(scene.bridge.list_events(limit=1000).items)
    webhook = {
        "topic": "mdm.Connect",
        "event_id": f"00000000-0000-4000-8000-{number:012}",
        "created_at": datetime.fromtimestamp(scene.world.now, UTC).isoformat(),
        "acknowledge_event": {
            "udid": device.udid,
            "status": status,
            "command_uuid": command_uuid,
            "raw_payload": b64encode(payload).decode(),
        },
    }
    answer = scene.client.post(
        "/hooks/mdm/main", data=json.dumps(webhook), auth=("mdm", WEBHOOK_KEY)
    )
    return answer.status_code
