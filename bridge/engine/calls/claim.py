"""Taking a location over from the MDM that holds it, because a person said so.

It is one call, made once: a claim that fails, or that nobody took up at once, is over. It is meant
for exactly the MDM that was shown to the person; if another one is there by then, nothing is done.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection
from dataclasses import asdict, dataclass
from typing import Literal

from bridge.domain.audit import Actor, Deed
from bridge.domain.pauses import Pause, Pauses
from bridge.engine import audit
from bridge.engine.calls import Call, registering, wait_after
from bridge.engine.calls.registering import Register, Told
from bridge.engine.context import Context
from bridge.engine.decide import pausing
from bridge.engine.licences.foreign_mdm import ForeignMdm
from bridge.errors import CallError, OutcomeUnknown
from bridge.store import meta
from bridge.store import pauses as stored_pauses
from bridge.store.database import Connection, Database
from bridge.store.licences import locations
from bridge.store.licences.locations import Location
from bridge.store.outbox import full_reads, outbox
from bridge.store.outbox.outbox import OutboxRow

PATIENCE = 60.0
"""Seconds after which a claim that nobody took up is over."""


class Claim(Register):
    """Tell Apple who we are though another MDM holds the location.

    `subject` is the MDM that was shown, as JSON.
    """

    kind = "claim"
    effect = "write"

    @classmethod
    def paused_by(cls, context: Context, row: OutboxRow, paused: Pauses) -> Pause | None:
        return paused.over_location(row.scope)

    @classmethod
    def withdraw(cls, context: Context, row: OutboxRow, pause: Pause) -> None:
        """The person is there and waits; it is over, and they are told why."""
        outbox.failed(context.db, row.id, context.now, pause.told)

    @classmethod
    def why_not_again(cls, db: Connection, row: OutboxRow) -> str | None:
        return f"taking a location over needs your word: run vpp-bridge claim {row.scope} again"

    def forbidden(self, location: Location, row: OutboxRow) -> str | None:
        if (row.claimed_at or row.created_at) > row.created_at + PATIENCE:
            return "nobody took it up in time; say it again"
        if location.shared_with is not None:
            return f"its library is that of {location.shared_with}; claim that one"
        return None

    def not_taken_over(
        self, other: ForeignMdm | None, row: OutboxRow, former: Collection[str]
    ) -> str | None:
        shown = ForeignMdm(**json.loads(row.subject))
        if other is None or other.is_same(shown):
            return None
        now_shown = other.shown_to(former)
        return f"the holder has changed meanwhile: {now_shown}; look at it, and say it again"

    def settle(self, context: Context, row: OutboxRow, result: Told) -> None:
        super().settle(context, row, result)
        if result.refused is None:
            meta.count(context.db, "location.claimed", context.now)
            registering.read_everything(context, row.scope)

    def again(
        self, context: Context, row: OutboxRow, error: CallError, *, rest: bool
    ) -> float | None:
        """It is not tried again by itself: the person is told, and decides."""
        outbox.failed(context.db, row.id, context.now, str(error))
        return context.now + wait_after(context, row, error) if rest else None

    def doubt(self, context: Context, row: OutboxRow, error: OutcomeUnknown) -> None:
        """Of what it reads first, nothing is in doubt."""
        text = str(error)
        if error.call.startswith("POST"):
            meta.hasten_job(context.db, f"config:{row.scope}", context.now)
            text = f"it is not known whether Apple did it; vpp-bridge status soon tells: {text}"
        outbox.failed(context.db, row.id, context.now, text)

    def lost(self, context: Context, row: OutboxRow) -> None:
        text = "it is not known whether Apple did it: the bridge was stopped meanwhile"
        outbox.failed(context.db, row.id, context.now, text)


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a claim is; `error` says why it failed, or what it could not do."""

    state: Literal["waiting", "claiming", "done", "failed"]
    error: str | None = None

    @property
    def ended(self) -> bool:
        """Whether it is done or failed."""
        return self.state in ("done", "failed")


def ask(db: Connection, location: str, shown: ForeignMdm, actor: Actor, now: float) -> int:
    """Intend the take-over of a location from this MDM, since `actor` said so; returns the outbox
    row's id."""
    key, subject = f"{location} {now}", json.dumps(asdict(shown))
    row_id = Claim.intend(db, location, key=key, subject=subject, now=now)
    text = f"{location} is to be taken over from {shown.title}"
    deed = Deed(
        "claim",
        text,
        {"location": location, "outbox_id": row_id},
        before={"held_by": shown.title, "id": shown.mdm_id},
        after={"held_by": "this bridge, as soon as Apple takes it"},
        level="warning",
    )
    audit.record(db, now, actor, deed)
    return row_id


def make(
    database: Database, call: Call, row_id: int, context: Callable[[Connection], Context]
) -> None:
    """Make the claim here; the engine's lock must be held. How it ended, `progress` tells."""
    with database.write() as db:
        row = full_reads.claim(db, row_id, context(db).now)
        if pausing.hold_back(context(db), row, stored_pauses.load(db)):
            return
        call.begin(context(db), row)
    try:
        result = call.perform(row)
    except CallError as error:
        with database.write() as db:
            call.fail(context(db), row, error)
    else:
        with database.write() as db:
            call.settle(context(db), row, result)


def withdraw(database: Database, row_id: int, now: float) -> bool:
    """Take back a claim that nobody has taken up; returns whether it was not too late for that."""
    with database.write() as db:
        if full_reads.get(db, row_id).state != "ready":
            return False
        outbox.failed(db, row_id, now, "nobody took it up")
    return True


def progress(db: Connection, row_id: int) -> Progress:
    """How far a claim is."""
    row = full_reads.get(db, row_id)
    if row.state == "failed":
        pause = stored_pauses.load(db).over_location(row.scope)
        if pause is not None and row.error == pause.told:
            return Progress("failed", pause.shown)
        return Progress("failed", row.error)
    if row.state == "done":
        return Progress("done", locations.get(db, row.scope).url_refused)
    return Progress("claiming" if row.state == "claimed" else "waiting")
