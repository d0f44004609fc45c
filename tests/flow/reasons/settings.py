"""Reasons that lie with the settings of an app: on their way, refused, not for this device."""

from __future__ import annotations

from bridge.simulator.faults import Fault
from tests.flow.reasons import MakeScene, catch, scenario
from tests.flow.scene import Scene
from tests.flow.test_settings import CONFIGURATION, DAY, installed


def changed(make_scene: MakeScene, *faults: Fault) -> Scene:
    """An app that is installed, and then wished for with a configuration."""
    scene = installed(make_scene, world={"devices": 1})
    for fault in faults:
        scene.world.faults.add(fault)
    scene.apply(scene.desired(configuration=CONFIGURATION))
    return scene


def unwilling() -> Fault:
    """The device takes no install command."""
    return Fault("device", "error", match="InstallApplication", domain="Odd", number=1, times=0)


@scenario(
    "SETTINGS_CHANGED",
    "sending",
    "its new settings are sent to it",
    "nobody",
    next="is sent the app's settings once",
    code=0,
)
def settings_changed(make_scene: MakeScene) -> Scene:
    return catch(changed(make_scene), "SETTINGS_CHANGED")


@scenario(
    "SETTINGS_RETRY",
    "installed",
    "which could not take its new settings",
    "nobody",
    next="sends them again",
    code=0,
)
def settings_again(make_scene: MakeScene) -> Scene:
    return catch(changed(make_scene, unwilling()), "SETTINGS_RETRY")


@scenario(
    "SETTINGS_REFUSED",
    "installed",
    "which did not take its new settings",
    "the admin",
    next="mend the cause, then run vpp-bridge retry",
    code=1,
)
def settings_refused(make_scene: MakeScene) -> Scene:
    return catch(changed(make_scene, unwilling()), "SETTINGS_REFUSED", limit=2 * DAY)


@scenario(
    "SETTING_FORBIDDEN",
    "failed",
    "as it is wished",
    "the admin",
    next="leave that key out",
    code=1,
)
def setting_forbidden(make_scene: MakeScene) -> Scene:
    scene = make_scene(devices=2, apps=1, macs=0.5)
    scene.apply(scene.desired(attributes={"Removable": False}))
    return catch(scene, "SETTING_FORBIDDEN")
