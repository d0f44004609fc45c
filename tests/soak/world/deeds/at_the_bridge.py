"""What befalls the bridge itself, and what its administrators do with it."""

from __future__ import annotations

import base64
import dataclasses
from random import Random
from typing import Any

from bridge.domain.desired.desired import AppWish, Desired, Group
from bridge.domain.reclaim.selection import Selection
from bridge.domain.updates.rule import UpdateWish
from bridge.domain.users.wish import UserWish
from tests.flow.scene import API_KEY
from tests.soak.world.death import PLACES
from tests.soak.world.deeds import deed
from tests.soak.world.life import LOCATIONS, Life
from tests.soak.world.script import DAY, HOUR

_BASIC = {"Authorization": "Basic " + base64.b64encode(f"bridge:{API_KEY}".encode()).decode()}
_PAGES = ("/", "/apps", "/devices", "/drift", "/events", "/outbox", "/audit", "/users")
_LISTS = ("/metrics", "/readyz", "/v1/installs", "/v1/drift", "/v1/commands", "/v1/assignments")


@deed(8)
def kill(life: Life, chance: Random) -> str:
    """It will die at one of the next outside calls, commits or hooks."""
    place, nth = chance.choice(PLACES), chance.choice((1, 1, 2, 3, 5, 8, 20))
    life.reaper.plan(place, nth)
    return f"the bridge will be killed at {place} {nth}"


@deed(4)
def down(life: Life, chance: Random) -> str:
    """It is killed, and is not there for a while."""
    seconds = chance.choice((5.0, 120.0, 2 * HOUR, 2 * DAY))
    life.kill(seconds)
    return f"the bridge was down for {seconds / HOUR:.3g} h until now"


@deed(2)
def clock_set(life: Life, chance: Random) -> str:
    """The clock of its machine is set, by an hour or by days."""
    by = chance.choice((-HOUR, -60.0, HOUR, DAY, -DAY))
    by = -life.clock_ahead if life.clock_ahead else by
    life.set_clock(by)
    return f"the bridge's clock is set by {by / HOUR:g} h"


@deed(7)
def apply(life: Life, chance: Random) -> str:
    """Somebody applies another file."""
    life.wanted = desired(life, chance)
    limit = chance.choice((None, None, None, 5))
    said = life.person(
        lambda: life.bridge.apply(
            life.wanted, limit=limit, allow_removals=10_000, allow_irrevocable=10_000
        )
    )
    apps = "; ".join(_told(app) for app in life.wanted.apps)
    groups = " ".join(f"{g.name}={','.join(g.serials) or 'all'}" for g in life.wanted.groups)
    return f"apply (limit {limit}): {groups}: {apps}{said}"


def _told(app: AppWish) -> str:
    usual = AppWish(app.adam_id, app.groups, app.location, name=app.name)
    fields = {each.name: getattr(app, each.name) for each in dataclasses.fields(app)}
    differ = {name: value for name, value in fields.items() if value != getattr(usual, name)}
    return f"{app.adam_id} for {','.join(app.groups)} at {app.location} {differ}"


