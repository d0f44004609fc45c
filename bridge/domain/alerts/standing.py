"""How alerts come and go, and who is to be told what of it, as pure decisions.

An alert is `pending` until its fault has lasted as long as its kind says, then `firing`, and
`resolved` when the fault is gone. One that comes and goes again and again is told once it has
kept still for a while.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from bridge.domain.alerts.alert import Fault
from bridge.domain.policy import HOUR, MINUTE

State = Literal["pending", "firing", "resolved"]

MOST_CHANGES = 4
"""Changes within FLAPS_WITHIN that are told at once; after these it counts as coming and going."""
FLAPS_WITHIN = HOUR
STILL_FOR = 10 * MINUTE
"""Seconds for which one that comes and goes must keep still before anybody is told of it."""


@dataclass(frozen=True, slots=True)
class Standing:
    """How one alert stands. `since` is when it came to its state, for a pending or firing one when
    its fault was first seen; `seen_since` since when its fault is seen, None while it is not.

    `changes` are those since `counted_from`; nobody is told of the newest before `settles_at`.
    """

    alert: str
    subject: str
    state: State
    since: float
    sentence: str
    seen_since: float | None
    changes: int
    counted_from: float
    settles_at: float


@dataclass(frozen=True, slots=True)
class Telling:
    """What one receiver was told last of one alert, and `told_since` when that had begun.

    `sent` and `sent_since` are what it is being sent, None for nothing; `doubts` is how often that
    was sent without knowing whether it arrived; `tried_at` and `answer` are about the newest
    attempt.
    """

    receiver: str
    alert: str
    subject: str
    told: State | None = None
    told_since: float | None = None
    told_at: float | None = None
    sent: State | None = None
    sent_since: float | None = None
    doubts: int = 0
    tried_at: float | None = None
    answer: str | None = None


def look(before: Standing | None, fault: Fault | None, after: float, now: float) -> Standing | None:
    """How an alert stands now that its `fault` is there, or is not (None); `after` is how long it
    must last. None for one that never fired and is gone."""
    if fault is None:
        return None if before is None else _gone(before, now)
    alert, subject = fault.key
    if before is None:
        before = Standing(alert, subject, "pending", now, fault.sentence, now, 0, now, now)
    seen_since = now if before.seen_since is None else before.seen_since
    standing = replace(before, sentence=fault.sentence, seen_since=seen_since)
    if before.state == "resolved":
        # Its words are those that were told until it fires again.
        standing = replace(standing, sentence=before.sentence)
    if before.state != "firing" and now - seen_since >= after:
        standing = replace(standing, state="firing", since=seen_since, sentence=fault.sentence)
        return _changed(standing, now)
    return standing


def _gone(before: Standing, now: float) -> Standing | None:
    if before.state == "pending":
        return None
    if before.state == "resolved":
        return replace(before, seen_since=None)
    return _changed(replace(before, state="resolved", since=now, seen_since=None), now)


def _changed(standing: Standing, now: float) -> Standing:
    begins = now - standing.counted_from > FLAPS_WITHIN
    changes = 1 if begins else standing.changes + 1
    return replace(
        standing,
        changes=changes,
        counted_from=now if begins else standing.counted_from,
        settles_at=now + STILL_FOR if changes > MOST_CHANGES else now,
    )


def is_due(standing: Standing, telling: Telling | None, repeat_every: float, now: float) -> bool:
    """Whether a receiver is to be told how an alert stands: once of each change, and of what lasts
    again every `repeat_every` seconds. What fired and ended unheard is not told."""
    if now < standing.settles_at or not is_wanted(standing, telling):
        return False
    if standing.state == "resolved" or telling is None or telling.told != "firing":
        return True
    if telling.told_since != standing.since or telling.told_at is None:
        return True
    return now - telling.told_at >= repeat_every


def is_wanted(standing: Standing, telling: Telling | None) -> bool:
    """Whether there is anything that a receiver may be told of an alert, be it once more."""
    if standing.state == "resolved":
        return telling is not None and telling.told == "firing"
    return standing.state == "firing"


def told(telling: Telling, state: State, since: float, now: float, answer: str) -> Telling:
    """A receiver has been told."""
    return replace(
        telling,
        told=state,
        told_since=since,
        told_at=now,
        sent=None,
        sent_since=None,
        doubts=0,
        tried_at=now,
        answer=answer,
    )
