"""How far behind an MDM server's webhooks are, from the times that it puts on them.

MicroMDM posts its webhooks one after the other, and keeps what it could not post yet in its memory
(workflow/webhook): on a busy server, an answer may come minutes after its device gave it. That is
no silence: nothing may follow from what was not heard before the webhooks have passed the moment at
which it would have been told.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

BEHIND = 2.0
"""Seconds by which webhooks may be behind and count as coming at once."""

SILENCE = 60.0
"""Seconds without a newer webhook after which none is on its way that could have come by now.
MicroMDM gives each post 30 s (cmd/micromdm/serve.go)."""

REORDERED = 60.0
"""Seconds that no webhook is overtaken by; one that seems so much older tells that the server's
clock was set back. Neighbours change places (platform/pubsub/inmem)."""

DRIFT = 0.0005
"""Seconds in each second by which two clocks may go apart; NTP sets a clock right no faster."""

_SAME = 1e-5
"""What is lost of a time in seconds when it is added to and taken from."""

BELIEVED = 3600.0
"""Seconds by which the first webhook of a server may be late and be taken for behind. What is more
is taken for a clock that is wrong."""

MARGIN = 1.0
"""Seconds by which webhooks must have passed a moment, since neighbours change places."""


@dataclass(frozen=True, slots=True)
class Stream:
    """How far one server's webhooks have come, as far as they are processed. All by our clock.

    `heard_to` is the moment of the newest, `advanced_at` when that came. `ahead` is by how much our
    clock is taken to be ahead of the server's since `ahead_at`: not at all, unless webhooks tell
    better. `behind_since` is when they fell behind. `waiting_since` is when the oldest came that is
    not processed yet.
    """

    heard_to: float | None = None
    advanced_at: float | None = None
    ahead: float | None = None
    ahead_at: float | None = None
    behind_since: float | None = None
    waiting_since: float | None = None

    def heard(self, said_at: float, received_at: float, made_at: float | None = None) -> Stream:
        """After one more webhook: `said_at` by the server's clock, received then; `made_at` is when
        the command was made that it answers, which was no later.

        Our clock is ahead by at most what lies between the two, so that the least that was seen
        counts, and a server whose clock is fast or set forward is known at once. One whose clock is
        slow or set back is known by an answer from before its command, or by going back.
        """
        if received_at < (self.advanced_at or received_at):
            return self  # handled again by hand
        ahead = self._ahead(said_at, received_at, made_at)
        moment = said_at + ahead
        if moment <= (self.heard_to or 0.0) or not self._is_newer(said_at):
            is_nearer = ahead < (self.ahead or ahead)
            return replace(self, ahead=ahead, ahead_at=received_at) if is_nearer else self
        is_behind = received_at - moment > BEHIND
        return Stream(
            heard_to=moment,
            advanced_at=received_at,
            ahead=ahead,
            ahead_at=received_at,
            behind_since=(self.behind_since or received_at) if is_behind else None,
            waiting_since=self.waiting_since,
        )

    def _is_newer(self, said_at: float) -> bool:
        """Whether it was said after the newest; a clock that stands still tells nothing."""
        if self.heard_to is None or self.ahead is None:
            return True
        return said_at > self.heard_to - self.ahead + _SAME

    def _ahead(self, said_at: float, received_at: float, made_at: float | None) -> float:
        seen = received_at - said_at
        if self.ahead is None or self.ahead_at is None:
            ahead = 0.0 if 0.0 <= seen <= BELIEVED else seen
            return seen if said_at + ahead < (made_at or 0.0) - BEHIND else ahead
        ahead = min(self.ahead + DRIFT * (received_at - self.ahead_at), seen)
        moment = said_at + ahead
        went_back = moment < (self.heard_to or 0.0) - REORDERED
        is_too_early = made_at is not None and moment < made_at - BEHIND
        return seen if went_back or is_too_early else ahead

    def moment_of(self, said_at: float | None, received_at: float) -> float:
        """When something was said that was received then, by our clock, as late as it may be; while
        webhooks come at once, when it was received."""
        if said_at is None or self.ahead is None or not self.behind(received_at):
            return received_at
        return min(said_at + self.ahead, received_at)

    def position(self, now: float) -> float:
        """The moment up to which all is heard: `now`, unless the webhooks are behind, or wait here
        for being processed.

        Where none comes for `SILENCE`, all is heard that is older than they were behind, since
        devices need not have said anything later; and after twice that time, all.
        """
        if self.heard_to is None or self.advanced_at is None:
            return min(now, self.waiting_since or now)
        behind = self.advanced_at - self.heard_to
        if self.waiting_since is not None:
            return min(now, self.waiting_since - max(behind, 0.0))
        silent_for = now - self.advanced_at
        if behind <= BEHIND or silent_for >= max(SILENCE, 2 * behind):
            return now
        return min(now, self.heard_to if silent_for < SILENCE else now - behind)

    def behind(self, now: float) -> float:
        """By how many seconds the webhooks are behind; 0.0 while they come at once."""
        behind = now - self.position(now)
        return behind if behind > BEHIND else 0.0

    def has_come_to(self, moment: float) -> bool:
        """Whether a webhook came that was sent after that moment: more than that none that was due
        before it is on its way."""
        return self.heard_to is not None and self.heard_to >= moment + MARGIN

    def has_passed(self, moment: float, now: float) -> bool:
        """Whether what was said until `moment` would have been heard by now."""
        return not self.behind(now) or self.position(now) >= moment + MARGIN
