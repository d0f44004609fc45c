"""Where users are to be registered: a library knows only those who were registered in it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from types import MappingProxyType

from bridge.domain.desired.desired import AppWish, Desired
from bridge.domain.users.wish import UserWish


def is_for_users(app: AppWish) -> bool:
    """Whether an entry may take licences of users."""
    return app.license_to != "device"


def registrations(
    desired: Desired,
    for_users: Callable[[AppWish], bool] = is_for_users,
    device_assignable: Callable[[AppWish], bool] = lambda app: True,
) -> Mapping[str, tuple[UserWish, ...]]:
    """By location, the users that are to be registered there, in the file's order.

    A user with a `location` is registered in that one. Else it is wherever an entry `for_users` may
    take its licence from that means the user, or one of his devices by its serial number. An entry
    with `license_to: auto` needs only those whose devices are user enrolments, unless what it is of
    is not `device_assignable`, as books are.
    """
    places: dict[str, dict[str, None]] = defaultdict(dict)
    for user in desired.users:
        if user.location is not None:
            places[user.client_user_id][user.location] = None
    free = {user.client_user_id: user for user in desired.users if user.location is None}
    for app in desired.apps:
        if not for_users(app):
            continue
        for client_user_id in _meant(desired, app):
            other = free.get(client_user_id)
            by_device = app.license_to == "auto" and device_assignable(app)
            if other is not None and (other.enrollment_ids or not by_device):
                places[client_user_id].update(dict.fromkeys(app.locations))
    found: dict[str, list[UserWish]] = defaultdict(list)
    for user in desired.users:
        for location in places.get(user.client_user_id, ()):
            found[location].append(user)
    return MappingProxyType({location: tuple(users) for location, users in found.items()})


def _meant(desired: Desired, app: AppWish) -> set[str]:
    """The users whom an entry means by its groups, or by a device that one of them lists."""
    groups = {group.name: group for group in desired.groups}
    meant, user_of = set[str](), desired.user_of
    for name in app.groups:
        group = groups.get(name)
        if group is None:
            continue
        if group.all_users:
            meant.update(user.client_user_id for user in desired.users)
        meant.update(group.users)
        meant.update(user_of[serial] for serial in group.serials if serial in user_of)
    return meant
