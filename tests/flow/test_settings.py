"""An app's settings: configuration, attributes, flags and taking over, to the device and back."""

from collections.abc import Callable
from typing import Any

import pytest

from bridge.domain.desired.desired import Desired
from bridge.domain.policy import Policy, VerifyPolicy
from bridge.simulator.devices.apps import App
from bridge.simulator.devices.device import Device
from bridge.simulator.faults import Fault
from tests.flow.kit import dump, stored_bytes
from tests.flow.scene import Scene

MakeScene = Callable[..., Scene]

SECRET = "correct-horse-battery"
CONFIGURATION = {"server": "https://crm.example.org", "licence": SECRET, "tries": 3, "on": True}
HOUR, DAY = 3600.0, 86400.0
LOOKS_OFTEN = Policy(verify=VerifyPolicy(installed_every=HOUR))


def app_on(device: Device, adam_id: str) -> App:
    app = device.apps.get(device.catalogue[adam_id][0], device.kernel.now)
    assert app is not None
    return app


def settings(scene: Scene) -> list[Any]:
    """What each device was given for the first app."""
    return [
        app_on(device, scene.adam_ids[0]).settings.get("Configuration")
        for device in scene.world.devices
    ]


def installs_received(scene: Scene) -> list[str]:
    """The CommandUUID of every InstallApplication that reached a device."""
    return [
        received.command_uuid
        for device in scene.world.devices
        for received in device.received
        if received.request_type == "InstallApplication"
    ]


def installed(make_scene: MakeScene, *, world: Any = None, **options: Any) -> Scene:
    scene = make_scene(
        **{"devices": 2, "apps": 1, "macs": 0.0, "policy": LOOKS_OFTEN} | (world or {})
    )
    scene.apply(scene.desired(**options))
    scene.run(scene.all_installed)
    return scene


def test_a_configuration_arrives_with_the_app(make_scene: MakeScene) -> None:
    scene = installed(
        make_scene, world={"macs": 0.5}, configuration=CONFIGURATION, prevent_backup=True
    )
    assert settings(scene) == [CONFIGURATION] * 2
    assert [app_on(d, scene.adam_ids[0]).flags for d in scene.world.devices] == [5, 5]
    assert len(installs_received(scene)) == 2


def test_a_changed_configuration_is_sent_once_and_only_once(make_scene: MakeScene) -> None:
    scene = installed(make_scene, configuration=CONFIGURATION)
    first = set(installs_received(scene))
    changed = CONFIGURATION | {"tries": 4}
    scene.apply(scene.desired(configuration=changed))
    scene.settle()
    assert scene.states() == {"sending SETTINGS_CHANGED": 2}
    scene.run(scene.all_installed)
    assert settings(scene) == [changed] * 2
    scene.apply(scene.desired(configuration=dict(reversed(changed.items()))))
    scene.pass_time(3 * HOUR)
    sent = installs_received(scene)
    assert len(sent) == len(set(sent)) == 4
    assert first < set(sent)
    assert scene.states() == {"installed INSTALLED": 2}


def test_it_is_verified_by_a_list_made_after_the_device_took_it(make_scene: MakeScene) -> None:
    scene = installed(make_scene, world={"devices": 1})
    listed_at = scene.install()["trail"][-1]["at"]
    scene.apply(scene.desired(configuration=CONFIGURATION))
    scene.run(lambda: "acknowledged ACKNOWLEDGED" in scene.states())
    scene.run(scene.all_installed)
    lists = [r.at for r in scene.world.devices[0].received if "List" in r.request_type]
    took = [r.at for r in scene.world.devices[0].received if r.request_type.startswith("Install")]
    assert listed_at is not None
    assert lists[-1] > took[-1]


def test_wishes_that_name_no_settings_send_nothing_to_an_app_that_was_there(
    make_scene: MakeScene,
) -> None:
    scene = make_scene(devices=2, apps=1, policy=LOOKS_OFTEN)
    for device in scene.world.devices:
        adam_id = scene.adam_ids[0]
        bundle_id, name = device.catalogue[adam_id]
        device.apps.put(App(bundle_id, adam_id, name, "Managed", managed=True, flags=1))
    scene.apply(scene.desired(named=True, take_over=True))
    scene.run(scene.all_installed)
    scene.pass_time(3 * HOUR)
    assert installs_received(scene) == []
    scene.apply(scene.desired(named=True, configuration=CONFIGURATION))
    scene.run(lambda: settings(scene) == [CONFIGURATION] * 2)
    scene.pass_time(3 * HOUR)
    assert len(installs_received(scene)) == 2


