"""Who is in which group, and who gets which app: pure, from groups and what devices reported."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bridge.domain.model import Device
from bridge.domain.wanted import AppWish, Group

_NOBODY: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Members:
    """Serial numbers: who belongs, and of whom a missing fact leaves it open."""

    sure: frozenset[str] = _NOBODY
    unknown: frozenset[str] = _NOBODY


@dataclass(frozen=True, slots=True)
class Getting:
    """Who gets an app. `named` are those of `sure` whose serial number a group lists."""

    sure: frozenset[str]
    unknown: frozenset[str]
    named: frozenset[str]


class Roster:
    """The groups of some devices, each worked out once.

    `devices` maps upper-case serial numbers to their devices, None where no server has shown one.
    `all` and `match` mean enrolled devices. In `exclude` enrolment does not matter: who is named
    elsewhere and excluded by what they are gets nothing, and `all` excludes everybody. Nobody gets
    an app while it is not known whether they are excluded.
    """

    def __init__(self, groups: Sequence[Group], devices: Mapping[str, Device | None]) -> None:
        self._devices = devices
        self._groups = {group.name: group for group in groups}
        self._listed = {g.name: frozenset(devices.keys() & g.serials) for g in groups}
        self._meant = {g.name: self._by_rule(g) for g in groups}
        self._enrolled = frozenset(s for s, d in devices.items() if d is not None and d.enrolled)

    def getting(self, app: AppWish) -> Getting:
        """Which of the devices get `app`."""
        named = _NOBODY.union(*(self._listed[name] for name in self._known(app.groups)))
        ruled = self._union(app.groups)
        outside = self._union(app.exclude)
        outsiders = outside.sure.union(*(self._listed[n] for n in self._known(app.exclude)))
        inside = named | (ruled.sure & self._enrolled)
        open_ = (ruled.unknown & self._enrolled) - inside
        sure = inside - outsiders - outside.unknown
        unknown = (open_ | (inside & outside.unknown)) - outsiders
        return Getting(sure, unknown, named & sure)

    def _by_rule(self, group: Group) -> Members:
        """Those whom the group's rule means, enrolled or not."""
        if group.all:
            return Members(frozenset(self._devices))
        if group.match is None:
            return Members()
        answers = {
            serial: "unknown" if device is None else group.match.answer(device)
            for serial, device in self._devices.items()
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
