"""Invitations that devices show: who is invited where, who is not and why, and what comes of it."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from bridge.config import ApiConfig
from bridge.domain.users.wish import UserWish
from bridge.simulator.apple.http import apple_app
from bridge.simulator.devices import script
from bridge.simulator.faults import Fault
from tests.flow.cli_kit import Shell
from tests.flow.scene import API_KEY, Scene
from tests.flow.test_users_shown import READ_KEY, headers
from tests.flow.user_kit import wish
from tests.flow.users_kit import active, apples, known

MakeScene = Callable[..., Scene]
ANN = "client-1"
BYOD = "BYOD-0001"
DAY = 86400.0


def invited(scene: Scene, *names: str, code: int = 0) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = Shell(scene).json("users", "invite", *names, code=code)[
        "invitations"
    ]
    return found


def registered(make_scene: MakeScene, user: UserWish | None = None, **options: Any) -> Scene:
    """A scene whose devices are Ann's, and Ann is registered."""
    scene = make_scene(**{"devices": 1, "apps": 1, "macs": 0, "enrol": False} | options)
    scene.world.enrol_all()
    scene.pass_time(5)
    ann = user or UserWish(ANN, serials=tuple(scene.serials))
    scene.apply(wish(scene, [ann]))
    scene.run(lambda: ANN in apples(scene) and ANN in known(scene))
    scene.pass_time(120)
    return scene