def test_settings_that_are_wished_no_more_are_taken_away(make_scene: MakeScene) -> None:
    scene = installed(make_scene, configuration=CONFIGURATION, attributes={"Removable": False})
    scene.apply(scene.desired())
    scene.run(lambda: settings(scene) == [{}, {}])
    given = [app_on(device, scene.adam_ids[0]).settings for device in scene.world.devices]
    assert given == [{"Configuration": {}, "Attributes": {}}] * 2
    scene.pass_time(3 * HOUR)
    assert len(installs_received(scene)) == 4


def test_changed_before_it_left_only_the_last_wish_is_sent(make_scene: MakeScene) -> None:
    scene = make_scene(devices=1, apps=1)
    scene.world.devices[0].go_offline()
    scene.apply(scene.desired(configuration=CONFIGURATION))
    scene.run(lambda: "licensed FACTS_FIRST" in scene.states())
    scene.world.devices[0].go_online()
    scene.run(lambda: "sending COMMAND_READY" in scene.states())
    scene.apply(scene.desired(configuration={"late": 1}))
    scene.run(scene.all_installed)
    assert settings(scene) == [{"late": 1}]
    assert len(installs_received(scene)) == 1


def test_a_lost_answer_does_not_send_the_configuration_again(make_scene: MakeScene) -> None:
    scene = make_scene(devices=3, apps=1, macs=0.0)
    scene.world.faults.add(Fault("mdm.webhook", "drop", match="<key>State</key>", times=0))
    scene.apply(scene.desired(named=True, configuration=CONFIGURATION))
    scene.run(lambda: all(d.installed(scene.adam_ids[0]) for d in scene.world.devices))
    scene.run(scene.all_installed)
    scene.pass_time(3 * HOUR)
    assert settings(scene) == [CONFIGURATION] * 3
    assert len(installs_received(scene)) == 3


def test_new_settings_lost_on_the_way_are_posted_again_as_themselves(
    make_scene: MakeScene,
) -> None:
    scene = installed(make_scene, world={"devices": 1})
    scene.world.faults.add(Fault("mdm.command", "lose", match="InstallApplication"))
    scene.apply(scene.desired(configuration=CONFIGURATION))
    scene.run(lambda: settings(scene) == [CONFIGURATION])
    scene.run(scene.all_installed)
    assert scene.counters()["command.posted_again"] == 1
    assert len(set(installs_received(scene))) == 2


def test_a_device_that_does_not_take_them_keeps_the_app(make_scene: MakeScene) -> None:
    scene = installed(make_scene, world={"devices": 1})
    scene.world.faults.add(
        Fault("device", "error", match="InstallApplication", domain="Odd", number=1, times=7)
    )
    scene.apply(scene.desired(configuration=CONFIGURATION))
    scene.run(lambda: scene.states() == {"installed SETTINGS_RETRY": 1})
    scene.run(lambda: scene.states() == {"installed SETTINGS_REFUSED": 1}, limit=2 * DAY)
    sent = len(installs_received(scene))
    assert sent == 1 + 7
    scene.pass_time(3 * HOUR)
    assert len(installs_received(scene)) == sent
    scene.bridge.retry()
    scene.run(lambda: settings(scene) == [CONFIGURATION])
    scene.run(lambda: scene.states() == {"installed INSTALLED": 1})


