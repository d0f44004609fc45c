"""Since when an MDM server was heard of without a break: only such time counts against a device.

A device that nobody hears of may be gone, or its server, its webhook or the bridge may have been.
So the clocks of reclaiming run only while its server was heard of at least daily, and begin anew
after each time in which nobody could have heard.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from bridge.domain.policy import DAY, HOUR
from bridge.domain.times import to_the_minute

GAP = DAY + HOUR
"""Seconds without a word after which a server was not heard of daily: a day, and an hour for what
comes at the same time of day, a little later."""

LOOK_EVERY = HOUR
"""Seconds between two looks at how servers were heard of."""


@dataclass(frozen=True, slots=True)
class Heard:
    """One way in which a server is heard of: without a break since `since`, last at `at`.

    `why` says in words why it is not counted from earlier on.
    """

    since: float
    at: float | None
    why: str

    def after(self, at: float | None) -> Heard:
        """The same, now that it was last heard of at `at`."""
        if at is None or (self.at is not None and at <= self.at):
            return self
        silent_from = max(self.since, self.at or self.since)
        if at - silent_from <= GAP:
            return replace(self, at=at)
        return Heard(at, at, f"nothing came from it since {to_the_minute(silent_from)}")

    def is_stopped(self, now: float) -> bool:
        """Whether the newest word is too old for the clock to run."""
        return now - max(self.since, self.at or self.since) > GAP

    @property
    def last(self) -> float:
        """When something was heard last, or since when it was listened to."""
        return max(self.since, self.at or self.since)


@dataclass(frozen=True, slots=True)
class Signs:
    """The newest signs of a server: its newest webhook was taken in at `webhook_at`, its list of
    devices read at `list_at`, by which one of them came to it last at `listed_at`."""

    webhook_at: float | None = None
    list_at: float | None = None
    listed_at: float | None = None


@dataclass(frozen=True, slots=True)
class Watch:
    """How a server was heard of: by anything, and by webhooks alone, which tell of each device;
    `looked_at` is when that was looked at last.

    `listed_at` is how far the server's list of devices goes on. `dead_since` is when the newest
    webhook came, where the list went on without any since.
    """

    server: str
    any: Heard
    webhooks: Heard
    looked_at: float
    listed_at: float | None = None
    dead_since: float | None = None

    def looks_on(self, now: float) -> bool:
        """Whether the bridge itself was there all the while."""
        return -GAP <= now - self.looked_at <= GAP

    def lacks(self, webhooks: Heard) -> bool:
        """Whether there should be newer webhooks than these: the list went on by more than a day
        since, or, where none came since the clock began, by more than passes between two looks."""
        if self.listed_at is None:
            return False
        came = webhooks.at is not None and webhooks.at >= webhooks.since
        return self.listed_at - webhooks.last > (GAP if came else LOOK_EVERY)


def begin(server: str, now: float, why: str) -> Watch:
    """The clocks begin, or begin anew, for the reason `why`."""
    heard = Heard(now, None, why)
    return Watch(server, heard, heard, now)


def look(before: Watch | None, server: str, now: float, signs: Signs) -> Watch:
    """How a server was heard of by now, of which these are the newest signs.

    Its webhook is dead where devices came without one, as the list showed at the look before: what
    came just now may still be on its way. A quiet fleet is none: its list does not go on either.
    While it is dead the list alone says nothing, and with the next webhook all clocks begin anew.
    """
    if before is None:
        return begin(server, now, "the bridge looks after it only since then")
    if not before.looks_on(now):
        gone = to_the_minute(before.looked_at)
        return begin(server, now, f"the bridge was not running since {gone}")
    webhooks = before.webhooks.after(signs.webhook_at)
    known = [at for at in (before.listed_at, signs.listed_at) if at is not None]
    listed_at = min(max(known), now) if known else None
    if before.lacks(webhooks):
        dead_since = before.dead_since or webhooks.last
        return Watch(server, before.any, webhooks, now, listed_at, dead_since)
    if before.dead_since is not None:
        why = f"none of its webhooks came since {to_the_minute(before.dead_since)}"
        return Watch(server, Heard(webhooks.last, webhooks.at, why), webhooks, now, listed_at)
    heard = [at for at in (signs.webhook_at, signs.list_at) if at is not None]
    return Watch(server, before.any.after(max(heard, default=None)), webhooks, now, listed_at)
