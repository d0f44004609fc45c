"""When a demonstration kills the bridge, and how long the bridge then takes to come back."""

from __future__ import annotations

from random import Random

_PACE = 2.5
"""Seconds between two kills, on average, if the work does not go faster."""

_WHILE_STARTING = 0.25
"""How much a second counts in which the bridge is only starting, so that it also gets to work."""


class Kills:
    """`count` kills at random moments, spread over the work. Times are of one monotonic clock.

    Each kill is due at a moment of its own, or earlier when its share of the work is done, so that
    all of them happen on the way however fast that goes. `revivals` are the seconds after which
    the bridge answered again, where it was not killed anew before that.
    """

    def __init__(self, count: int, random: Random) -> None:
        moments = [number + random.random() for number in range(count)]
        self._planned = [(moment * _PACE, moment / count) for moment in moments]
        self._elapsed = 0.0
        self._asked_at: float | None = None
        self._killed_at: float | None = None
        self.done = 0
        self.revivals: list[float] = []

    @property
    def left(self) -> int:
        """How many are still to come."""
        return len(self._planned)

    @property
    def recovering(self) -> bool:
        """Whether the bridge was killed and has not answered since."""
        return self._killed_at is not None

    def due(self, progress: float, now: float, *, works: bool) -> bool:
        """Whether to kill now, with this share (0 to 1) of the work done.

        `works` says whether the bridge was working, not starting, since this was last asked.
        """
        if self._asked_at is not None:
            self._elapsed += (now - self._asked_at) * (1.0 if works else _WHILE_STARTING)
        self._asked_at = now
        if not self._planned:
            return False
        moment, share = self._planned[0]
        return self._elapsed >= moment or progress >= share

    def happened(self, now: float) -> None:
        """The kill that was due was done."""
        del self._planned[0]
        self.done += 1
        self._killed_at = now

    def recovered(self, now: float) -> None:
        """The bridge answers again."""
        if self._killed_at is not None:
            self.revivals.append(now - self._killed_at)
            self._killed_at = None
