"""Scenes of what waits for a user."""

from __future__ import annotations

from dataclasses import replace

from bridge.domain.users.wish import UserWish
from tests.flow.reasons import MakeScene, catch, scenario
from tests.flow.scene import Scene
from tests.flow.user_kit import accept, wish

ANN = "client-100"
BOOK = "1098765432"


def of_ann(scene: Scene, **values: str) -> UserWish:
    return UserWish(ANN, serials=tuple(scene.serials), **values)


def one_device(make_scene: MakeScene) -> Scene:
    return make_scene(devices=1, apps=1, macs=0)


@scenario(
    "USER_LICENSE_NEEDED",
    "failed",
    "needs the licence of a user: a user enrolment tells no serial number",
    "the admin",
    next="license_to: auto",
    code=1,
)
def license_needed(make_scene: MakeScene) -> Scene:
    scene = make_scene(devices=1, apps=1, macs=0, enrol=False)
    scene.world.devices[0].enrollment_id = "a1b2c3"
    scene.world.enrol_all()
    scene.pass_time(5)
    scene.bridge.assign(["a1b2c3"], scene.adam_ids[0])
    return catch(scene, "USER_LICENSE_NEEDED")


@scenario(
    "NO_USER",
    "waiting",
    "nobody knows whose device it is",
    "the admin",
    next="under users: in the file",
    code=1,
)
def no_user(make_scene: MakeScene) -> Scene:
    scene = one_device(make_scene)
    scene.apply(scene.wanted_for(scene.serials, license_to="user"))
    return catch(scene, "NO_USER")


@scenario(
    "USER_NOT_REGISTERED",
    "waiting",
    "is not registered at hq yet",
    "nobody",
    next="vpp-bridge users",
    code=0,
)
def not_registered(make_scene: MakeScene) -> Scene:
    scene = one_device(make_scene)
    ann = of_ann(scene)
    scene.apply(wish(scene, [ann]))
    return catch(scene, "USER_NOT_REGISTERED")


@scenario(
    "USER_ASSOCIATING",
    "waiting",
    "has not associated the user",
    "Apple",
    next="by itself",
    code=0,
)
def associating(make_scene: MakeScene) -> Scene:
    scene = one_device(make_scene)
    ann = of_ann(scene, managed_apple_id="ann@mid.example.org")
    scene.apply(wish(scene, [ann]))
    return catch(scene, "USER_ASSOCIATING")


@scenario(
    "USER_NOT_ASSOCIATED",
    "needs_user",
    "has not accepted the invitation yet",
    "somebody at the device",
    next="open the invitation",
    code=1,
)
def not_associated(make_scene: MakeScene) -> Scene:
    scene = one_device(make_scene)
    ann = of_ann(scene)
    scene.apply(wish(scene, [ann]))
    return catch(scene, "USER_NOT_ASSOCIATED")


@scenario(
    "NO_USER_CHANNEL",
    "waiting",
    "no user of this Mac is known",
    "somebody at the device",
    next="log in at the Mac",
    code=1,
)
def no_channel(make_scene: MakeScene) -> Scene:
    scene = make_scene(devices=1, apps=1, macs=1)
    ann = of_ann(scene)
    scene.apply(wish(scene, [ann]))
    accept(scene, ANN)
    return catch(scene, "NO_USER_CHANNEL")


@scenario(
    "USER_LIBRARY",
    "licensed",
    "in the user's own library",
    "nobody",
    next="in Books or the App Store",
    code=0,
)
def library(make_scene: MakeScene) -> Scene:
    scene = one_device(make_scene)
    scene.world.add_book(scene.world.location, "1098765432", "A Book")
    scene.apply(wish(scene, [of_ann(scene)], ["361309726"]))
    accept(scene, ANN)
    scene.bridge.assign([f"user:{ANN}"], "1098765432")
    return catch(scene, "USER_LIBRARY")


def with_book(make_scene: MakeScene, macs: int) -> Scene:
    scene = make_scene(devices=1, apps=0, macs=macs, traits={"user_id": "U-1"} if macs else {})
    scene.world.add_book(scene.world.location, BOOK, "A Book")
    scene.apply(wish(scene, [of_ann(scene)], [BOOK]))
    accept(scene, ANN)
    return scene


@scenario(
    "BOOK_INSTALLED",
    "installed",
    "the device lists it as Installed",
    "nobody",
    next="looks again in every list",
    code=0,
)
def book_installed(make_scene: MakeScene) -> Scene:
    return catch(with_book(make_scene, macs=0), "BOOK_INSTALLED")


@scenario(
    "BOOK_NOT_LISTED",
    "unconfirmed",
    "a Mac lists no books",
    "nobody",
    next="finds it in Books",
    code=0,
)
def book_not_listed(make_scene: MakeScene) -> Scene:
    return catch(with_book(make_scene, macs=1), "BOOK_NOT_LISTED")


@scenario(
    "LICENSE_SHARED",
    "removed",
    "other devices of its user need it",
    "nobody",
    next="the last of them",
    code=0,
)
def shared(make_scene: MakeScene) -> Scene:
    scene = make_scene(devices=2, apps=1, macs=0)
    ann = of_ann(scene)
    scene.apply(wish(scene, [ann], on_unwanted="release"))
    accept(scene, ANN)
    scene.run(scene.all_installed)
    scene.apply(wish(scene, [replace(ann, serials=ann.serials[:1])], on_unwanted="release"))
    return catch(scene, "LICENSE_SHARED")
