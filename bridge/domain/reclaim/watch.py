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
class Watch:
    """How a server was heard of: by anything, and by webhooks alone, which tell of each device;
    `looked_at` is when that was looked at last."""

    server: str
    any: Heard
    webhooks: Heard
    looked_at: float

    def looks_on(self, now: float) -> bool:
        """Whether the bridge itself was there all the while."""
        return -GAP <= now - self.looked_at <= GAP


def begin(server: str, now: float, why: str) -> Watch:
    """The clocks begin, or begin anew, for the reason `why`."""
    heard = Heard(now, None, why)
    return Watch(server, heard, heard, now)


def look(
    before: Watch | None,
    server: str,
    now: float,
    *,
    webhook_at: float | None,
    list_at: float | None,
) -> Watch:
    """How a server was heard of by now: its newest webhook was taken in at `webhook_at`, its list
    of devices read at `list_at`."""
    if before is None:
        return begin(server, now, "the bridge looks after it only since then")
    if not before.looks_on(now):
        gone = to_the_minute(before.looked_at)
        return begin(server, now, f"the bridge was not running since {gone}")
    heard = [at for at in (webhook_at, list_at) if at is not None]
    return Watch(
        server,
        before.any.after(max(heard, default=None)),
        before.webhooks.after(webhook_at),
        now,
    )
