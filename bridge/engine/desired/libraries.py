"""Books for users of whom no device is named: they come into the user's own library."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from bridge.domain.desired.desired import AppWish, Desired, Group
from bridge.domain.devices.targets import of_user
from bridge.store.database import Connection
from bridge.store.licences import locations

Libraries = Mapping[int, frozenset[str]]
"""By the place of an entry among the apps, the users who get it without a device, as targets."""


def libraries(db: Connection, desired: Desired) -> Libraries:
    """Who gets a book of the file without a device, as far as Apple has told that it is one.

    Apps are left out: without a device, nobody would see their licences used. `exclude` means users
    by their groups, and everybody by a group of `all`, as it does devices.
    """
    alone = frozenset(user.client_user_id for user in desired.users if not user.targets)
    entries = [(place, app) for place, app in enumerate(desired.apps) if app.license_to != "device"]
    if not alone or not entries:
        return {}
    books = locations.books(db, [app.adam_id for _, app in entries])
    groups = {group.name: group for group in desired.groups}
    return {
        place: _users(app, groups, alone)
        for place, app in entries
        if any((name, app.asset) in books for name in app.locations)
    }


def _users(app: AppWish, groups: Mapping[str, Group], alone: frozenset[str]) -> frozenset[str]:
    inside, outside = _chosen(app.groups, groups), _chosen(app.exclude, groups)
    if any(group.all for group in outside):
        return frozenset()
    users = _of(inside, alone) - _of(outside, alone)
    return frozenset(map(of_user, users))


def _chosen(names: Sequence[str], groups: Mapping[str, Group]) -> list[Group]:
    return [groups[name] for name in names if name in groups]


def _of(some: Iterable[Group], alone: frozenset[str]) -> frozenset[str]:
    return frozenset().union(*(alone if g.all_users else alone & set(g.users) for g in some))
