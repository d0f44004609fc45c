"""Setup Assistant: a device that awaits its configuration gets its apps at once, and is let out."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from bridge.domain.policy import AssociatePolicy, InstallPolicy, Policy
from bridge.simulator.devices import script
from bridge.simulator.devices.device import Device
from bridge.simulator.faults import Fault
from tests.flow.alerts_kit import Told
from tests.flow.cli_kit import Shell
from tests.flow.scene import Killed, MakeScene, Scene
from tests.flow.test_kills import Reaper
from tests.flow.test_pauses import KEY

MINUTE = 60.0
DEADLINE = 15 * MINUTE
EARLY = replace(Policy(), associate=AssociatePolicy(before_enrolment=True))


def class_of(
    make_scene: MakeScene,
    devices: int = 1,
    apps: int = 12,
    *,
    setup: str = "required",
    licensed: bool = True,
    policy: Policy = EARLY,
    release: bool = True,
    traits: Mapping[str, Any] | None = None,
    **world: Any,
) -> Scene:
    """Devices that are not enrolled yet, and wait in Setup Assistant when they are; by default
    licensed before."""
    scene = make_scene(
        devices=devices,
        apps=apps,
        macs=0.0,
        enrol=False,
        policy=policy,
        release_setup=release,
        traits={"awaits_configuration": True, **(traits or {})},
        **world,
    )
    scene.apply(scene.wanted_for(scene.serials, named=True, setup=setup))
    if licensed:
        scene.run(lambda: all_licensed(scene))
    return scene


def all_licensed(scene: Scene) -> bool:
    return all(scene.world.assigned(*pair) for pair in scene.world.everything())


def sent(device: Device, request_type: str) -> list[float]:
    """When the device got commands of a kind."""
    return [each.at for each in device.received if each.request_type == request_type]


def released_at(device: Device) -> float:
    (at,) = sent(device, "DeviceConfigured")
    return at


def test_all_apps_go_at_once_and_the_last_one_lets_the_device_out(make_scene: MakeScene) -> None:
    scene = class_of(make_scene)
    scene.pass_time(MINUTE)
    device, began = scene.world.devices[0], scene.world.now
    device.enrol()
    scene.run(lambda: not device.setup.awaits, DEADLINE)
    installs = sent(device, "InstallApplication")
    assert len(installs) == 12
    assert max(installs) - began < 2.0
    first_list = sent(device, "ManagedApplicationList")[0]
    assert min(installs) <= first_list <= max(installs) + 1.0, "in the same burst"
    assert scene.states() == {"installed INSTALLED": 12}
    there_at = began + max(i.at for i in device.installs) - began + device.install_time
    assert there_at <= released_at(device) <= there_at + 30.0


def test_what_nobody_waits_for_is_sent_and_the_device_is_out_at_once(make_scene: MakeScene) -> None:
    scene = class_of(make_scene, apps=3, setup="best_effort")
    scene.pass_time(MINUTE)
    (device,), began = scene.world.devices, scene.world.now
    device.enrol()
    scene.run(lambda: not device.setup.awaits, DEADLINE)
    assert released_at(device) - began < 5.0
    order = [each.request_type for each in device.received]
    assert order.count("InstallApplication") == 3
    assert order.index("DeviceConfigured") > order.index("InstallApplication")
    last_install = max(i for i, kind in enumerate(order) if kind == "InstallApplication")
    assert last_install < order.index("DeviceConfigured"), "all that is sent there goes before"
    scene.run(scene.all_installed)


def test_an_app_that_is_not_for_setup_follows_after_it(make_scene: MakeScene) -> None:
    scene = class_of(make_scene, apps=2, setup="none")
    (device,) = scene.world.devices
    device.enrol()
    scene.run(scene.all_installed)
    kinds = [each.request_type for each in device.received]
    assert kinds.index("DeviceConfigured") < kinds.index("ManagedApplicationList")
    assert kinds.index("ManagedApplicationList") < kinds.index("InstallApplication")


def test_without_apple_the_deadline_lets_the_device_out(make_scene: MakeScene) -> None:
    scene = class_of(make_scene, apps=3, licensed=False, policy=Policy())
    scene.pass_time(MINUTE)
    (device,), began = scene.world.devices, scene.world.now
    scene.world.faults.add(Fault("apple.associate", "gateway", times=7))
    device.enrol()
    scene.run(lambda: not device.setup.awaits, 2 * DEADLINE)
    assert began + DEADLINE <= released_at(device) <= began + DEADLINE + 5.0
    assert sent(device, "InstallApplication") == []
    scene.run(scene.all_installed, 3 * 3600.0)


def test_without_seats_the_deadline_lets_the_device_out_and_the_reason_is_told(
    make_scene: MakeScene,
) -> None:
    scene = class_of(make_scene, apps=2, licensed=False, policy=Policy(), seats=0)
    scene.pass_time(MINUTE)
    (device,), began = scene.world.devices, scene.world.now
    device.enrol()
    scene.run(lambda: not device.setup.awaits, 2 * DEADLINE)
    assert began + DEADLINE <= released_at(device) <= began + DEADLINE + 5.0
    assert scene.states() == {"waiting NO_SEAT": 2}
    for asset in scene.world.location.library.assets.values():
        asset.total = 5
    scene.world.location.library.touch()
    scene.run(scene.all_installed, 6 * 3600.0)


@pytest.mark.parametrize("traits", [{"os_version": "15.7"}, {"supervised": False}])
def test_a_device_that_installs_nothing_there_is_not_kept_waiting(
    make_scene: MakeScene, traits: Mapping[str, Any]
) -> None:
    scene = class_of(make_scene, apps=2, traits=traits)
    scene.pass_time(MINUTE)
    (device,), began = scene.world.devices, scene.world.now
    device.enrol()
    scene.run(lambda: not device.setup.awaits, DEADLINE)
    assert released_at(device) - began < 10.0
    scene.run(scene.all_installed)


def test_somebody_else_lets_it_out_and_the_bridge_says_when_it_may_go(
    make_scene: MakeScene, caplog: pytest.LogCaptureFixture
) -> None:
    scene = class_of(make_scene, apps=2, release=False)
    (device,) = scene.world.devices
    device.enrol()
    with caplog.at_level("INFO"):
        scene.run(scene.all_installed)
        scene.pass_time(MINUTE)
    assert [m for m in caplog.messages if "required apps of a device" in m] == [
        "the required apps of a device in Setup Assistant are there"
    ]
    scene.pass_time(2 * DEADLINE)
    assert sent(device, "DeviceConfigured") == []
    assert device.setup.awaits
    device.leave_setup()
    scene.pass_time(MINUTE)
    assert scene.bridge.list_devices().items[0]["setup"] is None


def test_a_deadline_without_a_release_sends_the_rest_in_the_ordinary_way(
    make_scene: MakeScene,
) -> None:
    scene = class_of(make_scene, apps=2, setup="none", release=False)
    (device,), began = scene.world.devices, scene.world.now
    device.enrol()
    scene.run(scene.all_installed)
    assert min(sent(device, "InstallApplication")) >= began + DEADLINE
    assert device.setup.awaits


def test_what_the_server_lost_of_the_burst_is_posted_again_as_it_was(
    make_scene: MakeScene,
) -> None:
    scene = class_of(make_scene, apps=4)
    if scene.plain:
        pytest.skip("it shows no queue")
    scene.pass_time(MINUTE)
    (device,), began = scene.world.devices, scene.world.now
    scene.world.faults.add(Fault("mdm.command", "lose", times=2))
    device.enrol()
    scene.run(lambda: len(sent(device, "InstallApplication")) == 4, DEADLINE)
    assert scene.world.now - began < 10.0
    for postings in scene.world.ledger.installs_posted.values():
        assert len({each.command_uuid for each in postings}) == 1
    scene.run(lambda: not device.setup.awaits, DEADLINE)


@pytest.mark.parametrize("came_after", [3.0, 4.0, 4.5, 5.0, 5.5])
def test_what_the_device_took_just_before_the_look_is_not_posted_again(
    make_scene: MakeScene, came_after: float
) -> None:
    scene = class_of(make_scene, apps=4)
    scene.pass_time(MINUTE)
    scene.world.mdm.webhook.lag = 1.8  # as little as counts as at once
    (device,) = scene.world.devices
    device.enrol()
    device.online = False
    scene.run(lambda: len(scene.world.ledger.installs_posted) == 4, MINUTE)
    scene.pass_time(came_after)
    device.online = True
    device.connect()
    scene.run(lambda: not device.setup.awaits, DEADLINE)
    assert len(sent(device, "InstallApplication")) == 4
    assert scene.world.ledger.violations() == []


@pytest.mark.parametrize("lost", ["acknowledged", "token_update"])
def test_one_of_two_signs_is_enough_to_know_that_it_is_out(
    make_scene: MakeScene, lost: str
) -> None:
    scene = class_of(make_scene, apps=1, traits={"tells_release": lost != "token_update"})
    (device,) = scene.world.devices
    if lost == "acknowledged":
        device.script.add(script.silent(1, request_type="DeviceConfigured"))
    device.enrol()
    if lost == "acknowledged":
        scene.run(lambda: sent(device, "DeviceConfigured") != [], DEADLINE)
        device.leave_setup()
        scene.pass_time(MINUTE)
    scene.run(lambda: not device.setup.awaits, DEADLINE)
    scene.pass_time(MINUTE)
    assert scene.bridge.list_devices().items[0]["setup"] is None
    count = len(sent(device, "DeviceConfigured"))
    scene.pass_time(3600.0)
    assert len(sent(device, "DeviceConfigured")) == count == 1


def test_a_release_is_repeated_until_something_shows_that_it_was_done(
    make_scene: MakeScene,
) -> None:
    scene = class_of(make_scene, apps=1)
    (device,) = scene.world.devices
    device.script.add(script.error("MCMDMErrorDomain", 12021, 2, request_type="DeviceConfigured"))
    device.enrol()
    scene.run(lambda: not device.setup.awaits, DEADLINE)
    first, second, third = sent(device, "DeviceConfigured")
    assert MINUTE <= second - first < third - second
    scene.pass_time(3600.0)
    assert len(sent(device, "DeviceConfigured")) == 3


@pytest.mark.parametrize("scope", ["app", "location"])
def test_a_pause_of_an_app_or_a_location_never_keeps_a_device_there(
    make_scene: MakeScene, scope: Any
) -> None:
    scene = class_of(make_scene, apps=2)
    scene.pass_time(MINUTE)
    (device,), began = scene.world.devices, scene.world.now
    scene.bridge.pause(scope, scene.adam_ids[0] if scope == "app" else "hq")
    device.enrol()
    scene.run(lambda: not device.setup.awaits, DEADLINE)
    assert released_at(device) - began < MINUTE


@pytest.mark.parametrize("scope", ["all", "serial"])
@pytest.mark.parametrize("paused_for", [MINUTE, 2 * DEADLINE])
def test_a_pause_of_everything_keeps_it_there_and_then_all_goes_first(
    make_scene: MakeScene, scope: Any, paused_for: float
) -> None:
    scene = class_of(make_scene, apps=3)
    (device,) = scene.world.devices
    name = device.serial_number if scope == "serial" else ""
    scene.bridge.pause(scope, name)
    device.enrol()
    scene.pass_time(paused_for)
    assert device.received == []
    assert device.setup.awaits
    scene.bridge.resume(scope, name)
    resumed = scene.world.now
    scene.run(lambda: not device.setup.awaits, DEADLINE)
    assert len(sent(device, "InstallApplication")) == 3
    assert max(sent(device, "InstallApplication")) < released_at(device) <= resumed + 70.0


def test_nobody_is_let_out_before_it_is_known_which_apps_it_needs(make_scene: MakeScene) -> None:
    """Without its serial number nobody knows what a device is to get."""
    scene = class_of(make_scene, apps=1, traits={"tells_serial": False})
    (device,) = scene.world.devices
    device.enrol()
    scene.run(lambda: not device.setup.awaits, DEADLINE)
    kinds = [each.request_type for each in device.received]
    assert kinds.index("InstallApplication") < kinds.index("DeviceConfigured")
    assert scene.states() == {"installed INSTALLED": 1}


def test_neither_the_pace_nor_one_lane_holds_the_burst(make_scene: MakeScene) -> None:
    slow = replace(EARLY, install=InstallPolicy(max_open_per_device=1, max_per_minute=1))
    scene = class_of(make_scene, devices=3, apps=4, policy=slow)
    scene.pass_time(MINUTE)
    began = scene.world.now
    scene.world.enrol_all()
    scene.run(lambda: not any(d.setup.awaits for d in scene.world.devices), DEADLINE)
    for device in scene.world.devices:
        assert max(sent(device, "InstallApplication")) - began < 5.0


@pytest.mark.sweep
@pytest.mark.parametrize("after", [False, True], ids=["unsent", "answered"])
@pytest.mark.parametrize("nth", range(1, 14))
def test_killed_at_any_outside_call_it_lets_the_device_out_by_the_deadline(
    make_scene: MakeScene, nth: int, after: bool
) -> None:
    scene = class_of(make_scene, apps=3, licensed=False, policy=Policy())
    scene.pass_time(MINUTE)
    (device,), began = scene.world.devices, scene.world.now
    Reaper(scene, nth, after=after)
    device.enrol()
    try:
        scene.run(lambda: not device.setup.awaits, 2 * DEADLINE)
    except Killed:
        scene.restart()
        scene.run(lambda: not device.setup.awaits, 2 * DEADLINE)
    assert released_at(device) <= began + DEADLINE + MINUTE
    scene.run(scene.all_installed, 3600.0)
    assert scene.world.ledger.violations() == []


# --- who tells of it ---


def held_up(make_scene: MakeScene) -> Scene:
    scene = class_of(make_scene, devices=2, apps=1, setup="required")
    scene.bridge.pause("all", "")
    scene.world.enrol_all()
    scene.pass_time(MINUTE)
    return scene


def test_status_readyz_and_the_alert_say_how_many_a_pause_keeps(make_scene: MakeScene) -> None:
    scene = held_up(make_scene)
    body = scene.client.get("/readyz").get_json()
    (part,) = [each for each in body["parts"] if each["name"] == "setup"]
    assert (part["ok"], part["severity"]) == (False, "degraded")
    assert part["detail"].startswith("2 devices wait in Setup Assistant and cannot be let out: ")
    assert "vpp-bridge resume --all" in part["detail"]
    told = Told(scene)
    told.pass_time(120)
    (said,) = told.chat.said
    assert said["alert"] == "setup"
    assert "2 devices wait in Setup Assistant" in said["sentence"]
    scene.bridge.resume("all", "")
    told.pass_time(300)
    assert "setup resolved" in told.chat.take()


def test_a_device_that_somebody_else_may_let_out_is_told_of(make_scene: MakeScene) -> None:
    scene = class_of(make_scene, apps=1, release=False)
    told = Told(scene)
    (device,) = scene.world.devices
    device.enrol()
    told.pass_time(120)
    (said,) = told.chat.said
    assert (said["alert"], said["subject"]) == ("setup", {"serial_number": device.serial_number})
    assert "whoever sends DeviceConfigured may let it out" in said["sentence"]
    told.chat.take()
    device.leave_setup()
    told.pass_time(120)
    assert told.chat.take() == ["setup resolved"]


def test_everybody_says_who_is_there_for_what_and_until_when(make_scene: MakeScene) -> None:
    scene = class_of(make_scene, apps=2, licensed=False, policy=Policy(), seats=1)
    scene.world.location.library.assets[scene.adam_ids[1], "STDQ"].total = 0
    scene.world.location.library.touch()
    scene.pass_time(2 * MINUTE)
    (device,), since = scene.world.devices, scene.world.now
    device.enrol()
    scene.pass_time(2 * MINUTE)
    (shown,) = scene.bridge.list_devices().items
    setup = shown["setup"]
    assert setup["missing"] == [scene.adam_ids[1]]
    assert (setup["ready_at"], setup["held"], setup["all_apps"]) == (None, False, False)
    asked = scene.client.get("/v1/devices", headers=KEY).get_json()["devices"][0]
    assert asked["setup"] == setup
    began, ends = (datetime.fromisoformat(setup[k]).timestamp() for k in ("since", "released_by"))
    assert since <= began <= since + 1.0
    assert ends - began == DEADLINE
    words = f"app Numbers ({scene.adam_ids[1]}) (NO_SEAT); the bridge lets it out, at "
    assert words in setup["sentence"]
    shell = Shell(scene)
    text = shell.config.read_text().replace("main: {", "main: {release_setup: true, ")
    shell.write(text)
    assert words in " ".join(shell.run("status").output.split())
    why = shell.run("why", device.serial_number, scene.adam_ids[1])
    assert words in " ".join(why.output.split())
    page = scene.client.get(f"/devices/{device.serial_number}", headers=KEY).get_data(as_text=True)
    assert words in page
    metrics = scene.client.get("/metrics").get_data(as_text=True)
    assert 'bridge_setup_devices{server="main",state="waiting"} 1' in metrics
    assert 'bridge_setup_devices{server="main",state="held"} 0' in metrics


def test_doctor_says_what_else_may_let_devices_out(make_scene: MakeScene) -> None:
    scene = make_scene(devices=1, apps=1, macs=0.0)
    shell = Shell(scene)
    shell.want(scene.serials)
    assert "Setup Assistant" not in shell.run("doctor").output
    shell.want(scene.serials, setup="required")
    text = " ".join(shell.run("doctor").output.split())
    assert "main: somebody else lets devices out of Setup Assistant (release_setup is" in text
    assert "a blueprint that is applied at enrolment" in text or scene.plain
