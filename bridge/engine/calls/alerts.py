"""Telling a receiver how an alert stands."""

from __future__ import annotations

import json
from dataclasses import replace

from bridge.domain.alerts.standing import Standing, State, Telling, is_wanted, told
from bridge.domain.pauses import RESTORED, Pause, Pauses
from bridge.engine.calls import Call, wait_after
from bridge.engine.context import Context
from bridge.errors import CallError, OutcomeUnknown
from bridge.store import meta
from bridge.store.alerts import alerts
from bridge.store.database import Connection
from bridge.store.outbox import outbox
from bridge.store.outbox.outbox import OutboxRow

MOST_DOUBTS = 2
"""How often the same word is sent at most when nobody knows whether it arrives."""


def intend(db: Connection, receiver: str, standing: Standing, now: float) -> None:
    """Have a receiver told how an alert stands: by the time that it is, not as it stands now."""
    key = key_of(standing)
    SendAlert.intend(db, receiver, key=key, subject=key, now=now)


def key_of(standing: Standing) -> str:
    """The key of the one row by which a receiver is told of an alert."""
    return json.dumps([standing.alert, standing.subject])


class SendAlert(Call):
    """Tell a receiver how an alert stands. `subject` is JSON: [its kind, its subject].

    What is sent is chosen when the row is claimed, and kept: the newest state, so that what came
    and went meanwhile is not told in a burst. There is one row at most for each receiver and
    alert. An alert that comes twice does less harm than one that never comes, so that one of
    unknown end is sent once more.
    """

    kind = "send_alert"
    service = "alerts"
    effect = "tell"
    repeatable = True

    @classmethod
    def paused_by(cls, context: Context, row: OutboxRow, paused: Pauses) -> Pause | None:
        """Only by the pause of a restored database: what that knows is of the past, and it may be
        a copy beside the bridge that it was copied from."""
        over = paused.over_all
        return over if over is not None and over.why == RESTORED else None

    def begin(self, context: Context, row: OutboxRow) -> None:
        """Choose what is sent."""
        standing, telling = _both(context.db, row)
        if standing is None or not is_wanted(standing, telling):
            alerts.keep_telling(context.db, replace(telling, sent=None, sent_since=None))
            return
        is_other = (telling.sent, telling.sent_since) != (standing.state, standing.since)
        sending = replace(
            telling,
            sent=standing.state,
            sent_since=standing.since,
            doubts=0 if is_other else telling.doubts,
        )
        alerts.keep_telling(context.db, sending)

    def perform(self, row: OutboxRow) -> str | None:
        """Returns the answer; None where there is nothing to tell any more."""
        with self.database.read() as db:
            standing, telling = _both(db, row)
            bridge = meta.recall(db, "instance_id") or ""
        if standing is None or telling.sent is None or telling.sent_since is None:
            return None
        if (standing.state, standing.since) != (telling.sent, telling.sent_since):
            # It changed in the moment since: the sentence is the newest, the state what was chosen.
            standing = replace(standing, state=telling.sent, since=telling.sent_since)
        return self.clients.tell(row.scope, standing, bridge)

    def settle(self, context: Context, row: OutboxRow, result: str | None) -> None:
        if result is not None:
            _, telling = _both(context.db, row)
            _told(context, telling, result)
            meta.count(context.db, "alerts.told", context.now)
        outbox.done(context.db, row.id, context.now)

    def not_made(self, context: Context, row: OutboxRow, error: CallError) -> float | None:
        """Try again later; whoever refuses it or cannot be reached is left alone until then."""
        meta.count(context.db, "alerts.retried", context.now)
        until = context.now + wait_after(context, row, error)
        _, telling = _both(context.db, row)
        tried = replace(telling, tried_at=context.now, answer=str(error))
        if isinstance(error, OutcomeUnknown):
            self._doubted(context, row, tried, until, str(error))
        else:
            alerts.keep_telling(context.db, tried)
            outbox.again(context.db, row.id, until, str(error))
        return until

    def lost(self, context: Context, row: OutboxRow) -> None:
        why = "the bridge was stopped meanwhile"
        _, telling = _both(context.db, row)
        self._doubted(context, row, telling, context.now, why)

    def _doubted(
        self, context: Context, row: OutboxRow, telling: Telling, until: float, why: str
    ) -> None:
        """It may have arrived: it is sent once more, and then counts as told."""
        telling = replace(telling, doubts=telling.doubts + 1)
        if telling.doubts < MOST_DOUBTS or telling.sent is None:
            alerts.keep_telling(context.db, telling)
            outbox.again(context.db, row.id, until, why)
            return
        _told(context, telling, f"it may have arrived: {why}")
        self._doubt(context, row, why)


def _told(context: Context, telling: Telling, answer: str) -> None:
    sent: State | None = telling.sent
    assert sent is not None, "what was sent is kept before it leaves"
    assert telling.sent_since is not None, "and since when it was so"
    alerts.keep_telling(context.db, told(telling, sent, telling.sent_since, context.now, answer))


def _both(db: Connection, row: OutboxRow) -> tuple[Standing | None, Telling]:
    alert, subject = json.loads(row.subject)
    return alerts.get(db, alert, subject), alerts.telling(db, row.scope, alert, subject)
