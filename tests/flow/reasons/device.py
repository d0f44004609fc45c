"""Reasons that lie with the device: not there yet, asked first, busy, unwilling, or done."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from bridge.app.calls import make_calls
from bridge.domain.audit import BY_ITSELF
from bridge.domain.policy import DAY, Policy
from bridge.engine.upkeep import restoring
from bridge.simulator.devices import script
from bridge.simulator.devices.script import Planned
from bridge.simulator.faults import Fault
from tests.flow.reasons import MakeScene, catch, scenario
from tests.flow.scene import Scene, rarely
from tests.flow.test_metadata import SHY, nowhere
from tests.flow.test_probes import found_fleet, posted


def on_its_way(make_scene: MakeScene, *deeds: Planned, **arguments: Any) -> Scene:
    """One app is wanted on one device, which does these deeds."""
    scene = make_scene(**{"devices": 1, "apps": 1, "macs": 0} | arguments)
    scene.world.devices[0].script.add(*deeds)
    scene.apply()
    return scene


@scenario(
    "NEW",
    "waiting",
    "has not been looked at yet",
    "nobody",
    next="decides within seconds",
    code=0,
    passing=True,
)
def new(make_scene: MakeScene) -> Scene:
    scene = make_scene(devices=1, apps=1)
    scene.apply(scene.wanted_for(scene.serials))
    return scene


@scenario(
    "PAUSED",
    "waiting",
    "vpp-bridge resume --all ends it",
    "the admin",
    next="as soon as it is resumed",
    code=1,
)
def paused(make_scene: MakeScene) -> Scene:
    scene = make_scene(devices=1, apps=1)
    scene.pass_time(30)
    scene.apply()
    scene.bridge.pause("all")
    return catch(scene, "PAUSED")


@scenario(
    "NOT_ENROLLED",
    "waiting",
    "is not enrolled",
    "the admin",
    next="enrol the device",
    code=1,
)
def not_enrolled(make_scene: MakeScene) -> Scene:
    scene = make_scene(devices=1, apps=1)
    scene.apply(scene.wanted_for(["NEVERSEEN1"]))
    return catch(scene, "NOT_ENROLLED")


@scenario(
    "DEVICE_SILENT",
    "waiting",
    "has not been heard of for 15 days",
    "somebody at the device",
    next="switch the device on",
    code=1,
)
def silent(make_scene: MakeScene) -> Scene:
    scene = on_its_way(make_scene, policy=rarely())
    catch(scene, "COMMAND_SENT")
    scene.world.devices[0].go_offline()
    scene.pass_time(15 * DAY)
    return catch(scene, "DEVICE_SILENT")


def in_setup(make_scene: MakeScene, setup: str) -> Scene:
    """One app is wanted on one device, which waits in Setup Assistant."""
    traits = {"awaits_configuration": True}
    scene = make_scene(devices=1, apps=1, macs=0, enrol=False, traits=traits)
    scene.apply(scene.wanted_for(scene.serials, setup=setup))
    scene.world.enrol_all()
    return scene


@scenario(
    "SETUP_BURST",
    "sent",
    "in Setup Assistant, with all others",
    "nobody",
    next="before it is released",
    code=0,
)
def setup_burst(make_scene: MakeScene) -> Scene:
    scene = catch(in_setup(make_scene, "required"), "SETUP_BURST")
    scene.settle()
    return scene


@scenario(
    "SETUP_WAITS",
    "licensed",
    "has left Setup Assistant: setup for it is none in the file",
    "nobody",
    next="in the ordinary way",
    code=0,
)
def setup_waits(make_scene: MakeScene) -> Scene:
    return catch(in_setup(make_scene, "none"), "SETUP_WAITS")


@scenario(
    "FACTS_FIRST",
    "licensed",
    "is asked what it is",
    "nobody",
    next="goes out when the device has answered",
    code=0,
)
def facts_first(make_scene: MakeScene) -> Scene:
    return catch(on_its_way(make_scene), "FACTS_FIRST")


@scenario(
    "LIST_FIRST",
    "licensed",
    "is asked for its apps before",
    "nobody",
    next="if the device's list does not have it",
    code=0,
)
def list_first(make_scene: MakeScene) -> Scene:
    return catch(on_its_way(make_scene), "LIST_FIRST")


@scenario(
    "COMMAND_READY",
    "sending",
    "waits for its turn on",
    "nobody",
    next="when the device's queue has room",
    code=0,
)
def command_ready(make_scene: MakeScene) -> Scene:
    return catch(on_its_way(make_scene, apps=2), "COMMAND_READY")


@scenario(
    "COMMAND_SENT",
    "sent",
    "has not answered yet",
    "nobody",
    next="the device answers when it connects",
    code=0,
)
def command_sent(make_scene: MakeScene) -> Scene:
    return catch(on_its_way(make_scene), "COMMAND_SENT")


@scenario(
    "COMMAND_IN_DOUBT",
    "sent",
    "it may be lost, or done",
    "nobody",
    next="missing it is sent again",
    code=0,
)
def command_in_doubt(make_scene: MakeScene) -> Scene:
    lost = Fault("mdm.command", "lose", match="InstallApplication")
    return catch(on_its_way(make_scene, faults=[lost]), "COMMAND_IN_DOUBT")


@scenario(
    "NOT_NOW",
    "sent",
    "answered NotNow",
    "nobody",
    next="offers it again when the device connects",
    code=0,
)
def not_now(make_scene: MakeScene) -> Scene:
    return catch(on_its_way(make_scene, script.not_now(times=0)), "NOT_NOW")


@scenario(
    "NOT_NOW_FOR_LONG",
    "needs_user",
    "has answered NotNow to",
    "somebody at the device",
    next="unlock the device",
    code=1,
)
def not_now_for_long(make_scene: MakeScene) -> Scene:
    policy = replace(Policy(), install=replace(Policy().install, not_now_at_most=7200.0))
    scene = on_its_way(make_scene, script.not_now(times=0), policy=policy)
    return catch(scene, "NOT_NOW_FOR_LONG", limit=DAY)


@scenario(
    "ACKNOWLEDGED",
    "acknowledged",
    "its list of apps does not show it yet",
    "nobody",
    next="asked for its apps again",
    code=0,
)
def acknowledged(make_scene: MakeScene) -> Scene:
    return catch(on_its_way(make_scene), "ACKNOWLEDGED")


@scenario(
    "INSTALLING",
    "installing",
    "is installing",
    "nobody",
    next="asked for its apps again",
    code=0,
)
def installing(make_scene: MakeScene) -> Scene:
    return catch(on_its_way(make_scene, script.installs_for_ever()), "INSTALLING")


@scenario(
    "PROMPTING",
    "installing",
    "asks its user about",
    "somebody at the device",
    next="accept the question on the device",
    code=1,
)
def prompting(make_scene: MakeScene) -> Scene:
    return catch(on_its_way(make_scene, script.prompting()), "PROMPTING")


@scenario(
    "INSTALLED",
    "installed",
    "the device lists it as Managed",
    "nobody",
    next="looks again in every list",
    code=0,
)
def installed(make_scene: MakeScene) -> Scene:
    return catch(on_its_way(make_scene), "INSTALLED")


@scenario(
    "WAS_INSTALLED",
    "unconfirmed",
    "was installed on",
    "nobody",
    next="the device is asked for its apps",
    code=0,
)
def was_installed(make_scene: MakeScene) -> Scene:
    scene = installed(make_scene)
    calls = make_calls(scene.bridge.database, scene.bridge.clients(), scene.config)
    with scene.bridge.database.write() as db:
        restoring.make_present(scene.bridge.context(db), calls, BY_ITSELF)
    return catch(scene, "WAS_INSTALLED")


@scenario(
    "NOT_SEEN",
    "unconfirmed",
    "no list has shown it since",
    "nobody",
    next="a late success counts",
    code=0,
)
def not_seen(make_scene: MakeScene) -> Scene:
    scene = on_its_way(make_scene, script.installs_for_ever())
    return catch(scene, "NOT_SEEN", limit=2 * DAY)


@scenario(
    "BUNDLE_ID_UNKNOWN",
    "unconfirmed",
    "its bundle id is not known",
    "the admin",
    next="set bundle_id for",
    code=1,
)
def bundle_id_unknown(make_scene: MakeScene) -> Scene:
    scene = on_its_way(make_scene, traits=SHY, apple=nowhere())
    return catch(scene, "BUNDLE_ID_UNKNOWN")


@scenario(
    "BUNDLE_ID_SCOUT",
    "licensed",
    "goes to one device first, since nobody knows its bundle id",
    "nobody",
    next="when that device has told the bundle id",
    code=0,
)
def scouted_for(make_scene: MakeScene) -> Scene:
    scene = found_fleet(make_scene, devices=4)
    scene.apply()
    scene.run(lambda: scene.states().get("licensed BUNDLE_ID_SCOUT") == 3 and bool(posted(scene)))
    return scene
