"""Looking every half a minute what is wrong, and having receivers told of what changed."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass

from bridge.config import Config
from bridge.config.model import AlertConfig
from bridge.domain.alerts import ALERTS
from bridge.domain.alerts.standing import Standing, is_due, look
from bridge.engine.alerts import faults
from bridge.engine.calls import alerts as calls
from bridge.engine.context import Context
from bridge.store.alerts import alerts
from bridge.store.database import Database
from bridge.store.outbox import outbox

log = logging.getLogger(__name__)

LOOK_EVERY = 30.0
"""Seconds between two looks. A look reads what is wrong, and no install that is not."""


@dataclass(frozen=True, slots=True)
class News:
    """What one look showed: alerts that stand otherwise than before, those that are to be kept no
    longer, and who is to be told of what."""

    changed: list[tuple[Standing | None, Standing]]
    over: list[Standing]
    tell: list[tuple[str, Standing]]

    def __bool__(self) -> bool:
        return bool(self.changed or self.over or self.tell)


class AlertWatch:
    """Looks at what `looking` shows of the database; it writes only when something is new."""

    def __init__(
        self,
        database: Database,
        looking: Callable[[], AbstractContextManager[Context]],
        config: Config,
    ) -> None:
        self._database = database
        self._looking = looking
        self._config = config
        self.next_at = 0.0
        """When it is looked next, seconds since the epoch."""

    def look(self, now: float) -> int:
        """Let alerts fire and end; returns how many changed, or are to be told."""
        self.next_at = now + LOOK_EVERY
        with self._looking() as context:
            news = self._news(context)
        if not news:
            return 0
        with self._database.write() as db:
            for _, standing in news.changed:
                alerts.keep(db, standing)
            for standing in news.over:
                alerts.forget(db, standing.alert, standing.subject)
            for receiver, standing in news.tell:
                calls.intend(db, receiver, standing, now)
        for before, standing in news.changed:
            _log(before, standing)
        return len(news.changed) + len(news.tell)

    def _news(self, context: Context) -> News:
        """The engine alone writes alerts, and settles what it told by rows of its own: what is read
        here is true until it is written."""
        found = faults.found(context, self._config)
        before = {(each.alert, each.subject): each for each in alerts.load(context.db)}
        kept_after = context.now - context.policy.retention.outbox
        changed, over, standings = [], [], list[Standing]()
        for key in {**before, **found}:
            kind = ALERTS.get(key[0])
            after = 0.0 if kind is None else kind.after(context.policy.alerts)
            was = before.get(key)
            standing = look(was, found.get(key), after, context.now)
            if standing is None or _is_over(standing, kept_after):
                over += [] if was is None else [was]
                continue
            standings.append(standing)
            if standing != was:
                changed.append((was, standing))
        return News(changed, over, list(self._due(context, standings)))

    def _due(self, context: Context, standings: list[Standing]) -> Iterator[tuple[str, Standing]]:
        """Who is to be told of what, and is not about to be."""
        known = {(t.receiver, t.alert, t.subject): t for t in alerts.tellings(context.db)}
        under_way = outbox.open_keys(context.db, "alerts")
        every = context.policy.alerts.repeat_every
        for name, receiver in self._config.alerts.items():
            for standing in standings:
                telling = known.get((name, standing.alert, standing.subject))
                if (
                    _concerns(receiver, standing)
                    and (name, calls.key_of(standing)) not in under_way
                    and is_due(standing, telling, every, context.now)
                ):
                    yield name, standing


def _concerns(receiver: AlertConfig, standing: Standing) -> bool:
    return standing.alert in receiver.on


def _is_over(standing: Standing, kept_after: float) -> bool:
    return (
        standing.state == "resolved" and standing.seen_since is None and standing.since < kept_after
    )


def _log(before: Standing | None, standing: Standing) -> None:
    """Say in the log that an alert fires or ends, whether or not anybody is told. What is so stands
    there already."""
    if standing.state == "pending" or (before is not None and before.state == standing.state):
        return
    about = {"state": standing.state, "detail": standing.subject}
    log.info("alert %s is %s", standing.alert, standing.state, extra=about)
