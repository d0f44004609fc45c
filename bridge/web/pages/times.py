"""Times on pages: in `policy.time_zone`, and how long ago."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from bridge.domain import ages
from bridge.domain.policy import Policy
from bridge.domain.quiet_hours import to_the_second_there, with_offset


@dataclass(frozen=True, slots=True)
class Times:
    """How times are shown now (seconds since the epoch)."""

    policy: Policy
    now: float

    @property
    def zone(self) -> str:
        """The name of the time zone."""
        return self.policy.time_zone

    def shown(self, rfc3339: str) -> str:
        """`2027-01-15 07:00:09`."""
        return to_the_second_there(_seconds(rfc3339), self.policy)

    def at(self, seconds: float) -> str:
        """The same, of seconds since the epoch."""
        return to_the_second_there(seconds, self.policy)

    def day(self, seconds: float) -> str:
        """The day alone, of seconds since the epoch."""
        return self.at(seconds)[:10]

    def minute(self, seconds: float) -> str:
        """The same, to the minute."""
        return self.at(seconds)[:16]

    def with_offset(self, rfc3339: str) -> str:
        """`2027-01-15T07:00:09+01:00`."""
        return with_offset(_seconds(rfc3339), self.policy)

    def age(self, rfc3339: str | None) -> str:
        """How long ago, or in how long; `never` for None."""
        return ages.age(rfc3339, self.now)


def _seconds(rfc3339: str) -> float:
    return datetime.fromisoformat(rfc3339).timestamp()
