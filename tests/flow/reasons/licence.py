"""Reasons that lie with the licence: seats, Apple's answers, and others who take it away."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from bridge.domain.policy import AssociatePolicy, Policy
from bridge.engine.decide import reconcile
from bridge.simulator.faults import Fault
from tests.flow.reasons import MakeScene, catch, scenario
from tests.flow.scene import Scene


def with_fault(make_scene: MakeScene, *faults: Fault) -> Scene:
    """One device, one app, and these mishaps."""
    scene = make_scene(devices=1, apps=1, faults=faults)
    scene.apply()
    return scene


def event_fails(make_scene: MakeScene, number: int) -> Scene:
    """Apple takes every request, and then tells that it failed."""
    return with_fault(make_scene, Fault("apple.event", "error", number=number, times=0))


@scenario(
    "NO_SEAT",
    "waiting",
    "is free at hq: 0 of 1 free",
    "the admin",
    next="buy more or free some",
    code=1,
)
def no_seat(make_scene: MakeScene) -> Scene:
    scene = make_scene(devices=2, apps=1, seats=1)
    scene.apply()
    return catch(scene, "NO_SEAT")


@scenario(
    "NOT_PURCHASED",
    "waiting",
    "is owned at hq",
    "the admin",
    next="buy it for this location",
    code=1,
)
def not_purchased(make_scene: MakeScene) -> Scene:
    scene = make_scene(devices=1, apps=1)
    scene.world.location.library.assets.clear()
    scene.apply()
    return catch(scene, "NOT_PURCHASED")


def without_platforms(document: dict[str, Any]) -> dict[str, Any]:
    """The first asset has a platform that is none."""
    document["assets"][0]["supportedPlatforms"] = [None]
    return document


@scenario(
    "ASSET_UNREADABLE",
    "waiting",
    "supportedPlatforms is not a list of texts (row 1 of assets",
    "the admin",
    next="the bridge reads the list again",
    code=1,
)
def odd_asset(make_scene: MakeScene) -> Scene:
    odd = Fault("apple.assets", "odd", times=0, edit=without_platforms)
    return catch(with_fault(make_scene, odd), "ASSET_UNREADABLE")


def without_serial(document: dict[str, Any]) -> dict[str, Any]:
    """The first assignment does not tell its holder."""
    for row in document["assignments"][:1]:
        row["serialNumber"] = None
    return document


@scenario(
    "ASSIGNMENT_UNREADABLE",
    "waiting",
    "may be the licence of SIM0000001 for Pages: serialNumber is missing",
    "the admin",
    next="looks at this device's licences again",
    code=1,
)
def odd_assignment(make_scene: MakeScene) -> Scene:
    odd = Fault("apple.assignments", "odd", times=0, edit=without_serial)
    scene = make_scene(devices=1, apps=1, faults=[odd])
    scene.world.apple.portal(scene.world.location, "ASSOCIATE", scene.adam_ids[0], scene.serials)
    scene.apply()
    return catch(scene, "ASSIGNMENT_UNREADABLE")


@scenario(
    "NOT_DEVICE_ASSIGNABLE",
    "failed",
    "cannot be assigned to devices",
    "the admin",
    next="take it out of the file",
    code=1,
)
def for_users_only(make_scene: MakeScene) -> Scene:
    scene = make_scene(devices=1, apps=1)
    scene.world.location.library.assets[scene.adam_ids[0], "STDQ"].device_assignable = False
    scene.apply()
    return catch(scene, "NOT_DEVICE_ASSIGNABLE")


@scenario(
    "SEAT_PENDING",
    "waiting",
    "is next in line for a seat",
    "nobody",
    next="allocates the free seats within seconds",
    code=0,
)
def next_in_line(make_scene: MakeScene) -> Scene:
    scene = make_scene(devices=1, apps=2)
    first, second = scene.desired().apps
    scene.apply(replace(scene.desired(), apps=(first,)))
    scene.run(scene.all_installed)
    scene.apply(replace(scene.desired(), apps=(first, second)))
    with scene.bridge.database.write() as db:  # the engine allocates in the same pass
        reconcile.decide_dirty(scene.bridge.context(db))
    return scene


@scenario(
    "ASSOCIATE_COLLECTING",
    "associating",
    "goes out with the next request",
    "nobody",
    next="as soon as no more pairs are coming",
    code=0,
)
def collecting(make_scene: MakeScene) -> Scene:
    return catch(with_fault(make_scene), "ASSOCIATE_COLLECTING")


@scenario(
    "ASSOCIATE_REQUESTED",
    "associating",
    "has not confirmed it yet",
    "Apple",
    next="a notification or the event's status confirms it",
    code=0,
)
def requested(make_scene: MakeScene) -> Scene:
    return catch(with_fault(make_scene), "ASSOCIATE_REQUESTED")


@scenario(
    "ASSOCIATE_IN_DOUBT",
    "associating",
    "it is not known whether Apple got the request",
    "Apple",
    next="asks again only if it is still missing later",
    code=0,
)
def in_doubt(make_scene: MakeScene) -> Scene:
    lost = Fault("apple.associate", "request_lost")
    return catch(with_fault(make_scene, lost), "ASSOCIATE_IN_DOUBT")


@scenario(
    "APPLE_AWAY",
    "waiting",
    "Apple has not taken the request",
    "Apple",
    next="sends it again by itself",
    code=0,
)
def away(make_scene: MakeScene) -> Scene:
    fault = Fault("apple.associate", "error", number=9646, times=0)
    return catch(with_fault(make_scene, fault), "APPLE_AWAY")


@scenario(
    "APPLE_BUSY",
    "waiting",
    "the licence is locked by a pending transfer (9643)",
    "Apple",
    next="asks again by itself",
    code=0,
)
def busy(make_scene: MakeScene) -> Scene:
    return catch(event_fails(make_scene, 9643), "APPLE_BUSY")


@scenario(
    "APPLE_REFUSED",
    "failed",
    "Apple refused the licence",
    "the admin",
    next="run vpp-bridge retry",
    code=1,
)
def refused(make_scene: MakeScene) -> Scene:
    return catch(event_fails(make_scene, 9602), "APPLE_REFUSED")


@scenario(
    "LICENSE_RETRY",
    "waiting",
    "Apple did not find the licence (9610)",
    "nobody",
    next="asks again",
    code=0,
)
def asked_again(make_scene: MakeScene) -> Scene:
    return catch(event_fails(make_scene, 9610), "LICENSE_RETRY")


@scenario(
    "LICENSE_GONE",
    "failed",
    "is gone",
    "the admin",
    next="buy it again for this location",
    code=1,
)
def refunded(make_scene: MakeScene) -> Scene:
    return catch(event_fails(make_scene, 9624), "LICENSE_GONE")


def taken_by_others(make_scene: MakeScene, policy: Policy) -> Scene:
    """Somebody in Apple's portal takes the licence of an installed app away."""
    scene = make_scene(devices=1, apps=1, policy=policy)
    scene.apply()
    scene.run(scene.all_installed)
    location, (app,) = scene.world.location, scene.adam_ids
    scene.world.apple.portal(location, "DISASSOCIATE", app, scene.serials)
    return scene


@scenario(
    "LICENSE_TAKEN",
    "waiting",
    "somebody else took the licence",
    "nobody",
    next="asks for it again later, twice at most",
    code=0,
)
def taken(make_scene: MakeScene) -> Scene:
    return catch(taken_by_others(make_scene, Policy()), "LICENSE_TAKEN")


@scenario(
    "TAKEN_AWAY",
    "needs_user",
    "again and again",
    "the admin",
    next="find out which other tool or person manages hq",
    code=1,
)
def taken_again(make_scene: MakeScene) -> Scene:
    policy = replace(Policy(), associate=AssociatePolicy(taken_retry=()))
    return catch(taken_by_others(make_scene, policy), "TAKEN_AWAY")


@scenario(
    "LICENSED",
    "licensed",
    "holds a licence",
    "nobody",
    next="this is the end",
    code=0,
)
def licence_only(make_scene: MakeScene) -> Scene:
    scene = make_scene(devices=1, apps=1)
    scene.apply(scene.desired(mode="license_only"))
    return catch(scene, "LICENSED")
