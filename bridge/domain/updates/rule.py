"""How an app is brought to its newest version: as an entry wishes it, and as it holds for a device.

What an entry leaves out is as `policy.update` says; what that leaves out is without a limit.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from bridge.domain.ages import exact
from bridge.domain.hours import Hours
from bridge.domain.installs.text import as_text
from bridge.domain.policy import Policy
from bridge.domain.updates.window import Window


@dataclass(frozen=True, slots=True)
class UpdateWish:
    """`update:` of an entry; its keys. Waits are seconds; `rings` are names of groups, devices in
    none of them come last; `stop_at` is `5%` of a ring's devices, or a number of devices."""

    window: str | None = None
    days: tuple[str, ...] | None = None
    rings: tuple[str, ...] = ()
    ring_wait: float | None = None
    max_per_hour: int | None = None
    jitter: float | None = None
    stop_at: str | None = None

    @classmethod
    def from_json(cls, value: Mapping[str, Any] | None) -> UpdateWish | None:
        """Read what `asdict` made of one, or of none."""
        return None if value is None else cls(**_tuples(value))


@dataclass(frozen=True, slots=True)
class UpdateRule:
    """What a wish comes to for a device: its ring, counted from 0 on, and its time zone (None: that
    of the policy)."""

    window: str | None = None
    days: tuple[str, ...] | None = None
    rings: tuple[str, ...] = ()
    ring_wait: float | None = None
    max_per_hour: int | None = None
    jitter: float | None = None
    stop_at: str | None = None
    ring: int = 0
    time_zone: str | None = None

    def as_text(self) -> str:
        """The stored form; equal rules give equal text."""
        return as_text(self)

    @classmethod
    @lru_cache(maxsize=1024)
    def from_text(cls, text: str) -> UpdateRule:
        """Read what `as_text` wrote; a fleet has few different ones."""
        return cls(**_tuples(json.loads(text)))

    def __str__(self) -> str:
        """For people, by the keys of `update:`; what it leaves out is as `policy.update` says:
        `latest (ring pilots, window 22:00-05:00, ring_wait 12h)`."""
        said: dict[str, str | None] = {
            "ring": self.ring_name(self.ring) if self.rings else None,
            "window": self.window,
            "days": None if self.days is None else " ".join(self.days),
            "ring_wait": None if self.ring_wait is None else exact(self.ring_wait),
            "max_per_hour": None if self.max_per_hour is None else str(self.max_per_hour),
            "jitter": None if self.jitter is None else exact(self.jitter),
            "stop_at": self.stop_at,
            "time_zone": self.time_zone,
        }
        words = ", ".join(f"{key} {value}" for key, value in said.items() if value is not None)
        return f"latest ({words})" if words else "latest"

    def window_of(self, policy: Policy) -> Window:
        """When devices by this rule may be sent a new version."""
        own, usual = self, policy.update
        hours = own.window if own.window is not None else usual.window
        days = own.days if own.days is not None else usual.days
        where = own.time_zone or policy.time_zone
        if hours is None and not days:
            return Window(None, where)
        return Window(Hours.of(hours or "00:00-00:00", tuple(days)), where)

    def ring_wait_of(self, policy: Policy) -> float:
        """Seconds from a ring's last chance to the next ring."""
        return policy.update.ring_wait if self.ring_wait is None else self.ring_wait

    def max_per_hour_of(self, policy: Policy) -> int | None:
        """How many devices are sent the app within an hour; None for no limit."""
        return policy.update.max_per_hour if self.max_per_hour is None else self.max_per_hour

    def jitter_of(self, policy: Policy) -> float:
        """Over how many seconds devices are woken at the begin of their window."""
        return policy.update.jitter if self.jitter is None else self.jitter

    def stops(self, policy: Policy, *, devices: int, failed: int) -> bool:
        """Whether so many failures among a ring's devices stop the version."""
        limit = policy.update.stop_at if self.stop_at is None else self.stop_at
        if not failed:
            return False
        if limit.endswith("%"):
            return failed * 100 >= float(limit[:-1]) * devices
        return failed >= int(limit)

    def ring_name(self, ring: int) -> str:
        """What a ring is called, for people."""
        return self.rings[ring] if ring < len(self.rings) else "the rest"


def _tuples(value: Mapping[str, Any]) -> dict[str, Any]:
    return {k: tuple(v) if isinstance(v, list) else v for k, v in value.items()}
