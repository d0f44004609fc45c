"""What the admin wants: groups of devices, and the apps that they get.

These values come from the configuration file (or the API's `apply`), are stored whole by
`apply`, and are read back by the engine. `as_json`/`from_json` are their stored form.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

Mode = Literal["install", "license_only"]
OnUnwanted = Literal["keep", "release", "remove"]


@dataclass(frozen=True, slots=True)
class Group:
    """A named set of devices: the given serial numbers, or every enrolled device."""

    name: str
    serials: tuple[str, ...] = ()
    all: bool = False


@dataclass(frozen=True, slots=True)
class AppWish:
    """One entry of `apps:`: this app, for these groups, in this way."""

    adam_id: str
    groups: tuple[str, ...]
    location: str
    name: str | None = None
    exclude: tuple[str, ...] = ()
    pricing_param: str = "STDQ"
    mode: Mode = "install"
    priority: int = 0
    on_unwanted: OnUnwanted = "keep"
    bundle_id: str | None = None
    managed: bool = True
    take_over: bool = False
    remove_with_profile: bool = True
    prevent_backup: bool = False
    configuration: Mapping[str, Any] = field(default_factory=dict)
    attributes: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Wanted:
    """Everything that an `apply` stores: all groups and all apps."""

    groups: tuple[Group, ...] = ()
    apps: tuple[AppWish, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """A JSON-able form that `from_json` reads back to an equal value."""
        return {
            "groups": [asdict(group) for group in self.groups],
            "apps": [asdict(app) for app in self.apps],
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Wanted:
        """Read what `as_json` wrote."""
        return cls(
            groups=tuple(Group(**_tuples(g, "serials")) for g in value.get("groups", ())),
            apps=tuple(AppWish(**_tuples(a, "groups", "exclude")) for a in value.get("apps", ())),
        )

    def wanting(self, app: AppWish, known: frozenset[str]) -> frozenset[str]:
        """Which of the `known` serial numbers (upper case) get `app`."""
        return self._members(app.groups, known) - self._members(app.exclude, known)

    def _members(self, names: Sequence[str], known: frozenset[str]) -> frozenset[str]:
        members: set[str] = set()
        for group in self.groups:
            if group.name in names:
                members |= known if group.all else known & set(group.serials)
        return frozenset(members)


def _tuples(value: Mapping[str, Any], *keys: str) -> dict[str, Any]:
    return {k: tuple(v) if k in keys else v for k, v in value.items()}
