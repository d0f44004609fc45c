"""What the admin wants: groups of devices, the apps that they get, and the users they belong to.

These values come from the configuration file (or the API's `apply`), are stored whole by
`apply`, and are read back by the engine. `as_json`/`from_json` are their stored form.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Final, Literal

from bridge.domain.desired.match import Match
from bridge.domain.devices.platforms import PLATFORMS
from bridge.domain.installs.options import Setup
from bridge.domain.model import DEFAULT_PRICING, Asset
from bridge.domain.updates.rule import UpdateWish
from bridge.domain.users.wish import LicenseTo, UserWish

Mode = Literal["install", "license_only"]
OnUnwanted = Literal["keep", "release", "remove"]
OnDeleted = Literal["ask", "reinstall"]
OnUnenrol = Literal["keep", "release"]

BY_FILE: Final = "file"
BY_ONE_OFF: Final = "one-off"
BY_BOTH: Final = "file and one-off"
"""Who wants an install: the file's groups and apps, a one-off wish beside them, or both."""


@dataclass(frozen=True, slots=True)
class Group:
    """A named set of devices: the given serial numbers (upper case), or every enrolled device, or
    the enrolled devices that a `match` means, or all devices of the given users, or of `all_users`.
    """

    name: str
    serials: tuple[str, ...] = ()
    all: bool = False
    match: Match | None = None
    users: tuple[str, ...] = ()
    all_users: bool = False
    time_zone: str | None = None
    """By whose clock new versions are sent to its devices; None: by that of the policy."""
    before_enrolment: bool = False
    """Whether its devices are licensed before they enrol."""

    @property
    def is_of_users(self) -> bool:
        """Whether it means devices by their users."""
        return self.all_users or bool(self.users)


@dataclass(frozen=True, slots=True)
class AppWish:
    """One entry of `apps:`: this app, for these groups, in this way.

    `location` gives the licences, and if it has no seat the first of `fallbacks` that has one. Only
    devices of `platforms` are meant (names and order as in PLATFORMS); of several entries for one
    app no two have a platform in common.
    """

    adam_id: str
    groups: tuple[str, ...]
    location: str
    name: str | None = None
    fallbacks: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    platforms: tuple[str, ...] = PLATFORMS
    pricing_param: str = DEFAULT_PRICING
    mode: Mode = "install"
    license_to: LicenseTo = "device"
    priority: int = 0
    on_unwanted: OnUnwanted = "keep"
    on_deleted: OnDeleted = "ask"
    on_unenrol: OnUnenrol | None = None
    """What becomes of its licence at a device that is not enrolled any more; None is as
    `policy.reclaim` says."""
    bundle_id: str | None = None
    managed: bool = True
    take_over: bool = False
    remove_with_profile: bool = True
    prevent_backup: bool = False
    configuration: Mapping[str, Any] = field(default_factory=dict, repr=False)
    attributes: Mapping[str, Any] = field(default_factory=dict)
    setup: Setup = "none"
    update: UpdateWish | None = None
    """How it is brought to its newest version; None: never."""

    @property
    def asset(self) -> Asset:
        """What is licensed."""
        return Asset(self.adam_id, self.pricing_param)

    @property
    def is_for_all(self) -> bool:
        """Whether devices of any platform are meant, and so those whose platform nobody knows."""
        return self.platforms == PLATFORMS

    @property
    def locations(self) -> tuple[str, ...]:
        """Where licences may come from, in order."""
        return (self.location, *self.fallbacks)


@dataclass(frozen=True, slots=True)
class Desired:
    """Everything that an `apply` stores: all groups, all apps and all users.

    No device belongs to two users.
    """

    groups: tuple[Group, ...] = ()
    apps: tuple[AppWish, ...] = ()
    users: tuple[UserWish, ...] = ()

    @property
    def meant(self) -> tuple[Group, ...]:
        """The groups, those of users with the devices of their users in place of serial numbers."""
        if not any(group.is_of_users for group in self.groups):
            return self.groups
        targets = {user.client_user_id: user.targets for user in self.users}
        return tuple(
            replace(group, serials=_of_users(targets, targets if group.all_users else group.users))
            if group.is_of_users
            else group
            for group in self.groups
        )

    @property
    def user_of(self) -> Mapping[str, str]:
        """By device, as installs name it, the user whose it is; worked out at each call."""
        return {target: u.client_user_id for u in self.users for target in u.targets}

    def entries(self, adam_id: str, platform: str | None = None) -> tuple[AppWish, ...]:
        """The entries of an app: all, or (at most one) for devices of a platform."""
        return tuple(
            app
            for app in self.apps
            if app.adam_id == adam_id and (platform is None or platform in app.platforms)
        )

    def differs_by_platform(self, adam_id: str) -> bool:
        """Whether it depends on a device's platform how, or whether, it gets an app."""
        return any(not app.is_for_all for app in self.entries(adam_id))

    def leaving(self, adam_id: str, platform: str | None) -> AppWish | None:
        """The entry by which a device of this platform gives an app up that is in the file, but no
        longer for it; None where none can be told from the others."""
        entries = self.entries(adam_id)
        if len(entries) > 1:
            entries = self.entries(adam_id, platform) if platform is not None else ()
        return entries[0] if entries else None

    @property
    def looks_at_changing_facts(self) -> bool:
        """Whether a `match` looks at what a device may report otherwise some day."""
        matches = (group.match for group in self.groups)
        return any(m is not None and (m.os_version or m.name) for m in matches)

    def as_json(self) -> dict[str, Any]:
        """A JSON-able form that `from_json` reads back to an equal value."""
        return {
            "groups": [asdict(group) for group in self.groups],
            "apps": [asdict(app) for app in self.apps],
            "users": [asdict(user) for user in self.users],
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Desired:
        """Read what `as_json` wrote."""
        return cls(
            groups=tuple(_group(each) for each in value.get("groups", ())),
            apps=tuple(
                AppWish(
                    **_tuples(a, "groups", "exclude", "fallbacks", "platforms")
                    | {"update": UpdateWish.from_json(a.get("update"))}
                )
                for a in value.get("apps", ())
            ),
            users=tuple(map(UserWish.from_json, value.get("users", ()))),
        )


def _of_users(targets: Mapping[str, tuple[str, ...]], names: Iterable[str]) -> tuple[str, ...]:
    found = (target for name in names for target in targets.get(name, ()))
    return tuple(dict.fromkeys(found))


def _group(value: Mapping[str, Any]) -> Group:
    match = value.get("match")
    return Group(**_tuples(value, "serials", "users") | {"match": match and Match(**match)})


def _tuples(value: Mapping[str, Any], *keys: str) -> dict[str, Any]:
    return {k: tuple(v) if k in keys else v for k, v in value.items()}
