"""What is paused: everything, an app, a location or a device. Pure data and its sentences.

A pause keeps POSTs from leaving, nothing else: what comes in is taken in, what is asked with GET
is asked, and everything goes on being decided.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, Literal, get_args

from bridge.domain.devices.targets import shown
from bridge.domain.wording import called

Scope = Literal["all", "app", "location", "serial"]
SCOPES: Final[tuple[Scope, ...]] = get_args(Scope)

PausedBy = Literal["person", "wave"]

RESTORED: Final = "restored from a backup"
"""Why everything is paused in a database that was restored."""


@dataclass(frozen=True, slots=True)
class Pause:
    """One pause. `name` is an adam id, a location or a target (a device); empty for `all`.

    The rest is about the circuit breaker: `why` says what failed, `next_probe_at` when a device is
    tried next, `probe` is the serial number of the one that is being tried, since `probe_at`, and
    `probes` how many failed so far.
    """

    scope: Scope
    name: str
    since: float
    paused_by: PausedBy = "person"
    why: str = ""
    next_probe_at: float | None = None
    probe: str | None = None
    probe_at: float | None = None
    probes: int = 0

    @property
    def covers_questions(self) -> bool:
        """Whether devices are not even asked anything."""
        return self.scope in ("all", "serial")

    @property
    def what(self) -> str:
        """What is paused, in words."""
        return self.what_called(None)

    def what_called(self, name: str | None) -> str:
        """The same with the `name` that an app or a device has for people, where it has one."""
        words = {"app": "app", "location": "location", "serial": "device"}
        return "everything" if self.scope == "all" else called(words[self.scope], self.named, name)

    @property
    def named(self) -> str:
        """Its name, as people may give it."""
        return shown(self.name)

    @property
    def resume(self) -> str:
        """The command that ends it."""
        return f"vpp-bridge resume --{self.scope} {self.named}".rstrip()

    @property
    def shown(self) -> str:
        """What is paused, since when, by whom or why, and the command that resumes it."""
        return self.shown_to(by_command)

    def shown_to(self, way: Way, name: str | None = None) -> str:
        """The same for whoever resumes in another way; `name` as in `what_called`."""
        return f"{self._told(name)}; {way(self)} ends it"

    @property
    def told(self) -> str:
        """The same without how to resume it, as it is stored: whoever reads that has a way."""
        return self._told(None)

    def _told(self, name: str | None) -> str:
        since = datetime.fromtimestamp(self.since, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
        by = f"by the bridge, since {self.why}"
        if self.paused_by == "person":
            by = f"by a person ({self.why})" if self.why else "by a person"
        return f"{self.what_called(name)} is paused since {since} {by}"

    def covers(self, *, serial_number: str, adam_id: str, location: str) -> bool:
        """Whether it is about this install; the breaker's probe is let through."""
        if self.probe == serial_number:
            return False
        named = {"app": adam_id, "location": location, "serial": serial_number}
        return self.scope == "all" or named[self.scope] == self.name


Way = Callable[[Pause], str]
"""Tells how to end a pause."""


def by_command(pause: Pause) -> str:
    """By the command line."""
    return pause.resume


def by_request(pause: Pause) -> str:
    """By the API."""
    return f"POST /v1/resume with {json.dumps({pause.scope: pause.named or True})}"


def by_either(pause: Pause) -> str:
    """For whom nobody knows what they have at hand: who reads the log, or a probe."""
    return f"{by_command(pause)}, or {by_request(pause)},"


@dataclass(frozen=True, slots=True)
class Pauses:
    """All that is paused now, the widest first."""

    all: tuple[Pause, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.all)

    def over(self, *, serial_number: str, adam_id: str, location: str) -> Pause | None:
        """The widest pause over an install, if any."""
        return next(
            (
                pause
                for pause in self.all
                if pause.covers(serial_number=serial_number, adam_id=adam_id, location=location)
            ),
            None,
        )

    def over_device(self, serial_number: str | None) -> Pause | None:
        """The pause that keeps everything from a device, if any."""
        return next(
            (p for p in self.all if p.scope == "all" or _is(p, "serial", serial_number)), None
        )

    def over_location(self, location: str) -> Pause | None:
        """The pause that keeps everything from a location, if any."""
        return next((p for p in self.all if p.scope == "all" or _is(p, "location", location)), None)

    @property
    def over_all(self) -> Pause | None:
        """The pause of everything, if that is paused."""
        return next((p for p in self.all if p.scope == "all"), None)


def _is(pause: Pause, scope: Scope, name: str | None) -> bool:
    return pause.scope == scope and pause.name == name
