"""Reasons that lie with the location: its token, whose it is, and whether Apple can be asked."""

from __future__ import annotations

from dataclasses import replace

from bridge.simulator.apple.config import ClientConfig
from bridge.simulator.faults import Fault
from tests.flow.reasons import MakeScene, catch, scenario
from tests.flow.scene import Scene
from tests.flow.test_locations import add_location, branch, desired, put_token


def refused(make_scene: MakeScene, number: int, where: str = "apple.client_config") -> Scene:
    """Apple answers every such call with this errorNumber."""
    scene = make_scene(devices=1, apps=1, faults=[Fault(where, "error", number=number, times=0)])
    scene.apply()
    return scene


@scenario(
    "LOCATION_STARTING",
    "waiting",
    "content token of hq is being set up",
    "nobody",
    next="goes on when Apple's counts and assignments have been read",
    code=0,
)
def starting(make_scene: MakeScene) -> Scene:
    scene = make_scene(devices=1, apps=1)
    scene.pass_time(30)  # the device is known, and nothing was asked of Apple without a wish
    scene.apply()
    return catch(scene, "LOCATION_STARTING")


@scenario(
    "RESTART_NEEDED",
    "waiting",
    "running bridge was started without branch",
    "the admin",
    next="restart vpp-bridge serve",
    code=1,
)
def restart_needed(make_scene: MakeScene) -> Scene:
    scene = make_scene(devices=1, apps=1)
    scene.pass_time(30)
    wanted_there = scene.desired()
    apps = tuple(replace(app, location="branch") for app in wanted_there.apps)
    scene.apply(replace(wanted_there, apps=apps))
    return catch(scene, "RESTART_NEEDED")


@scenario(
    "LOCATION_BUSY",
    "waiting",
    "Apple cannot be asked about hq now",
    "Apple",
    next="tries again by itself",
    code=0,
)
def busy(make_scene: MakeScene) -> Scene:
    scene = make_scene(devices=1, apps=1, faults=[Fault("apple.assets", "gateway", times=0)])
    scene.apply()
    return catch(scene, "LOCATION_BUSY")


@scenario(
    "LOCATION_TROUBLE",
    "waiting",
    "content token of hq cannot be set up: the MDM's metadata is too long",
    "the admin",
    next="mend the cause",
    code=1,
)
def trouble(make_scene: MakeScene) -> Scene:
    return catch(refused(make_scene, 9713, "apple.set_client_config"), "LOCATION_TROUBLE")


@scenario(
    "TOKEN_EXPIRED",
    "waiting",
    "content token of hq has expired",
    "the admin",
    next="download a new token",
    code=1,
)
def expired(make_scene: MakeScene) -> Scene:
    return catch(refused(make_scene, 9621), "TOKEN_EXPIRED")


@scenario(
    "TOKEN_REVOKED",
    "waiting",
    "content token of hq was revoked",
    "the admin",
    next="download a new token",
    code=1,
)
def revoked(make_scene: MakeScene) -> Scene:
    return catch(refused(make_scene, 9625), "TOKEN_REVOKED")


@scenario(
    "TOKEN_INVALID",
    "waiting",
    "Apple does not accept the content token of hq",
    "the admin",
    next="put it in the token file",
    code=1,
)
def invalid(make_scene: MakeScene) -> Scene:
    return catch(refused(make_scene, 9622), "TOKEN_INVALID")


@scenario(
    "TOKEN_READ_ONLY",
    "waiting",
    "content token of hq may only read",
    "the admin",
    next="content manager's rights",
    code=1,
)
def read_only(make_scene: MakeScene) -> Scene:
    return catch(refused(make_scene, 9637, "apple.set_client_config"), "TOKEN_READ_ONLY")


@scenario(
    "APPLE_MANAGED",
    "waiting",
    "Apple's own device management holds hq",
    "the admin",
    next="use a location of its own for the bridge",
    code=1,
)
def apple_managed(make_scene: MakeScene) -> Scene:
    return catch(refused(make_scene, 9645), "APPLE_MANAGED")


@scenario(
    "SERVICE_REMOVED",
    "waiting",
    "Apple has removed the service that the bridge uses for hq",
    "the admin",
    next="newer version of the bridge",
    code=1,
)
def removed(make_scene: MakeScene) -> Scene:
    return catch(refused(make_scene, 9634), "SERVICE_REMOVED")


@scenario(
    "FOREIGN_MDM",
    "waiting",
    "another MDM manages hq: Apple names Other MDM",
    "the admin",
    next="take it over with vpp-bridge claim",
    code=1,
)
def foreign(make_scene: MakeScene) -> Scene:
    scene = make_scene(devices=1, apps=1)
    other = {"id": "other-id", "name": "Other MDM", "metadata": "mdm.example.com"}
    scene.world.location.client = ClientConfig(mdm_info=other)
    scene.apply()
    return catch(scene, "FOREIGN_MDM")


@scenario(
    "SHARED_LIBRARY",
    "waiting",
    "twin has the same library as another location: hq comes before it",
    "the admin",
    next="leave one of the two out",
    code=1,
)
def shared(make_scene: MakeScene) -> Scene:
    scene = make_scene(devices=1, apps=1)
    token = scene.world.apple.issue_token(scene.world.location).text
    add_location(scene, "twin", token)
    scene.apply(desired(scene, {scene.adam_ids[0]: "twin"}))
    return catch(scene, "SHARED_LIBRARY")


@scenario(
    "TOKEN_OTHER_LIBRARY",
    "waiting",
    "the token file of hq holds a token of another location",
    "the admin",
    next="put a token of the same location as before in the file",
    code=1,
)
def other_library(make_scene: MakeScene) -> Scene:
    scene = make_scene(devices=1, apps=1)
    scene.apply()
    scene.run(scene.all_installed)
    put_token(scene, branch(scene).token)
    scene.world.new_device("LATE1").enrol()
    return catch(scene, "TOKEN_OTHER_LIBRARY")
