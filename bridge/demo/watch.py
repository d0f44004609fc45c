"""One demonstration on its way: starts the bridge, kills it, and looks at what it says."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from random import Random
from typing import Any, Protocol

from bridge.demo.bridge import (
    Api,
    BridgeProcess,
    Place,
    Unreachable,
    apply,
    wait_until_alive,
)
from bridge.demo.kills import Kills
from bridge.demo.outside import Outside
from bridge.demo.report import Now, Pair, Result

START_WITHIN = 30.0
_TICK, _LOOK_EVERY, _PRINT_EVERY = 0.05, 0.4, 3.0
_DETAILS_AT_ONCE = 20
_QUIET = 1.0


class View(Protocol):
    """Lines that change while a demonstration is under way."""

    def update(self, lines: Mapping[str, str]) -> None:
        """Show these lines, by what they are about."""


class Watch:
    """Drives and observes; `deadline` is of the monotonic clock, all other times are epochs."""

    def __init__(
        self,
        outside: Outside,
        place: Place,
        process: BridgeProcess,
        kills: int,
        seed: int,
        deadline: float,
    ) -> None:
        self.outside = outside
        self.place = place
        self.api = Api(place)
        self._world = outside.world
        self._wanted = self._world.everything()
        self._process = process
        self._kills = Kills(kills, Random(seed))
        self._deadline = deadline
        self._applied_at = 0.0
        self._installs: dict[Pair, Mapping[str, Any]] = {}
        self._told_by: dict[Pair, str] = {}
        self._reachable = True
        self._looked_at = self._printed_at = float("-inf")
        self._printed: Now | None = None

    def begin(self) -> list[str]:
        """Start the bridge and tell it what is wanted; returns what `apply` printed.

        Raises BridgeError.
        """
        self._process.start()
        wait_until_alive(self.api, self._process, START_WITHIN)
        self._applied_at = time.time()
        printed = apply(self.place)
        self.outside.enrol_the_others()
        return printed

    def follow(self, view: View, *, in_place: bool) -> None:
        """Look and kill until all is done, or the time is over, or the bridge is gone.

        `in_place`: a view whose lines change on a terminal; else a new line is added now and then.
        """
        while time.monotonic() < self._deadline and self._process.ended() is None:
            now = time.monotonic()
            if self._kills.due(self._progress(), now, works=self._reachable):
                self._kill(now)
            if now - self._looked_at >= _LOOK_EVERY:
                self._look(now)
                self._show(view, in_place=in_place)
            if not (self._kills.left or self.unfinished()):
                return
            time.sleep(_TICK)

    def settle(self) -> None:
        """See all there is to see, and give what must not happen some time to happen."""
        until = time.monotonic() + _QUIET
        while time.monotonic() < until:
            self._look(time.monotonic())
            time.sleep(_TICK)

    def unfinished(self) -> list[Pair]:
        """What is not really installed, or not installed as the bridge sees it."""
        unseen = [pair for pair in self._wanted if self._state(pair) != "installed"]
        return unseen or self._missing()

    def result(self, counters: Mapping[str, int]) -> Result:
        """How it ended."""
        with self._world.lock:
            violations = self._world.ledger.violations()
            requests = dict(self._world.ledger.requests)
        return Result(
            apps=self.outside.app_names,
            serials=[device.serial_number for device in self._world.devices],
            missing=frozenset(self._missing()),
            states={pair: install["state"] for pair, install in self._installs.items()},
            violations=violations,
            times=self._times(),
            told_by=Counter(self._told_by.values()),
            requests=requests,
            overcome=self._faults(),
            counters=counters,
            kills=self._kills.done,
            revivals=self._kills.revivals,
            elapsed=time.time() - self._applied_at,
        )

    def _state(self, pair: Pair) -> str:
        install = self._installs.get(pair)
        return "" if install is None else str(install["state"])

    def _missing(self) -> list[Pair]:
        with self._world.lock:
            return self._world.missing(self._wanted)

    def _licences(self) -> int:
        with self._world.lock:
            return len(self._world.location.library.assignments)

    def _faults(self) -> dict[str, int]:
        with self._world.lock:
            return dict(self._world.faults.struck)

    def _progress(self) -> float:
        """How much is really done, from 0 to 1: licences, installs begun, installs ended."""
        with self._world.lock:
            begun = sum(len(device.installs) for device in self._world.devices)
        ended = len(self._wanted) - len(self._missing())
        return min((self._licences() + begun + ended) / (3 * len(self._wanted)), 1.0)

    def _kill(self, now: float) -> None:
        """What the bridge said before does not count for the one that is started now."""
        self._process.kill()
        self._kills.happened(now)
        self._installs, self._reachable = {}, False
        self._process.start()

    def _look(self, now: float) -> None:
        self._looked_at = now
        try:
            if self._kills.recovering and self.api.alive():
                self._kills.recovered(time.monotonic())
            found = {(i["serial_number"], i["adam_id"]): i for i in self.api.installs()}
            self._look_at_licences(found)
        except Unreachable:
            self._reachable = False
        else:
            self._reachable, self._installs = True, found

    def _look_at_licences(self, found: Mapping[Pair, Mapping[str, Any]]) -> None:
        """Who told of the licences of installs that have got one since the last look."""
        news = [
            pair
            for pair, install in found.items()
            if pair not in self._told_by and install["state"] not in ("waiting", "associating")
        ]
        for pair in news[:_DETAILS_AT_ONCE]:
            who = _told_by(self.api.install(*pair))
            if who:
                self._told_by[pair] = who

    def _show(self, view: View, *, in_place: bool) -> None:
        kills = {"kill": self._kills.done} if self._kills.done else {}
        now = Now(
            elapsed=time.time() - self._applied_at,
            devices=len(self._world.devices),
            enrolled=sum(device.enrolled for device in self._world.devices),
            wanted=len(self._wanted),
            licences=self._licences(),
            states=Counter(self._state(pair) for pair in self._installs),
            told_by=Counter(self._told_by.values()),
            overcome=self._faults() | kills,
            reachable=self._reachable,
        )
        if in_place:
            view.update(now.lines())
        elif self._looked_at - self._printed_at >= _PRINT_EVERY:
            view.update(now.line(self._printed))
            self._printed_at, self._printed = self._looked_at, now

    def _times(self) -> dict[Pair, float]:
        """Seconds until installed, from the wish or from the device's enrolment after it."""
        return {
            pair: datetime.fromisoformat(install["since"]).timestamp()
            - max(self._applied_at, self.outside.enrolled_at.get(pair[0], 0.0))
            for pair, install in self._installs.items()
            if install["state"] == "installed"
        }


def _told_by(install: Mapping[str, Any]) -> str:
    """Who told of an install's licence: notification, status or read; "" while nobody did."""
    held = [e["value"] for e in install["explanation"]["evidence"] if e["what"] == "licence"]
    return held[0].partition("told by ")[2] if held else ""
