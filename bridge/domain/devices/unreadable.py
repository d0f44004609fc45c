"""Answers that could not be read, or never came: when the device is asked once more."""

from __future__ import annotations

from dataclasses import dataclass

from bridge.domain.backoff import nth_delay
from bridge.domain.policy import DAY, MINUTE, VerifyPolicy


@dataclass(frozen=True, slots=True)
class Unreadable:
    """The unreadable answers of a device to one kind of question, without a readable one between.

    The newest came at `last_at`; `why` is a sentence about it, without anything of its content.
    """

    times: int
    since: float
    last_at: float
    why: str

    @property
    def is_lasting(self) -> bool:
        """Whether it is no mishap of one answer, so that somebody has to look."""
        return self.times > 1

    def ask_again_at(self, policy: VerifyPolicy) -> float:
        """When the device is asked the same again."""
        wait = nth_delay(policy.unreadable_retry, self.times)
        return self.last_at + (DAY if wait is None else wait)


@dataclass(frozen=True, slots=True)
class Unheard:
    """Questions of one kind that a device took and whose answers never came; the newest was given
    up at `last_at`. Other messages of it came, or with `in_outage` none at all."""

    times: int
    last_at: float
    in_outage: bool = False

    def stands(self, heard_at: float | None) -> bool:
        """Whether it counts for a device that was heard of then: an outage is over by that."""
        return not self.in_outage or (heard_at or 0.0) <= self.last_at

    def ask_again_at(self, policy: VerifyPolicy) -> float:
        """When the device is asked the same again: one answer may well get lost, so at first at
        once. In an outage the gaps double, so that after it none waits longer than it lasted."""
        if self.times <= 1:
            return self.last_at
        if self.in_outage:
            return self.last_at + min(MINUTE * 2.0 ** min(self.times - 2, 16), DAY)
        wait = nth_delay(policy.unreadable_retry, self.times - 1)
        return self.last_at + (DAY if wait is None else wait)
