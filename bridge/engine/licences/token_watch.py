"""Watching the content tokens: whether their files change, and when they end."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence

from bridge.domain.licences.token_end import text_of_end, warning_due
from bridge.domain.policy import Policy
from bridge.engine.context import Context
from bridge.engine.licences import suspension
from bridge.store import meta
from bridge.store.database import Database
from bridge.store.licences import locations
from bridge.store.licences.locations import Location

log = logging.getLogger(__name__)

LOOK_EVERY = 5.0
"""Seconds between two looks."""


class TokenWatch:
    """Looks at the tokens of `names`, which are in the file's order, every few seconds.

    `changed` says whether a location's token file is another one than when it was last asked.
    """

    def __init__(
        self,
        database: Database,
        policy: Policy,
        names: Sequence[str],
        changed: Callable[[str], bool],
    ) -> None:
        self._database = database
        self._policy = policy
        self._names = names
        self._changed = changed
        self._first = True
        self.next_at = 0.0
        """When it is looked next, seconds since the epoch."""

    def look(self, now: float) -> int:
        """Have a changed token tried at once, and say in time that one ends.

        Returns how many things were new. It writes only when something is.
        """
        first, self._first, self.next_at = self._first, False, now + LOOK_EVERY
        changed = [name for name in self._names if self._changed(name)]
        with self._database.read() as db:
            ending = [name for name in self._names if _has_news(locations.get(db, name), now)]
        if not (first or changed or ending):
            return 0
        with self._database.write() as db:
            context = Context(db, self._policy, now)
            if first:  # the order in the file may be another one
                suspension.share(context, self._names)
            for name in changed:
                log.info("the token file has changed", extra={"location": name})
                meta.hasten_job(db, f"config:{name}", now)
            for name in ending:
                _tell(context, name)
        return len(changed) + len(ending)


def _has_news(location: Location, now: float) -> bool:
    return _has_ended(location, now) or _shall_warn(location, now) is not None


def _has_ended(location: Location, now: float) -> bool:
    """Its time is over; a good reply after that moment shows that it is not."""
    end = location.token_expires_at
    if end is None or end > now or location.token_suspension is not None:
        return False
    return (location.heard_at or 0.0) < end


def _shall_warn(location: Location, now: float) -> int | None:
    days = warning_due(location.token_expires_at, now)
    warned = location.token_warned_days
    return days if days is not None and (warned is None or days < warned) else None


def _tell(context: Context, name: str) -> None:
    location = locations.get(context.db, name)
    end = location.token_expires_at
    assert end is not None, "only a token with an end has news of it"
    days = _shall_warn(location, context.now)
    if days is not None:
        locations.update(context.db, name, token_warned_days=days)
        meta.count(context.db, f"token.warned_{days}_days", context.now)
        log.warning("%s: renew it", text_of_end(end, context.now), extra={"location": name})
    if _has_ended(location, context.now):
        detail = text_of_end(end, context.now)
        suspension.refuse_token(context, name, "TOKEN_EXPIRED", detail, location.token_digest)
