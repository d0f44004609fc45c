"""Who is in which group, and who gets which app: pure, from groups and what devices reported."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from bridge.domain.desired.desired import AppWish, Group
from bridge.domain.devices.platforms import platform_of
from bridge.domain.devices.targets import is_enrolment
from bridge.domain.model import Asset, Device

_NOBODY: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Members:
    """Serial numbers: who belongs, and of whom a missing fact leaves it open."""

    sure: frozenset[str] = _NOBODY
    unknown: frozenset[str] = _NOBODY


@dataclass(frozen=True, slots=True)
class Getting:
    """Who gets an app by one of its entries.

    `named` are those of `sure` whose serial number a group lists. `unfit` are left out because the
    app does not run on them, `elsewhere` because the entry is for other platforms. `undecided` get
    it by this entry or another, or not at all: that depends on a platform which nobody knows.
    """

    sure: frozenset[str]
    unknown: frozenset[str]
    named: frozenset[str]
    unfit: frozenset[str]
    undecided: frozenset[str] = _NOBODY
    elsewhere: frozenset[str] = _NOBODY


class Roster:
    """The groups of some devices, each worked out once.

    `groups` are as `Desired.meant` has them. `devices` maps targets (upper-case serial numbers, and
    user enrolments) to their devices, None where no server has shown one;
    `runs_on` a location's name and an asset to the platforms of the app, where they are known.
    `all` and `match` mean enrolled devices. In `exclude` enrolment does not matter: who is named
    elsewhere and excluded by what they are gets nothing, and `all` excludes everybody. Nobody gets
    an app while it is not known whether they are excluded. A user enrolment is meant by its user's
    group alone, and by no rule, save that `all` excludes it, too. A rule never means devices on
    which the app does not run; who is named gets it wished for, so that somebody is told that it
    cannot be.
    """

    def __init__(
        self,
        groups: Sequence[Group],
        devices: Mapping[str, Device | None],
        runs_on: Mapping[tuple[str, Asset], frozenset[str]] = MappingProxyType({}),
    ) -> None:
        self._devices = devices
        self._groups = {group.name: group for group in groups}
        self._listed = {group.name: _listed(group, devices) for group in groups}
        self._meant = {g.name: self._by_rule(g) for g in groups}
        self._enrolled = frozenset(
            s for s, d in devices.items() if d is not None and d.enrolled and not is_enrolment(s)
        )
        self._runs_on = runs_on
        self._of_platform = _by_platform(devices)
        self._vague = frozenset(devices).difference(*self._of_platform.values())
        self._found: dict[int, tuple[AppWish, Getting]] = {}

    def getting(self, app: AppWish) -> Getting:
        """Which of the devices get `app`; found once for each entry, however often it is asked."""
        known = self._found.get(id(app))
        if known is None:
            known = self._found[id(app)] = app, self._getting(app)
        return known[1]

    def _getting(self, app: AppWish) -> Getting:
        named = _NOBODY.union(*(self._listed[name] for name in self._known(app.groups)))
        ruled = self._union(app.groups)
        outside = self._union(app.exclude)
        outsiders = outside.sure.union(*(self._listed[n] for n in self._known(app.exclude)))
        if any(self._groups[name].all for name in self._known(app.exclude)):
            outsiders = frozenset(self._devices)
        unfit = self._others(self._runs_on.get((app.location, app.asset), _NOBODY)) - named
        apart = _NOBODY if app.is_for_all else self._others(frozenset(app.platforms))
        vague = _NOBODY if app.is_for_all else self._vague
        inside = named | (ruled.sure & self._enrolled)
        open_ = (ruled.unknown & self._enrolled) - inside
        sure = inside - outsiders - outside.unknown
        unknown = (open_ | (inside & outside.unknown)) - outsiders
        here = sure - unfit - apart
        return Getting(
            sure=here - vague,
            unknown=unknown - unfit - apart,
            named=(named & here) - vague,
            unfit=(sure & unfit) - apart,
            undecided=here & vague,
            elsewhere=sure & apart,
        )

    def means(self, name: str, serial_number: str) -> bool | None:
        """Whether a group means a device, enrolled or not; None where a missing fact leaves it
        open, False for a group that is not there."""
        if name not in self._groups:
            return False
        meant = self._meant[name]
        if serial_number in self._listed[name] or serial_number in meant.sure:
            return True
        return None if serial_number in meant.unknown else False

    def members(self, group: str) -> frozenset[str]:
        """Who is in a group for sure, enrolled or not."""
        return self._listed[group] | self._meant[group].sure

    def platform(self, serial_number: str) -> str | None:
        """The platform of a device, as far as anybody knows."""
        device = self._devices.get(serial_number)
        return platform_of(device.product_name) if device is not None else None

    def _others(self, platforms: frozenset[str]) -> frozenset[str]:
        """The devices that are known to be of none of these platforms; none for no platform."""
        if not platforms:
            return _NOBODY
        return _NOBODY.union(*(d for p, d in self._of_platform.items() if p not in platforms))

    def _by_rule(self, group: Group) -> Members:
        """Those whom the group's rule means, enrolled or not."""
        if group.all:
            return Members(frozenset(s for s in self._devices if not is_enrolment(s)))
        if group.match is None:
            return Members()
        answers = {
            serial: "unknown" if device is None else group.match.answer(device)
            for serial, device in self._devices.items()
            if not is_enrolment(serial)
        }
        return Members(
            frozenset(serial for serial, answer in answers.items() if answer == "yes"),
            frozenset(serial for serial, answer in answers.items() if answer == "unknown"),
        )

    def _union(self, names: Sequence[str]) -> Members:
        several = [self._meant[name] for name in self._known(names)]
        sure = _NOBODY.union(*(members.sure for members in several))
        return Members(sure, _NOBODY.union(*(members.unknown for members in several)) - sure)

    def _known(self, names: Sequence[str]) -> Sequence[str]:
        return [name for name in names if name in self._groups]


def _listed(group: Group, devices: Mapping[str, Device | None]) -> frozenset[str]:
    # A set of thousands of serial numbers does not pay for a single device.
    serials = group.serials if len(devices) == 1 else frozenset(group.serials)
    return frozenset(serial for serial in devices if serial in serials)


def _by_platform(devices: Mapping[str, Device | None]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = defaultdict(set)
    for serial, device in devices.items():
        platform = platform_of(device.product_name) if device is not None else None
        if platform is not None:
            found[platform].add(serial)
    return found