def desired(life: Life, chance: Random) -> Desired:
    """A file of everybody, some and a few for updates first, with an entry for most apps."""
    serials = life.serials
    some = tuple(sorted(chance.sample(serials, len(serials) // 2)))
    groups = [Group("everybody", all=True), Group("some", serials=some)]
    groups.append(Group("pilots", serials=tuple(serials[:3])))
    users: tuple[UserWish, ...] = ()
    if chance.random() < 0.3:
        users = tuple(
            UserWish(
                f"client-{n}", f"client-{n}@example.org", serials=tuple(serials[n * 2 : n * 2 + 2])
            )
            for n in range(3)
        )
        groups.append(Group("staff", all_users=True))
    for device in life.world.devices:
        device.account = next(
            (u.client_user_id for u in users if device.serial_number in u.serials), ""
        )
    apps = tuple(
        _app(life, chance, adam_id, has_users=bool(users))
        for adam_id in life.adam_ids
        if chance.random() < 0.85
    )
    return Desired(tuple(groups), apps, users)


def _app(life: Life, chance: Random, adam_id: str, *, has_users: bool) -> AppWish:
    bundle_id, name = life.world.catalogue[adam_id]
    location = chance.choice(("hq", "hq", "branch"))
    others = tuple(each for each in LOCATIONS if each != location)
    to_user = has_users and chance.random() < 0.5
    ring = chance.choice((None, None, UpdateWish(rings=("pilots",), ring_wait=DAY / 2)))
    options: dict[str, Any] = {
        "fallbacks": others if chance.random() < 0.5 and not to_user else (),
        "mode": "license_only" if chance.random() < 0.1 else "install",
        "license_to": "user" if to_user else "device",
        "on_unwanted": chance.choice(("keep", "release", "remove")),
        "on_deleted": chance.choice(("ask", "reinstall")),
        "on_unenrol": chance.choice((None, "keep", "release")),
        "managed": chance.random() < 0.9,
        "take_over": chance.random() < 0.5,
        "setup": chance.choice(("none", "none", "best_effort", "required")),
        "bundle_id": bundle_id if chance.random() < 0.5 else None,
        "configuration": {"server": f"s{chance.randrange(2)}"} if chance.random() < 0.2 else {},
        "priority": chance.choice((0, 0, 5)),
        "update": ring,
    }
    if not options["managed"]:
        options |= {"configuration": {}, "take_over": False}
    groups = chance.choice((("everybody",), ("some",), ("some", "pilots")))
    groups = ("staff",) if to_user else groups
    return AppWish(adam_id, groups, location, name=name, **options)


@deed(4)
def one_off(life: Life, chance: Random) -> str:
    """Somebody wishes for an app on a device, excludes one, or withdraws that."""
    serial, adam_id = chance.choice(life.serials), chance.choice(life.adam_ids)
    act = chance.choice(("assign", "exclude", "unassign"))
    named = {"location": chance.choice(LOCATIONS)} if act == "assign" else {}
    said = life.person(lambda: getattr(life.bridge, act)([serial], adam_id, **named))
    return f"{act} {adam_id} {serial}{said}"


@deed(4)
def pause(life: Life, chance: Random) -> str:
    """Something is paused for a while."""
    scope = chance.choice(("all", "app", "location", "serial"))
    names = {"app": life.adam_ids, "location": LOCATIONS, "serial": life.serials}
    name = chance.choice(names.get(scope, ("",)))
    hours = chance.choice((0.05, 1.0, 30.0))
    said = life.person(lambda: life.bridge.pause(scope, name))
    life.later(hours * HOUR, lambda: life.person(lambda: life.bridge.resume(scope, name)))
    return f"{scope} {name} is paused for {hours:g} h{said}"


@deed(3)
def retry(life: Life, _chance: Random) -> str:
    """All that stopped gets another round."""
    return f"retry of all{life.person(life.bridge.retry)}"


@deed(2)
def sync(life: Life, chance: Random) -> str:
    """Everything, or one kind of it, is read anew."""
    what = chance.choice(("all", "assets", "assignments", "devices"))
    return f"sync {what}{life.person(lambda: life.bridge.sync(what))}"


@deed(2)
def reclaim(life: Life, chance: Random) -> str:
    """What nobody wants, or devices that left have, is given back."""
    chosen = chance.choice((Selection(unwanted=True), Selection(unenrolled=True)))
    said = life.person(lambda: life.bridge.reclaim(chosen, allow_removals=10_000))
    return f"reclaim {chosen}{said}"


@deed(1)
def replace(life: Life, chance: Random) -> str:
    """A device takes another's place."""
    old, new = chance.sample(life.serials, 2)
    return f"{new} replaces {old}{life.person(lambda: life.bridge.replace(old, new))}"


@deed(3)
def release(life: Life, chance: Random) -> str:
    """An app has a new version, which a person may want at once."""
    adam_id = chance.choice(life.adam_ids)
    external = life.world.releases[adam_id].external + 1
    life.world.release(adam_id, f"1.{external - 100}", external)
    said = ""
    if chance.random() < 0.5:
        said = life.person(lambda: life.bridge.update(adam_id, now=chance.random() < 0.5))
    return f"{adam_id} is out as 1.{external - 100}{said}"


@deed(2)
def accept(life: Life, _chance: Random) -> str:
    """Users open their invitations."""
    for location in life.world.apple.locations:
        for user in life.wanted.users:
            if user.client_user_id in location.users:
                location.users.accept(user.client_user_id)
    return "users accept their invitations"


@deed(2)
def replay(life: Life, chance: Random) -> str:
    """Old messages are handled once more."""
    if not life.reachable:
        return ""
    ids = [row[0] for row in life.rows("SELECT id FROM events ORDER BY id DESC LIMIT 50")]
    for event_id in chance.sample(ids, min(len(ids), 3)):
        life.bridge.replay_event(event_id)
    return "three messages are handled once more"


@deed(2)
def look(life: Life, _chance: Random) -> str:
    """Somebody looks at the pages and lists."""
    for path in (*_PAGES, *_LISTS):
        status = life.client.get(path, headers=_BASIC).status_code
        if status >= 500 and path != "/readyz":
            life.odd.append(f"{path} answered {status}")
    return "somebody looks around"
