"""`retry`: what stopped goes on, and nothing else does."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from bridge.cli import show
from bridge.domain.policy import AssociatePolicy, InstallPolicy, Policy, VerifyPolicy
from bridge.simulator.devices import script
from bridge.simulator.devices.device import Device
from bridge.simulator.faults import Fault
from tests.flow.cli_kit import Shell
from tests.flow.scene import Scene

MakeScene = Callable[..., Scene]

POLICY = replace(
    Policy(),
    associate=AssociatePolicy(taken_retry=()),
    install=InstallPolicy(license_retry=(20.0,), not_now_at_most=7200.0),
    verify=VerifyPolicy(installed_every=600.0),
)
"""Patience that ends soon."""


def lacks_its_licence(scene: Scene, device: Device) -> None:
    device.script.add(script.error("ASDServerErrorDomain", 9610, times=2))


def says_no(scene: Scene, device: Device) -> None:
    device.script.add(script.user_rejected())


def breaks_down(scene: Scene, device: Device) -> None:
    device.script.add(script.install_fails(times=2))


def wants_a_login(scene: Scene, device: Device) -> None:
    device.script.add(script.error("MCMDMErrorDomain", 12040))


def has_a_copy(scene: Scene, device: Device) -> None:
    for adam_id in scene.adam_ids:
        device.user_installs(adam_id)


def loses_its_licence(scene: Scene, device: Device) -> None:
    scene.apply()
    scene.run(scene.all_installed)
    for adam_id in scene.adam_ids:
        scene.world.apple.portal(
            scene.world.location, "DISASSOCIATE", adam_id, [device.serial_number]
        )


def deletes_the_app(scene: Scene, device: Device) -> None:
    scene.apply()
    scene.run(scene.all_installed)
    for adam_id in scene.adam_ids:
        device.user_deletes(adam_id)


STOPPED = {
    "failed LICENSE_NEVER_VISIBLE": lacks_its_licence,
    "failed ATTEMPTS_USED_UP": breaks_down,
    "needs_user USER_REJECTED": says_no,
    "needs_user LOGIN_REQUIRED": wants_a_login,
    "needs_user TAKEN_AWAY": loses_its_licence,
    "needs_user APP_DELETED": deletes_the_app,
    "conflict UNMANAGED_COPY": has_a_copy,
}


@pytest.fixture
def stop(make_scene: MakeScene) -> Callable[..., Shell]:
    """A shell on a scene whose only device came to this end."""

    def stopped(end: str, **options: Any) -> Shell:
        scene = make_scene(**{"devices": 1, "apps": 1, "macs": 0, "policy": POLICY} | options)
        STOPPED[end](scene, scene.world.devices[0])
        scene.apply()
        scene.run(lambda: scene.states() == {end: 1}, limit=2 * 86400)
        scene.pass_time(1)
        return Shell(scene)

    return stopped


def uuids(scene: Scene) -> list[str]:
    """The CommandUUIDs of all installs that were posted, in their order."""
    posted = [each for some in scene.world.ledger.installs_posted.values() for each in some]
    return [each.command_uuid for each in posted]


@pytest.mark.parametrize("end", STOPPED)
def test_what_stopped_goes_on(stop: Callable[..., Shell], end: str) -> None:
    shell = stop(end)
    scene = shell.scene
    scene.pass_time(3600)
    assert scene.states() == {end: 1}, "not by itself"
    before = uuids(scene)
    if end == "conflict UNMANAGED_COPY":
        scene.world.devices[0].user_deletes(scene.adam_ids[0])
    result = shell.run("retry", "--serial", scene.serials[0])
    assert (result.exit_code, result.stderr) == (0, "")
    device = f"device Device 1 ({scene.serials[0]})"
    assert f"1 install on {device} got another round." in result.stdout
    scene.run(scene.all_installed)
    assert scene.world.missing(scene.world.everything()) == []
    assert scene.world.ledger.violations() == []
    after = uuids(scene)
    assert len(set(after)) == len(after), "no CommandUUID is used again"
    if end == "needs_user TAKEN_AWAY":
        assert after == before, "the app was there all the time"
    else:
        assert len(after) == len(before) + 1
        assert f"attempt 1 decided in {after[-1]}" in trail(scene), "counted anew"


def trail(scene: Scene) -> list[str]:
    steps = scene.install()["trail"]
    return [f"{step['step']} in {step.get('command_uuid')}" for step in steps]


def test_what_fails_again_has_as_many_attempts_as_before(stop: Callable[..., Shell]) -> None:
    shell = stop("failed LICENSE_NEVER_VISIBLE")
    scene = shell.scene
    lacks_its_licence(scene, scene.world.devices[0])
    assert shell.json("retry", "--yes")["retried"] == 1
    scene.run(lambda: "licensed LICENSE_NOT_VISIBLE" in scene.states())
    scene.run(lambda: scene.states() == {"failed LICENSE_NEVER_VISIBLE": 1})
    assert scene.install()["attempts"] == 4


@pytest.mark.slow
def test_not_now_is_waited_for_once_more(make_scene: MakeScene) -> None:
    scene = make_scene(devices=1, apps=1, policy=POLICY)
    (device,) = scene.world.devices
    device.script.add(script.not_now(times=0))
    shell = Shell(scene)
    scene.apply()
    scene.run(lambda: scene.states() == {"needs_user NOT_NOW_FOR_LONG": 1}, limit=86400)
    scene.pass_time(1)
    assert shell.json("retry", "--app", scene.adam_ids[0])["retried"] == 1
    scene.settle()
    assert scene.states() == {"sent NOT_NOW": 1}
    device.script = script.Script()
    scene.run(scene.all_installed)
    assert len(set(uuids(scene))) == 1, "it waited in the MDM server's queue all the time"


def test_only_what_stopped_is_touched(make_scene: MakeScene) -> None:
    scene = make_scene(devices=4, apps=1, macs=0, policy=POLICY)
    well, no, login, away = scene.world.devices
    says_no(scene, no)
    wants_a_login(scene, login)
    away.go_offline()
    shell = Shell(scene)
    scene.apply()
    ends = {
        "installed INSTALLED": 1,
        "needs_user USER_REJECTED": 1,
        "needs_user LOGIN_REQUIRED": 1,
        "licensed FACTS_FIRST": 1,
    }
    scene.run(lambda: scene.states() == ends)
    before = {each["serial_number"]: dict(each) for each in scene.installs()}
    posted = len(uuids(scene))
    scene.pass_time(60)

    assert shell.json("retry", "--serial", well.serial_number)["retried"] == 0
    assert shell.json("retry", "--yes") == {
        "retried": 2,
        "reasons": [
            {"state": "needs_user", "reason": "LOGIN_REQUIRED", "count": 1},
            {"state": "needs_user", "reason": "USER_REJECTED", "count": 1},
        ],
    }
    scene.run(lambda: scene.states().get("installed INSTALLED") == 3)
    after = {each["serial_number"]: dict(each) for each in scene.installs()}
    for device in (well, away):
        serial = device.serial_number
        assert after[serial]["updated_at"] == before[serial]["updated_at"]
        assert after[serial]["attempts"] == before[serial]["attempts"]
    assert len(uuids(scene)) == posted + 2


def test_what_is_not_wanted_any_more_has_no_other_round(make_scene: MakeScene) -> None:
    fault = Fault("apple.disassociate", "error", number=9706, times=0)
    scene = make_scene(devices=1, apps=1, faults=[fault])
    scene.apply(scene.desired(on_unwanted="release"))
    scene.run(scene.all_installed)
    scene.apply(replace(scene.desired(), apps=()))
    scene.run(lambda: scene.states() == {"failed NOT_REVOCABLE": 1})
    assert Shell(scene).json("retry", "--yes") == {"retried": 0, "reasons": []}


def test_one_app_or_one_device(make_scene: MakeScene) -> None:
    scene = make_scene(devices=2, apps=2, macs=0)
    for device in scene.world.devices:
        device.script.add(script.error("MCMDMErrorDomain", 12040, times=2))
    shell = Shell(scene)
    scene.apply()
    scene.run(lambda: scene.states() == {"needs_user LOGIN_REQUIRED": 4})
    scene.pass_time(1)
    serial, app = scene.serials[0], scene.adam_ids[0]
    assert shell.json("retry", "--serial", serial, "--app", app)["retried"] == 1
    scene.run(lambda: scene.states().get("installed INSTALLED") == 1)
    assert scene.install(serial, app)["state"] == "installed"
    assert shell.json("retry", "--app", app)["retried"] == 1
    scene.run(lambda: scene.states().get("installed INSTALLED") == 2)
    assert shell.json("retry", "--serial", serial.lower())["retried"] == 1
    scene.run(lambda: scene.states().get("installed INSTALLED") == 3)
    assert scene.install(scene.serials[1], scene.adam_ids[1])["state"] == "needs_user"


def test_it_shows_what_it_takes_up(stop: Callable[..., Shell]) -> None:
    shell = stop("needs_user LOGIN_REQUIRED")
    result = shell.run("retry", "--yes")
    assert result.exit_code == 0
    assert "needs_user  LOGIN_REQUIRED         1" in result.stdout
    assert result.stdout.endswith("\n1 install got another round.\n")


@pytest.mark.parametrize(("answer", "code"), [("y\n", 0), ("n\n", 1), ("\n", 1)])
def test_everything_is_asked_for_on_a_terminal(
    stop: Callable[..., Shell], answer: str, code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    shell = stop("needs_user LOGIN_REQUIRED")
    monkeypatch.setattr(show, "can_ask", lambda: True)
    result = shell.run("retry", answer=answer)
    assert result.exit_code == code
    assert "Give all of these another round? [y/N]" in result.stderr
    shell.scene.settle()
    assert (shell.scene.install()["state"] == "needs_user") == (code == 1)
    assert ("nothing was retried" in result.stderr) == (code == 1)


def test_without_a_terminal_everything_needs_a_yes(stop: Callable[..., Shell]) -> None:
    shell = stop("needs_user LOGIN_REQUIRED")
    result = shell.run("retry")
    assert result.exit_code == 2
    assert result.stderr.startswith("nothing was retried: say --yes")
    assert shell.run("retry", "--json").exit_code == 2
    shell.scene.settle()
    assert shell.scene.install()["state"] == "needs_user"


def test_nothing_to_retry(make_scene: MakeScene) -> None:
    scene = make_scene(devices=1, apps=1)
    shell = Shell(scene)
    scene.apply()
    scene.settle()
    for arguments in (["retry"], ["retry", "--serial", scene.serials[0]]):
        result = shell.run(*arguments)
        assert (result.exit_code, result.stderr) == (0, "")
        assert result.stdout.startswith("Nothing to retry")


@pytest.mark.parametrize(
    ("option", "value", "said"),
    [("--serial", "NOBODY", "device NOBODY is unknown"), ("--app", "5", "app 5 is unknown")],
)
def test_a_slip_of_the_pen_is_told(
    make_scene: MakeScene, option: str, value: str, said: str
) -> None:
    shell = Shell(make_scene(devices=1, apps=1))
    shell.scene.apply()
    result = shell.run("retry", option, value)
    assert result.exit_code == 2
    assert result.stderr.startswith(said)