def test_the_secret_is_in_one_table_and_nowhere_else(
    make_scene: MakeScene, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    scene = make_scene(devices=2, apps=1)
    scene.world.faults.add(Fault("mdm.command", "lose", match="InstallApplication"))
    scene.apply(scene.desired(configuration=CONFIGURATION))
    scene.run(scene.all_installed)
    scene.apply(scene.desired(configuration=CONFIGURATION | {"tries": 9}))
    scene.run(lambda: all(given["tries"] == 9 for given in settings(scene)))
    scene.run(scene.all_installed)
    dump = [line for line in _dump(scene) if SECRET in line]
    assert len(dump) == 2, "the values that are wished, and those that were"
    assert all(line.startswith('INSERT INTO "configurations"') for line in dump)
    scene.pass_time(7200)
    assert len([line for line in _dump(scene) if SECRET in line]) == 1
    assert SECRET not in caplog.text
    assert SECRET not in repr(scene.install())
    for path in ("/v1/installs", "/v1/devices", "/v1/events", f"/v1/installs/{_first(scene)}"):
        answer = scene.client.get(path, auth=("bridge", "api-secret"))
        assert answer.status_code == 200
        assert SECRET not in answer.get_data(as_text=True)


def _first(scene: Scene) -> str:
    return f"{scene.serials[0]}/{scene.adam_ids[0]}"


def _dump(scene: Scene) -> list[str]:
    with scene.bridge.database.read() as db:
        lines = dump(db)
    return [*lines, *stored_bytes(scene)["bodies"].decode().splitlines()]


def test_the_values_are_for_the_owner_alone(make_scene: MakeScene) -> None:
    scene = installed(make_scene, configuration=CONFIGURATION)
    files = scene.config.database.parent.glob("bridge.db*")
    modes = {path.name: oct(path.stat().st_mode & 0o777) for path in files}
    assert {"bridge.db", "bridge.db-wal", "bridge.db-shm"} <= set(modes)
    assert set(modes.values()) == {"0o600"}


def test_taking_over_makes_a_copy_of_the_user_managed(make_scene: MakeScene) -> None:
    scene = make_scene(devices=2, apps=1, macs=0.5)
    for device in scene.world.devices:
        device.user_installs(scene.adam_ids[0])
    scene.apply(scene.desired(take_over=True, configuration=CONFIGURATION))
    scene.run(scene.all_installed)
    assert scene.world.missing(scene.world.everything()) == []
    assert settings(scene) == [CONFIGURATION] * 2
    assert len(installs_received(scene)) == 2


def test_without_it_the_copy_stays_until_the_wish_changes(make_scene: MakeScene) -> None:
    scene = make_scene(devices=1, apps=1, macs=0.0)
    scene.world.devices[0].user_installs(scene.adam_ids[0])
    scene.apply(scene.desired())
    scene.run(lambda: scene.states() == {"conflict UNMANAGED_COPY": 1})
    scene.pass_time(1)
    scene.apply(scene.desired(take_over=True))
    scene.run(scene.all_installed)
    assert scene.world.devices[0].installed(scene.adam_ids[0])


def test_the_user_of_an_unsupervised_device_is_asked(make_scene: MakeScene) -> None:
    scene = make_scene(devices=1, apps=1, macs=0.0, traits={"supervised": False})
    device = scene.world.devices[0]
    device.user_installs(scene.adam_ids[0])
    scene.apply(scene.desired(take_over=True))
    scene.run(scene.all_installed)
    assert len(device.prompts) == 1


def test_a_mac_gets_its_app_as_managed(make_scene: MakeScene) -> None:
    scene = installed(make_scene, world={"macs": 1.0})
    assert scene.world.missing(scene.world.everything()) == []


def test_a_mac_is_told_that_an_app_is_for_ios(make_scene: MakeScene) -> None:
    scene = make_scene(devices=2, apps=2, macs=0.5)
    on_ipads = scene.adam_ids[0]
    scene.world.apple.settings.ios_apps = {on_ipads}
    scene.apply(scene.desired())
    scene.run(scene.all_installed)
    told = {
        (device.platform, adam_id): app_on(device, adam_id).settings.get("iOSApp")
        for device in scene.world.devices
        for adam_id in scene.adam_ids
    }
    assert told.pop(("macOS", on_ipads)) is True
    assert set(told.values()) == {None}


def test_an_attribute_that_a_device_does_not_have_is_not_sent(make_scene: MakeScene) -> None:
    scene = make_scene(devices=2, apps=1, macs=0.5)
    scene.apply(scene.desired(attributes={"Removable": False}))
    scene.run(lambda: scene.states() == {"failed SETTING_FORBIDDEN": 1, "installed INSTALLED": 1})
    mac = next(d for d in scene.world.devices if d.platform == "macOS")
    told = scene.install(serial=mac.serial_number)["explanation"]["sentence"]
    assert "attributes.Removable does not exist on macOS" in told
    scene.apply(scene.desired())
    scene.run(scene.all_installed)


def test_a_file_without_the_app_removes_nothing_that_was_only_adopted(
    make_scene: MakeScene,
) -> None:
    scene = make_scene(devices=1, apps=1, macs=0.0)
    adam_id = scene.adam_ids[0]
    bundle_id, name = scene.world.catalogue[adam_id]
    scene.world.devices[0].apps.put(App(bundle_id, adam_id, name, "Managed", managed=True))
    scene.apply(scene.desired(named=True))
    scene.run(scene.all_installed)
    scene.apply(Desired())
    scene.pass_time(3 * HOUR)
    assert scene.world.devices[0].installed(adam_id)
