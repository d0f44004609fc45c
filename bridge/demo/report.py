"""What a demonstration says: how far it is, how it ended, and whether that is good. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median

from bridge.domain.model import INSTALL_STATES
from bridge.domain.wording import counted
from bridge.simulator.ledger import Violation

Pair = tuple[str, str]
"""A wanted app: (serial_number, adam_id)."""

SHOWN = 5
BAR = 20
"""Characters between the ends of a progress bar."""

_COUNTED = {
    "apple.retried": ("call to Apple made again", "calls to Apple made again"),
    "mdm.retried": ("call to the MDM server made again", "calls to the MDM server made again"),
    "associate.in_doubt": ("licence request in doubt", "licence requests in doubt"),
    "associate.missing": ("licence asked for again", "licences asked for again"),
    "command.in_doubt": ("command in doubt", "commands in doubt"),
    "command.posted_again": ("command posted again", "commands posted again"),
    "apple.duplicate": ("repeated notification ignored", "repeated notifications ignored"),
    "mdm.duplicate": ("repeated webhook ignored", "repeated webhooks ignored"),
}
"""The bridge's counters of trouble, for people."""


@dataclass(frozen=True)
class Now:
    """How far a demonstration is, `elapsed` seconds after the wish."""

    elapsed: float
    devices: int
    enrolled: int
    wanted: int
    licences: int
    states: Mapping[str, int] = field(default_factory=dict)
    told_by: Mapping[str, int] = field(default_factory=dict)
    overcome: Mapping[str, int] = field(default_factory=dict)
    reachable: bool = True

    def lines(self) -> dict[str, str]:
        """For a terminal: what to show, by what it is about."""
        done = self.states.get("installed", 0)
        filled = BAR * done // self.wanted if self.wanted else BAR
        return {
            "time    ": f"{self.elapsed:.0f} s",
            "done    ": f"[{'#' * filled}{'-' * (BAR - filled)}] {done} of {self.wanted}",
            "devices ": f"{self.enrolled} of {self.devices} enrolled",
            "licences": f"{self.licences} of {self.wanted} assigned{self._told()}",
            "installs": self._installs(),
            "overcome": in_words(self.overcome) or "nothing yet",
        }

    def line(self, before: Now | None) -> dict[str, str]:
        """For a log: one line, by its time, with what went wrong since `before`."""
        parts = [
            f"{self.enrolled}/{self.devices} devices",
            f"{self.licences}/{self.wanted} licences{self._told()}",
            self._installs(),
        ]
        news = Counter(self.overcome) - Counter(before.overcome if before else {})
        if news:
            parts.append(f"went wrong: {in_words(news)}")
        return {f"{self.elapsed:5.1f} s": "; ".join(parts)}

    def _told(self) -> str:
        told = ", ".join(f"{count} by {who}" for who, count in sorted(self.told_by.items()))
        return f" (confirmed: {told})" if told else ""

    def _installs(self) -> str:
        if not self.reachable:
            return "the bridge is starting again"
        found = [f"{self.states[s]} {s}" for s in reversed(INSTALL_STATES) if self.states.get(s)]
        return f"{', '.join(found) or 'none known'} of {self.wanted}"


@dataclass(frozen=True)
class Result:
    """How a demonstration ended.

    `missing` is the simulated devices' own truth, `states` what the bridge's API says, `times`
    the seconds from the wish, or from a later enrolment, until the bridge saw the app installed;
    `revivals` the seconds from each kill until the bridge answered again.
    """

    apps: Mapping[str, str]
    serials: Sequence[str]
    missing: Collection[Pair]
    states: Mapping[Pair, str]
    violations: Sequence[Violation]
    times: Mapping[Pair, float] = field(default_factory=dict)
    told_by: Mapping[str, int] = field(default_factory=dict)
    requests: Mapping[str, int] = field(default_factory=dict)
    overcome: Mapping[str, int] = field(default_factory=dict)
    counters: Mapping[str, int] = field(default_factory=dict)
    kills: int = 0
    revivals: Sequence[float] = ()
    elapsed: float = 0.0

    @property
    def wanted(self) -> list[Pair]:
        """Every app on every device."""
        return [(serial, adam_id) for adam_id in self.apps for serial in self.serials]

    @property
    def unfinished(self) -> list[Pair]:
        """What is not really installed, or not installed as the bridge sees it."""
        return [p for p in self.wanted if p in self.missing or self.states.get(p) != "installed"]


def verdict(result: Result) -> list[str]:
    """What is wrong with how it ended, a sentence each; empty is good."""
    wanted = result.wanted
    absent = sum(pair in result.missing for pair in wanted)
    unseen = sum(result.states.get(pair) != "installed" for pair in wanted)
    complaints = []
    if absent:
        complaints.append(f"{absent} of {len(wanted)} apps are not installed on their devices.")
    if unseen:
        complaints.append(f"The bridge does not see {unseen} of {len(wanted)} apps installed.")
    for kind, count in Counter(violation.kind for violation in result.violations).items():
        complaints.append(f"The simulated services saw {kind} {count} times.")
    return complaints


def app_rows(result: Result) -> list[Sequence[object]]:
    """A row for each app: name, adam id, how many are installed, first, median and last time."""
    return [_app_row(result, adam_id, name) for adam_id, name in result.apps.items()]


def _app_row(result: Result, adam_id: str, name: str) -> Sequence[object]:
    pairs = [(serial, adam_id) for serial in result.serials]
    installed = sum(pair not in result.missing for pair in pairs)
    times = sorted(result.times[pair] for pair in pairs if pair in result.times)
    shown = [f"{t:.1f} s" for t in (times[0], median(times), times[-1])] if times else [None] * 3
    return [name, adam_id, f"{installed} of {len(pairs)}", *shown]


def good_news(result: Result) -> str:
    """What to say when nothing is wrong."""
    apps = counted(len(result.apps), "app")
    where = f"on all {len(result.serials)} devices" if len(result.serials) > 1 else "on the device"
    return f"Done: {apps} really installed {where}, {result.elapsed:.0f} s after the wish."


def summary(result: Result) -> dict[str, str]:
    """What happened, by what it is about."""
    told = ", ".join(f"{count} by {who}" for who, count in sorted(result.told_by.items()))
    asked = result.requests.get("apple.associate", 0)
    calls = {service: _calls(result, service) for service in ("apple", "mdm")}
    lines = {
        "Licences": f"{sum(result.told_by.values())} by {counted(asked, 'request')} to Apple; "
        f"confirmed: {told or 'none'}",
        "Calls": f"{calls['apple']} to Apple"
        + (f", {calls['mdm']} to the MDM server" if calls["mdm"] else ""),
    }
    if result.overcome:
        lines["Overcome"] = in_words(result.overcome)
    if result.kills:
        back = f"; back after {max(result.revivals):.1f} s at most" if result.revivals else ""
        lines["Kills"] = f"{result.kills} × SIGKILL to all processes of the bridge{back}"
    others = [
        counted(result.counters[name], *words)
        for name, words in _COUNTED.items()
        if result.counters.get(name)
    ]
    if others:
        lines["Counted"] = ", ".join(others)
    return lines


def in_words(counts: Mapping[str, int]) -> str:
    """`1 lost notification, 2 kills`."""
    return ", ".join(counted(count, noun) for noun, count in counts.items())


def _calls(result: Result, service: str) -> int:
    return sum(n for place, n in result.requests.items() if place.startswith(f"{service}."))
