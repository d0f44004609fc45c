"""What an apply would change and cost, before anything is done: sums and sentences, pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from bridge.domain.desired.change import Change, PairName, refusal
from bridge.domain.desired.desired import OnUnwanted
from bridge.domain.plan.blind import Blind, blind_lines
from bridge.domain.plan.changes import Setting, leaving_lines, setting_lines
from bridge.domain.plan.for_good import Mistake, for_good_lines
from bridge.domain.plan.seats import Seats, seats_json
from bridge.domain.plan.users import UsersPlan
from bridge.domain.reasons import describe
from bridge.domain.views import desired as views
from bridge.domain.wording import counted, named


@dataclass(frozen=True, slots=True)
class Unable:
    """A device that is to have an app and cannot: it takes no seat. The reason's name."""

    serial_number: str
    adam_id: str
    reason: str


@dataclass(frozen=True, slots=True)
class Plan:
    """What applying would change and cost.

    `leaving` is what happens to each install that is removed (its `on_unwanted`), `settings` what
    of the wishes that stay is another, `groups` which groups differ, in words; `is_new` says that
    groups or settings differ from what was applied last, whatever follows for installs. `untold`
    are what named devices try though Apple does not list the app for them. `undecided` are installs
    that depend on a platform which nobody knows; each counts for one seat. `unseen` are the serial
    numbers that no server has shown; `unknown` counts devices of which facts that a `match` needs
    were never reported, `undescribed` those that are to have an app and whose platform nobody
    knows, `nameless` the user-enrolled ones, which no group means. `without_bundle_id` are apps
    that a device must tell of first. `excluded` are those that the file means and `assign --not`
    keeps out. `mistakes` are entries that cannot be, by what Apple says of their apps. `notes` say
    what could not be looked at, and `blind` which MDM servers' devices are not known although rules
    may mean them.
    """

    change: Change
    is_new: bool
    names: Mapping[str, str | None]
    seats: tuple[Seats, ...] = ()
    unable: tuple[Unable, ...] = ()
    untold: frozenset[PairName] = frozenset()
    undecided: frozenset[PairName] = frozenset()
    unseen: tuple[str, ...] = ()
    unknown: int = 0
    undescribed: int = 0
    nameless: int = 0
    without_bundle_id: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    blind: tuple[Blind, ...] = ()
    excluded: frozenset[PairName] = frozenset()
    leaving: Mapping[PairName, OnUnwanted] = field(default_factory=dict)
    settings: tuple[Setting, ...] = ()
    groups: tuple[str, ...] = ()
    users: UsersPlan = field(default_factory=UsersPlan)
    mistakes: tuple[Mistake, ...] = ()

    @property
    def for_good(self) -> int:
        """How many licences it would ask for that Apple never takes back."""
        return sum(each.for_good for each in self.seats)

    @property
    def short(self) -> int:
        """How many seats are missing in all."""
        return sum(each.short for each in self.seats)

    @property
    def nothing_to_do(self) -> bool:
        """Whether an apply would change nothing at all."""
        return not (self.is_new or self.change.touches_installs or self.users.is_change)

    def apps(self) -> list[views.PlannedApp]:
        """The apps that change, each with how many devices get and lose it."""
        added, removed = _count(self.change.added), _count(self.change.removed)
        ways = Counter((adam_id, way) for (_, adam_id), way in self.leaving.items())
        return [
            {
                "adam_id": adam_id,
                "name": self.names.get(adam_id),
                "added": added.get(adam_id, 0),
                "removed": removed.get(adam_id, 0),
                "kept": ways[adam_id, "keep"],
                "licences_back": ways[adam_id, "release"],
                "apps_deleted": ways[adam_id, "remove"],
            }
            for adam_id in sorted(added.keys() | removed.keys())
        ]

    def not_seen(self) -> list[str]:
        """What the plan could not look at, a sentence each: to be read before the sums."""
        return [*blind_lines(self.blind), *self.notes]

    def remarks(self) -> list[str]:
        """What an admin should know beside the sums, a sentence each."""
        shown = {adam_id for _, adam_id in self.leaving} | {s.adam_id for s in self.settings}
        names = {adam_id: self._name(adam_id) for adam_id in shown}
        lines = [*leaving_lines(self.leaving, names), *setting_lines(self.settings, names)]
        taken = [(self._name(s.asset.adam_id), s.for_good) for s in self.seats if s.for_good]
        lines += for_good_lines(taken)
        lines += [f"Groups that differ: {'; '.join(self.groups)}."] if self.groups else []
        lines += self.users.lines()
        if why := refusal(self.change, None, of_users=self.users.removals):
            lines.append(f"An apply is refused like this: {why}.")
        for (adam_id, reason), serials in _grouped(self.unable).items():
            why, _ = describe(
                reason,
                app=self._name(adam_id),
                device=named(serials),
                location="the location",
                detail="it is of another platform",
            )
            where = "" if why.count(serials[0]) else f"; it is wanted on {named(serials)}"
            lines.append(f"{why}{where}.")
        for adam_id, serials in _by_app(self.untold).items():
            lines.append(
                f"Apple does not list {self._name(adam_id)} for {named(serials)}: it is sent once, "
                "and the device says whether it runs there."
            )
        for adam_id, serials in _by_app(self.undecided).items():
            lines.append(
                f"{self._name(adam_id)} is wanted by platform, and that of {named(serials)} is not "
                "known yet: it waits there until the device has told what it is; a seat is counted."
            )
        for adam_id, serials in _by_app(self.excluded).items():
            lines.append(
                f"{self._name(adam_id)} stays away from {named(serials)}: vpp-bridge assign --not "
                "said so, and unassign ends that."
            )
        if self.unseen:
            unseen = counted(len(self.unseen), "serial number is", "serial numbers are")
            lines.append(f"{unseen} not shown by any server yet: {named(self.unseen)}.")
        if self.unknown:
            lines.append(
                f"Of {counted(self.unknown, 'device')} a match needs "
                "facts that nobody knows yet; run vpp-bridge sync devices to ask for them."
            )
        if self.undescribed:
            lines.append(
                f"Of {counted(self.undescribed, 'device')} the platform is not known yet: each is "
                "asked what it is, and gets only what runs there; a seat is counted for each app."
            )
        if self.nameless:
            lines.append(
                f"{counted(self.nameless, 'user-enrolled device')} "
                "without a serial number: no group means them."
            )
        if self.without_bundle_id:
            apps = named([self._name(each) for each in self.without_bundle_id])
            lines.append(
                f"No bundle id is known yet of {apps}: a device tells it after an install."
            )
        return lines

    def _name(self, adam_id: str) -> str:
        name = self.names.get(adam_id)
        return f"{name} ({adam_id})" if name else f"app {adam_id}"

    def as_json(self) -> views.Plan:
        """The plan for programs."""
        return {
            "nothing_to_do": self.nothing_to_do,
            **self.change.counts(),
            "apps": self.apps(),
            "short": self.short,
            "for_good": self.for_good,
            "seats": [seats_json(each) for each in self.seats],
            "cannot": [
                {"serial_number": u.serial_number, "adam_id": u.adam_id, "reason": u.reason}
                for u in self.unable
            ],
            "tried_once": _pairs_json(self.untold),
            "platform_unknown": _pairs_json(self.undecided),
            "excluded": _pairs_json(self.excluded),
            "not_shown": list(self.unseen),
            "facts_missing": self.unknown,
            "devices_of_unknown_platform": self.undescribed,
            "settings": [each.as_json() for each in self.settings],
            "groups": list(self.groups),
            "without_serial_number": self.nameless,
            "without_bundle_id": list(self.without_bundle_id),
            "users": self.users.as_json(),
            "notes": list(self.notes),
            "blind": [{"server": each.server, "why": each.why} for each in self.blind],
        }


def _count(pairs: Iterable[tuple[str, str]]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for _, adam_id in pairs:
        counts[adam_id] = counts.get(adam_id, 0) + 1
    return counts


def _pairs_json(pairs: Iterable[PairName]) -> list[views.Pair]:
    return [{"serial_number": serial, "adam_id": adam_id} for serial, adam_id in sorted(pairs)]


def _by_app(pairs: Iterable[PairName]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for serial, adam_id in sorted(pairs):
        found.setdefault(adam_id, []).append(serial)
    return found


def _grouped(unable: Sequence[Unable]) -> dict[tuple[str, str], list[str]]:
    found: dict[tuple[str, str], list[str]] = {}
    for each in unable:
        found.setdefault((each.adam_id, each.reason), []).append(each.serial_number)
    return found
