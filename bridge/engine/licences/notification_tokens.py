"""The tokens that Apple's notifications are known by; only their SHA-256 is ever kept.

Apple is told a new one from time to time, and posts a TEST_NOTIFICATION with it while that call is
in flight. Whether Apple took it is known only by its answer, which may be lost, so that three
kinds count: the one that it holds, those that it may hold, and for a while those that it held.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

from bridge.store.database import Connection
from bridge.store.licences import locations
from bridge.store.licences.locations import Location

OLD_FOR = 600.0
"""Seconds that a token counts after its successor was confirmed; Apple repeats a notification for
five minutes at most (Apple, "Subscribing to notifications")."""

AT_MOST = 50
"""How many tokens Apple may hold that it never confirmed; the oldest are forgotten."""


def accepted(location: Location, now: float) -> Iterator[str]:
    """The SHA-256, in hexadecimal, of every token that a notification may carry now."""
    if location.notification_token_sha256 is not None:
        yield location.notification_token_sha256
    yield from _new(location)
    yield from (digest for digest, until in _old(location).items() if until >= now)


def offer(db: Connection, name: str, digest: str) -> None:
    """Apple is about to be told this token: from now on it may hold it."""
    waiting = [*_new(locations.get(db, name)), digest][-AT_MOST:]
    locations.update(db, name, notification_tokens_new=json.dumps(waiting))


def refused(db: Connection, name: str, digest: str) -> None:
    """Apple said no to this token: it does not hold it."""
    waiting = [each for each in _new(locations.get(db, name)) if each != digest]
    locations.update(db, name, notification_tokens_new=json.dumps(waiting) if waiting else None)


def confirm(db: Connection, name: str, digest: str, now: float) -> None:
    """Apple holds this token: the others count for a while longer."""
    location = locations.get(db, name)
    past = {d: until for d, until in _old(location).items() if until >= now}
    for other in (location.notification_token_sha256, *_new(location)):
        if other is not None:
            past[other] = now + OLD_FOR
    past.pop(digest, None)
    locations.update(
        db,
        name,
        notification_token_sha256=digest,
        notification_token_at=now,
        notification_tokens_new=None,
        notification_tokens_old=json.dumps(past) if past else None,
    )


def seen(db: Connection, name: str, digest: str | None, now: float) -> None:
    """Apple's client configuration shows this token: it may be one whose answer was lost."""
    if digest is not None and digest in _new(locations.get(db, name)):
        confirm(db, name, digest, now)


def _new(location: Location) -> list[str]:
    return list(json.loads(location.notification_tokens_new or "[]"))


def _old(location: Location) -> dict[str, float]:
    return dict(json.loads(location.notification_tokens_old or "{}"))
