"""Reasons of what is not wanted any more."""

from __future__ import annotations

from typing import Any

from bridge.simulator.devices import script
from bridge.simulator.faults import Fault
from tests.flow.reasons import MakeScene, catch, scenario
from tests.flow.scene import Scene
from tests.flow.test_groups import listed_only, only_for


def unwanted(make_scene: MakeScene, on_unwanted: str, **world: Any) -> Scene:
    """An app that is installed, and then not wanted any more."""
    scene = make_scene(**{"devices": 1, "apps": 1, "macs": 0} | world)
    scene.apply(scene.desired(on_unwanted=on_unwanted))
    scene.run(scene.all_installed)
    scene.apply(nothing(scene))
    return scene


def nothing(scene: Scene) -> Any:
    """A file that wants no app."""
    desired = scene.desired()
    return type(desired)(groups=desired.groups)


def refuses(number: int) -> Fault:
    """Apple takes no licence back."""
    return Fault("apple.disassociate", "error", number=number, times=0)


@scenario(
    "KEPT",
    "removed",
    "app and licence stay",
    "nobody",
    next="this is the end",
    code=0,
)
def kept(make_scene: MakeScene) -> Scene:
    return catch(unwanted(make_scene, "keep"), "KEPT")


@scenario(
    "RELEASING",
    "removing",
    "is being given back",
    "Apple",
    next="confirms it, whichever comes first",
    code=0,
)
def releasing(make_scene: MakeScene) -> Scene:
    return catch(unwanted(make_scene, "release"), "RELEASING")


@scenario(
    "RELEASED",
    "removed",
    "was given back",
    "nobody",
    next="stops working after 30 days",
    code=0,
)
def released(make_scene: MakeScene) -> Scene:
    return catch(unwanted(make_scene, "release"), "RELEASED")


@scenario(
    "NOT_LICENSED",
    "removed",
    "the bridge got no licence for it there",
    "nobody",
    next="this is the end",
    code=0,
)
def not_licensed(make_scene: MakeScene) -> Scene:
    scene = make_scene(devices=1, apps=1)
    scene.apply(scene.wanted_for(["NEVERSEEN1"], on_unwanted="release"))
    catch(scene, "NOT_ENROLLED")
    scene.apply(nothing(scene))
    return catch(scene, "NOT_LICENSED")


@scenario(
    "NOT_FOR_DEVICE",
    "removed",
    "the app is for iOS; the licence that it had got was given back",
    "nobody",
    next="this is the end",
    code=0,
)
def not_for_device(make_scene: MakeScene) -> Scene:
    scene = listed_only(make_scene, product_name="AppleTV11,1")
    only_for(scene, "iOS")
    scene.pass_time(2 * 3600)
    scene.apply()
    return catch(scene, "NOT_FOR_DEVICE")


@scenario(
    "RELEASE_WAITS",
    "removing",
    "is given back as soon as Apple has confirmed it",
    "Apple",
    next="gives it back by itself",
    code=0,
)
def release_waits(make_scene: MakeScene) -> Scene:
    scene = make_scene(devices=1, apps=1)
    scene.world.apple.settings.process_delay = 60.0
    scene.apply(scene.desired(on_unwanted="release"))
    catch(scene, "ASSOCIATE_REQUESTED")
    scene.apply(nothing(scene))
    return catch(scene, "RELEASE_WAITS")


@scenario(
    "RELEASE_RETRY",
    "removing",
    "did not take the licence",
    "nobody",
    next="asks again",
    code=0,
)
def release_again(make_scene: MakeScene) -> Scene:
    return catch(unwanted(make_scene, "release", faults=[refuses(9604)]), "RELEASE_RETRY")


@scenario(
    "RELEASE_REFUSED",
    "failed",
    "does not take the licence",
    "the admin",
    next="take it back in Apple's portal",
    code=1,
)
def release_refused(make_scene: MakeScene) -> Scene:
    return catch(unwanted(make_scene, "release", faults=[refuses(9602)]), "RELEASE_REFUSED")


@scenario(
    "NOT_REVOCABLE",
    "failed",
    "cannot be taken back",
    "the admin",
    next="leave it where it is",
    code=1,
)
def not_revocable(make_scene: MakeScene) -> Scene:
    return catch(unwanted(make_scene, "release", faults=[refuses(9706)]), "NOT_REVOCABLE")


@scenario(
    "LICENSE_NOT_OURS",
    "removed",
    "its licence stays, since others assigned it",
    "nobody",
    next="this is the end",
    code=0,
)
def not_ours(make_scene: MakeScene) -> Scene:
    scene = make_scene(devices=1, apps=1)
    scene.world.apple.portal(scene.world.location, "ASSOCIATE", scene.adam_ids[0], scene.serials)
    scene.apply(scene.desired(on_unwanted="release"))
    scene.run(scene.all_installed)
    scene.apply(nothing(scene))
    return catch(scene, "LICENSE_NOT_OURS")


@scenario(
    "REMOVAL_WAITS",
    "removing",
    "when the device has answered its install",
    "nobody",
    next="goes on by itself",
    code=0,
)
def removal_waits(make_scene: MakeScene) -> Scene:
    scene = make_scene(devices=1, apps=1, macs=0)
    scene.world.devices[0].script.add(script.not_now(times=0))
    scene.apply(scene.desired(on_unwanted="remove"))
    catch(scene, "NOT_NOW")
    scene.apply(nothing(scene))
    return catch(scene, "REMOVAL_WAITS")


@scenario(
    "REMOVING",
    "removing",
    "is being removed from",
    "nobody",
    next="the device removes it when it connects",
    code=0,
)
def removing(make_scene: MakeScene) -> Scene:
    return catch(unwanted(make_scene, "remove"), "REMOVING")


@scenario(
    "REMOVE_FAILED",
    "failed",
    "would not remove",
    "the admin",
    next="remove it on the device",
    code=1,
)
def remove_failed(make_scene: MakeScene) -> Scene:
    scene = make_scene(devices=1, apps=1, macs=0)
    no = script.error("MCMDMErrorDomain", 12031, times=0, request_type="RemoveApplication")
    scene.world.devices[0].script.add(no)
    scene.apply(scene.desired(on_unwanted="remove"))
    scene.run(scene.all_installed)
    scene.apply(nothing(scene))
    return catch(scene, "REMOVE_FAILED")


@scenario(
    "REMOVED",
    "removed",
    "was removed from",
    "nobody",
    next="this is the end",
    code=0,
)
def removed(make_scene: MakeScene) -> Scene:
    return catch(unwanted(make_scene, "remove"), "REMOVED")


@scenario(
    "NOTHING_REMOVED",
    "removed",
    "was not managed on",
    "nobody",
    next="a copy that somebody else installed stays",
    code=0,
)
def nothing_removed(make_scene: MakeScene) -> Scene:
    scene = make_scene(devices=1, apps=1, macs=0)
    no = script.error("MDMErrorDomain", 12038, request_type="RemoveApplication")
    scene.world.devices[0].script.add(no)
    scene.apply(scene.desired(on_unwanted="remove"))
    scene.run(scene.all_installed)
    scene.apply(nothing(scene))
    return catch(scene, "NOTHING_REMOVED")
