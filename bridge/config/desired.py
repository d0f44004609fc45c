"""Reading `groups:`, `apps:` and `users:`."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, get_args

from bridge.config import app_settings, values
from bridge.config.names import names
from bridge.config.read import Reader, Spot, nearest
from bridge.config.serials import read_serials
from bridge.config.updates import read_update
from bridge.config.users import read_users
from bridge.domain.desired.desired import (
    AppWish,
    Desired,
    Group,
    Mode,
    OnDeleted,
    OnUnenrol,
    OnUnwanted,
)
from bridge.domain.desired.match import MATCH_KEYS, Match
from bridge.domain.devices.platforms import PLATFORMS
from bridge.domain.installs.options import Setup
from bridge.domain.users.wish import LicenseTo, UserWish
from bridge.domain.vocabulary import PRICING_PARAMS
from bridge.errors import ConfigError

GROUP_KEYS = ("serials", "serials_file", "match", "all", "users", "time_zone", "before_enrolment")
APP_KEYS = (
    "adam_id",
    "name",
    "location",
    "groups",
    "exclude",
    "platforms",
    "pricing_param",
    "mode",
    "license_to",
    "priority",
    "on_unwanted",
    "on_deleted",
    "on_unenrol",
    "managed",
    "take_over",
    "remove_with_profile",
    "prevent_backup",
    "configuration",
    "attributes",
    "bundle_id",
    "setup",
    "update",
)

_SIMPLE: Mapping[str, Callable[[str], Any]] = {
    "adam_id": values.adam_id,
    "name": str,
    "pricing_param": values.one_of(*PRICING_PARAMS),
    "mode": values.one_of(*get_args(Mode)),
    "license_to": values.one_of(*get_args(LicenseTo)),
    "priority": values.integer,
    "on_unwanted": values.one_of(*get_args(OnUnwanted)),
    "on_deleted": values.one_of(*get_args(OnDeleted)),
    "on_unenrol": values.one_of(*get_args(OnUnenrol)),
    "managed": values.boolean,
    "take_over": values.boolean,
    "remove_with_profile": values.boolean,
    "prevent_backup": values.boolean,
    "bundle_id": values.bundle_id,
    "setup": values.one_of(*get_args(Setup)),
}

_NULL_IS_POLICY = ("on_unenrol",)
"""Keys that may be null, which is as the policy says."""


def read_desired(
    reader: Reader,
    sections: Mapping[str, Spot],
    locations: Collection[str],
    standing: Sequence[UserWish] = (),
) -> Desired:
    """The groups, apps and users in these sections, by their keys; `locations` are the names of the
    configured ones, `standing` the users where no section is of users."""
    spots = names(reader, sections.get("groups"))
    apps = sections.get("apps")
    users = tuple(standing)
    if sections.keys() & {"users", "users_file"}:
        users = read_users(reader, sections.get("users"), sections.get("users_file"), locations)
    known = tuple(user.client_user_id for user in users)
    found = (_app(reader, spot, spots, locations) for spot in (reader.items(apps) if apps else ()))
    wishes = [(spot, wish) for spot, wish in found if wish is not None]
    _no_app_twice(reader, wishes)
    return Desired(
        groups=tuple(_group(reader, name, spot, known) for name, spot in spots.items()),
        apps=tuple(wish for _, wish in wishes),
        users=users,
    )


def _group(reader: Reader, name: str, spot: Spot, users: Collection[str]) -> Group:
    if spot.is_empty:
        reader.wrong(spot, f"names no devices; {_WAYS}")
    found = reader.section(spot, GROUP_KEYS)
    where, early = found.pop("time_zone", None), found.pop("before_enrolment", None)
    beside = len([each for each in (where, early) if each is not None])
    if beside and beside == spot.entries:  # an unknown key besides is a mistake of its own
        reader.wrong(spot, f"names no devices; {_WAYS}")
    kinds = [key for key in found if key not in ("serials", "serials_file")]
    if len(kinds) > 1 or (kinds and len(found) > 1):
        reader.wrong(
            spot,
            f"has {' and '.join(found)}; keep one way to name devices "
            "(only serials and serials_file go together)",
        )
    listed = (
        reader.values(found["serials"], values.listed_serial_number) if "serials" in found else ()
    )
    filed = read_serials(reader, found["serials_file"]) if "serials_file" in found else ()
    every = reader.value(found["all"], values.boolean) if "all" in found else None
    if every is False:
        reader.wrong(found["all"], f"must be true; or {_WAYS}")
    return Group(
        name,
        tuple(dict.fromkeys((*listed, *filed))),
        bool(every),
        _match(reader, found["match"]) if "match" in found else None,
        time_zone=None if where is None else reader.value(where, values.time_zone),
        before_enrolment=bool(early is not None and reader.value(early, values.boolean)),
        **(_users(reader, found["users"], users) if "users" in found else {}),
    )


def _users(reader: Reader, spot: Spot, known: Collection[str]) -> dict[str, Any]:
    """The users of a group: named ones, or all that the file has."""
    if spot.is_list:
        if spot.is_empty:
            reader.wrong(spot, "names no user; write users: [client-100], or users: all")
        return {"users": tuple(dict.fromkeys(reader.values(spot, _existing(known, "user"))))}
    if reader.text(spot) == "all":
        if not known:
            reader.warn(spot, "means nobody: no user is written under users: or in users_file")
        return {"all_users": True}
    reader.wrong(spot, "must be a list of clientUserIds, like users: [client-100], or users: all")
    return {}


_WAYS = (
    "write serials: [SERIAL, …], serials_file: FILE, match: {product_name: …}, users: [ID, …] or "
    "all: true"
)


def _match(reader: Reader, spot: Spot) -> Match:
    if spot.is_empty:
        reader.wrong(spot, f"has no condition; write one of {', '.join(MATCH_KEYS)}")
    found = reader.section(spot, MATCH_KEYS)
    read = {
        key: reader.value(child, values.os_version if key == "os_version" else values.pattern)
        for key, child in found.items()
    }
    return Match(**read)


def _app(
    reader: Reader, spot: Spot, groups: Collection[str], locations: Collection[str]
) -> tuple[Spot, AppWish | None]:
    found = reader.section(spot, APP_KEYS)
    read: dict[str, Any] = {
        key: reader.value(child, _SIMPLE[key])
        for key, child in found.items()
        if key in _SIMPLE and not (key in _NULL_IS_POLICY and child.is_null)
    }
    places = _locations(reader, spot, found.get("location"), locations)
    if places:
        read |= {"location": places[0], "fallbacks": places[1:]}
    for key in found.keys() & {"groups", "exclude"}:
        read[key] = tuple(dict.fromkeys(reader.values(found[key], _existing(groups, "group"))))
    if "platforms" in found:
        read["platforms"] = _platforms(reader, found["platforms"])
    read |= app_settings.read_settings(reader, found, read)
    if "update" in found:
        read["update"] = read_update(reader, found["update"], read, groups)
    if "adam_id" not in found:
        reader.missing(spot, "adam_id", 'write the app\'s number, like adam_id: "361309726"')
    if "groups" not in found:
        reader.missing(spot, "groups", "write who gets the app, like groups: [NAME]")
    elif found["groups"].is_empty:
        reader.wrong(found["groups"], "names no group; write one, or leave the app out")
    given = {key: value for key, value in read.items() if value is not None}
    whole = {"adam_id", "groups", "location"} <= given.keys()
    return found.get("adam_id", spot), AppWish(**given) if whole else None


def _platforms(reader: Reader, spot: Spot) -> tuple[str, ...]:
    """The platforms of an entry; those with mistakes are left out."""
    if spot.is_empty:
        reader.wrong(spot, "names no platform; write one, or leave the key out for all of them")
    given = reader.values(spot, values.platform)
    return tuple(platform for platform in PLATFORMS if platform in given)


def _locations(
    reader: Reader, app: Spot, spot: Spot | None, known: Collection[str]
) -> tuple[str, ...]:
    """Where licences may come from, in order; none after a mistake."""
    if spot is not None and spot.is_list:
        if spot.is_empty:
            reader.wrong(spot, "names no location; write one, or a list of them")
        return tuple(dict.fromkeys(reader.values(spot, _existing(known, "location"))))
    if spot is not None:
        name = reader.value(spot, _existing(known, "location"))
        return () if name is None else (name,)
    if len(known) == 1:
        return tuple(known)
    reader.missing(
        app,
        "location",
        f"write one of {', '.join(known)}"
        if known
        else "no location is configured; write one under locations:",
    )
    return ()


def _existing(known: Collection[str], noun: str) -> Callable[[str], str]:
    def read(text: str) -> str:
        if text not in known:
            raise ConfigError([f"is not a {noun} of this file; {nearest(text, known)}"])
        return text

    return read


def _no_app_twice(reader: Reader, wishes: list[tuple[Spot, AppWish]]) -> None:
    """Entries of one app must be for different platforms, and mean one app."""
    earlier: dict[str, list[tuple[Spot, AppWish]]] = {}
    for spot, wish in wishes:
        others = earlier.setdefault(wish.adam_id, [])
        mistakes = (_unlike(reader, *other, spot, wish) for other in others)
        if mistake := next(filter(None, mistakes), None):
            reader.wrong(spot, mistake)
        others.append((spot, wish))


def _unlike(reader: Reader, first: Spot, earlier: AppWish, spot: Spot, wish: AppWish) -> str | None:
    """What is wrong with two entries of one app, if anything is."""
    places = reader.both(first, spot)
    if earlier.is_for_all and wish.is_for_all:
        return (
            f"the app is written twice, {places}; make them one entry (groups and location may be "
            "lists)"
        )
    shared = [platform for platform in wish.platforms if platform in earlier.platforms]
    if shared:
        names = " and ".join(shared)
        return (
            f"the app is written twice for {names}, {places}; name each platform under platforms: "
            "of one of them alone"
        )
    for key in ("name", "bundle_id"):
        here, there = getattr(wish, key), getattr(earlier, key)
        if here is not None and there is not None and here != there:
            return f"the app has another {key} in each entry, {places}; write it in one of them"
    return None
