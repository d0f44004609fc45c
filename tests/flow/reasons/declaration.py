"""Reasons of apps that declarations manage, by the device's declarative status."""

from __future__ import annotations

from bridge.simulator.mdm.mdm import MdmSettings
from tests.flow.reasons import MakeScene, catch, scenario
from tests.flow.scene import DAY, Scene


def declared(make_scene: MakeScene, state: str, *codes: str) -> Scene:
    """A device on which a declaration manages the one app, before the bridge wants it."""
    mdm = MdmSettings(kind="nanomdm")
    scene = make_scene(devices=1, apps=1, macs=0, mdm=mdm)
    scene.world.devices[0].declare(scene.adam_ids[0], state, *codes)
    scene.apply(scene.desired(named=True))
    return scene


@scenario(
    "MANAGED_BY_DECLARATION",
    "installed",
    "where a declaration manages it",
    "nobody",
    next="neither sends nor removes it",
    code=0,
)
def managed(make_scene: MakeScene) -> Scene:
    return catch(declared(make_scene, "managed"), "MANAGED_BY_DECLARATION")


@scenario(
    "DECLARATION_PENDING",
    "installing",
    "it is being downloaded",
    "nobody",
    next="the bridge sends nothing",
    code=0,
)
def pending(make_scene: MakeScene) -> Scene:
    return catch(declared(make_scene, "downloading"), "DECLARATION_PENDING")


@scenario(
    "DECLARATION_ASKS",
    "needs_user",
    "asked to sign in to the App Store",
    "somebody at the device",
    next="accept the question on the device",
    code=1,
)
def asks(make_scene: MakeScene) -> Scene:
    scene = declared(make_scene, "prompting-for-login")
    scene.run(lambda: scene.states() == {"needs_user DECLARATION_ASKS": 1}, 8 * DAY)
    return scene


@scenario(
    "DECLARATION_OFFERS",
    "needs_user",
    "it is optional, and nobody has installed it",
    "somebody at the device",
    next="install it on the device, or have the declaration require it",
    code=1,
)
def offers(make_scene: MakeScene) -> Scene:
    return catch(declared(make_scene, "optional"), "DECLARATION_OFFERS")


@scenario(
    "DECLARATION_FAILED",
    "failed",
    "the app does not run on this device (Error.NotSupported)",
    "the admin",
    next="exclude the device in the file",
    code=1,
)
def failed(make_scene: MakeScene) -> Scene:
    return catch(declared(make_scene, "failed", "Error.NotSupported"), "DECLARATION_FAILED")