def test_a_phone_shows_the_invitation_and_its_user_accepts(
    make_scene: MakeScene, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    scene = registered(make_scene)
    said = Shell(scene).run("users", "invite", ANN)
    assert (said.exit_code, said.stdout) == (
        0,
        f"User {ANN} is invited on {scene.serials[0]}, which shows it when it next connects.\n",
    )
    (device,) = scene.world.devices
    scene.run(lambda: bool(device.invitations))
    scene.pass_time(5)
    code = active(scene, ANN).invite_code
    assert code in device.invitations[0]
    (user,) = Shell(scene).json("users")["users"]
    assert user["invitation"] == f"shown on {scene.serials[0]}" and user["invited_at"]
    assert apple_app(scene.world).test_client().get(device.invitations[0]).status_code == 200
    scene.run(scene.all_installed)
    assert scene.received("InviteToProgram") == 1
    assert code not in caplog.text
    (again,) = invited(scene, ANN)
    assert (again["outcome"], again["invitation_url"]) == ("not_needed", None)
    assert "tied to an Apple Account at hq already" in again["sentence"]


def test_a_mac_shows_it_on_its_user_s_channel(make_scene: MakeScene) -> None:
    scene = registered(make_scene, macs=1, traits={"user_id": "U-1"})
    scene.run(lambda: invited(scene, ANN)[0]["outcome"] == "sent")
    scene.run(lambda: bool(scene.world.devices[0].invitations))


def test_a_mac_without_a_user_cannot(make_scene: MakeScene) -> None:
    scene = registered(make_scene, macs=1)
    (found,) = invited(scene, ANN, code=1)
    assert (found["outcome"], found["device"]) == ("no_device", None)
    assert "no user of this Mac is known" in found["sentence"]
    assert active(scene, ANN).invite_code in found["invitation_url"], "the link is handed over"
    scene.pass_time(3600)
    assert scene.received("InviteToProgram") == 0


def test_a_user_enrolment_shows_none(make_scene: MakeScene) -> None:
    ann = UserWish(ANN, enrollment_ids=(BYOD,))
    scene = registered(make_scene, ann, traits={"enrollment_id": BYOD})
    said = Shell(scene).run("users", "invite", ANN)
    assert said.exit_code == 1
    assert f"({BYOD}: a user enrolment shows no invitation)." in said.stdout
    assert f"inviteCode={active(scene, ANN).invite_code}" in said.stdout
    scene.pass_time(3600)
    assert scene.received("InviteToProgram") == 0


def test_not_now_waits_and_the_invitation_comes_again(make_scene: MakeScene) -> None:
    scene = registered(make_scene)
    (device,) = scene.world.devices
    device.script.add(script.not_now(times=3, request_type="InviteToProgram"))
    invited(scene, ANN)
    scene.run(lambda: scene.received("InviteToProgram") >= 1)
    scene.pass_time(5)
    (user,) = Shell(scene).json("users")["users"]
    assert user["invitation"] == f"waits until {device.serial_number} can show it"
    (again,) = invited(scene, ANN)
    assert again["outcome"] == "under_way" and again["invitation_url"]
    scene.run(lambda: bool(device.invitations), DAY)
    assert len(device.invitations) == 1


def test_nobody_is_invited_more_often_than_the_policy_says(make_scene: MakeScene) -> None:
    scene = registered(make_scene)
    (device,) = scene.world.devices
    invited(scene, ANN)
    scene.run(lambda: bool(device.invitations))
    scene.pass_time(5)
    (found,) = invited(scene, ANN, code=1)
    assert found["outcome"] == "too_soon" and found["invitation_url"] == device.invitations[0]
    assert "policy.users.invite_again" in found["sentence"]
    scene.pass_time(DAY)
    (found,) = invited(scene, ANN)
    assert found["outcome"] == "sent"
    scene.run(lambda: len(device.invitations) == 2)


def test_what_a_device_says_against_it_is_told(make_scene: MakeScene) -> None:
    scene = registered(make_scene)
    (device,) = scene.world.devices
    device.script.add(script.error("MCMDMErrorDomain", 12021, request_type="InviteToProgram"))
    invited(scene, ANN)
    scene.run(lambda: scene.received("InviteToProgram") == 1)
    scene.pass_time(5)
    (user,) = Shell(scene).json("users")["users"]
    assert "did not show it: Error" in user["invitation"] and "12021" in user["invitation"]
    (found,) = invited(scene, ANN, code=1)
    assert found["outcome"] == "too_soon" and found["invitation_url"]
    assert "did not show it" in found["sentence"]


def test_a_device_that_has_not_told_what_it_is_is_asked(make_scene: MakeScene) -> None:
    scene = make_scene(devices=1, apps=1, macs=0)
    scene.apply(wish(scene, [UserWish(ANN, serials=tuple(scene.serials))]))
    scene.pass_time(300)
    (found,) = invited(scene, ANN, code=1)
    assert found["outcome"] == "no_device" and "is asked now" in found["sentence"]
    scene.pass_time(60)
    assert invited(scene, ANN)[0]["outcome"] == "sent"
    scene.run(lambda: bool(scene.world.devices[0].invitations))


def test_who_has_a_managed_apple_account_needs_none(make_scene: MakeScene) -> None:
    scene = make_scene(devices=1, apps=1, macs=0)
    ann = UserWish(ANN, managed_apple_id="ann@mid.example.org", serials=tuple(scene.serials))
    scene.apply(wish(scene, [ann]))
    (found,) = invited(scene, ANN)
    assert found["outcome"] == "not_needed" and "Managed Apple Account" in found["sentence"]
    scene.run(scene.all_installed)
    assert scene.received("InviteToProgram") == 0


def test_who_is_unknown_is_no_user(make_scene: MakeScene) -> None:
    scene = registered(make_scene)
    said = Shell(scene).run("users", "invite", ANN, "client-11")
    assert (said.exit_code, said.stdout) == (2, "")
    assert f"user client-11 is unknown; did you mean {ANN}" in said.stderr
    scene.pass_time(600)
    assert scene.received("InviteToProgram") == 0, "then nobody is invited"


@pytest.mark.parametrize("scope", ["all", "location", "serial"])
def test_nothing_is_sent_while_it_is_paused(make_scene: MakeScene, scope: str) -> None:
    scene = registered(make_scene)
    names = {"all": "", "location": "hq", "serial": scene.serials[0]}
    scene.bridge.pause(scope, names[scope])  # type: ignore[arg-type]
    (found,) = invited(scene, ANN, code=1)
    assert found["outcome"] == "paused" and "vpp-bridge resume" in found["sentence"]
    scene.pass_time(600)
    assert scene.received("InviteToProgram") == 0
    scene.bridge.resume(scope, names[scope])  # type: ignore[arg-type]
    assert invited(scene, ANN)[0]["outcome"] == "sent"


def test_a_pause_holds_what_has_not_left(make_scene: MakeScene) -> None:
    scene = registered(make_scene)
    invited(scene, ANN)
    scene.bridge.pause("all", "")
    scene.pass_time(600)
    assert scene.received("InviteToProgram") == 0
    scene.bridge.resume("all", "")
    scene.run(lambda: bool(scene.world.devices[0].invitations))


def test_one_that_is_lost_is_told_and_can_be_sent_again(make_scene: MakeScene) -> None:
    scene = registered(make_scene)
    scene.world.faults.add(Fault("mdm.command", "request_lost"))
    invited(scene, ANN)
    scene.pass_time(3600)
    (device,) = scene.world.devices
    assert not device.invitations
    (user,) = Shell(scene).json("users")["users"]
    assert user["invitation"] == f"no answer of {device.serial_number}"
    assert invited(scene, ANN)[0]["outcome"] == "sent"
    scene.run(lambda: bool(device.invitations))


def test_why_names_the_link_and_the_command(
    make_scene: MakeScene, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    scene = registered(make_scene)
    scene.config = replace(scene.config, api=ApiConfig(API_KEY, READ_KEY))
    scene.restart()
    pair = scene.serials[0], scene.adam_ids[0]
    said = Shell(scene).run("why", *pair)
    code = active(scene, ANN).invite_code
    assert said.exit_code == 1
    assert f"vpp-bridge users invite {ANN}" in said.stdout
    assert f"inviteCode={code}" in said.stdout
    told = Shell(scene).json("why", *pair, code=1)
    assert code in told["invitation_url"]
    path = "/v1/installs/" + "/".join(pair)
    read = {key: scene.client.get(path, headers=headers(key)).json for key in (API_KEY, READ_KEY)}
    assert read[API_KEY]["invitation_url"] == told["invitation_url"]
    assert read[READ_KEY] == read[API_KEY] | {"invitation_url": None}
    assert code not in scene.client.get("/v1/installs", headers=headers(API_KEY)).text
    assert code not in caplog.text
    apples(scene).accept(ANN)
    scene.run(scene.all_installed)
    assert Shell(scene).json("why", *pair)["invitation_url"] is None


def test_the_api_invites_too(make_scene: MakeScene) -> None:
    scene = registered(make_scene)
    answer = scene.client.post(f"/v1/users/{ANN}/invite", json={}, headers=headers(API_KEY))
    (found,) = answer.json["invitations"]
    assert (answer.status_code, found["outcome"], found["device"]) == (
        200,
        "sent",
        scene.serials[0],
    )
    scene.run(lambda: bool(scene.world.devices[0].invitations))
    answer = scene.client.post("/v1/users/client-11/invite", json={}, headers=headers(API_KEY))
    assert (answer.status_code, answer.json["error"]) == (
        404,
        f"User client-11 is unknown; did you mean {ANN}.",
    )
