"""The circuit breaker: what fails alike on many devices speaks of the app, not of the devices.

What a person at a device did, and what a device's own settings forbid, speaks of that device alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from bridge.domain.catalogue import MANAGED, AnswerKind, Meaning
from bridge.domain.facts import Facts
from bridge.domain.model import Attempt
from bridge.domain.pauses import Pause
from bridge.domain.policy import BreakerPolicy

_OF_THE_APP: Final[frozenset[AnswerKind]] = frozenset(
    {"license_not_visible", "passing", "impossible", "malformed", "unknown"}
)
_OF_THE_DEVICE: Final = frozenset({12021, 12031, 12081})
"""The device does not know the command, may not install apps, or is not tethered."""

_FAILED: Final = "Failed"


@dataclass(frozen=True, slots=True)
class Failure:
    """One failure that may trip the breaker: its signature, the cause in words, and when."""

    signature: str
    cause: str
    at: float


def failure_of(facts: Facts) -> Failure | None:
    """The failure that an install stands at, if it may trip the breaker.

    A licence that a device does not see yet is nothing new after an associate: it counts when a
    further attempt fails as well.
    """
    attempt, report = facts.attempt, facts.report
    if not facts.install.desired or attempt is None or (report and report.status == MANAGED):
        return None
    failure = _answer(attempt, facts.meaning)
    if failure is None and report is not None and report.once_status == _FAILED:
        failed_at = report.once_at or 0.0
        if failed_at >= attempt.created_at:
            failure = Failure(_FAILED, "the device began to install it and failed", failed_at)
    if failure is None or failure.at < facts.install.round_at:
        return None
    return failure


def _answer(attempt: Attempt, meaning: Meaning | None) -> Failure | None:
    if meaning is None or meaning.kind not in _OF_THE_APP or attempt.answered_at is None:
        return None
    first = meaning.kind == "license_not_visible" and attempt.attempt == 1
    if first or attempt.error_code in _OF_THE_DEVICE:
        return None
    return Failure(_signature(attempt), meaning.cause, attempt.answered_at)


def _signature(attempt: Attempt) -> str:
    """What makes two failures alike: the error's domain and code, else the device's own words."""
    if attempt.error_code is not None:
        return f"{attempt.error_domain} {attempt.error_code}"
    words = (attempt.app_state, attempt.rejection_reason)
    return " ".join(word for word in words if word) or attempt.status or "no code"


def pause_for(
    adam_id: str, failure: Failure, devices: int, policy: BreakerPolicy, now: float
) -> Pause:
    """The pause of an app that fails on that many devices alike."""
    return Pause(
        "app",
        adam_id,
        since=now,
        paused_by="wave",
        why=f"{devices} devices failed alike: {failure.cause} ({failure.signature})",
        next_probe_at=now + policy.probe_after,
    )


def next_probe_after(policy: BreakerPolicy, failed: int) -> float:
    """Seconds until the next device is tried, after `failed` of them failed: longer and longer."""
    return min(policy.probe_after * 2.0 ** (failed - 1), policy.probe_at_most)
