"""A stored message handled once more: one that was set aside, or any other, to see what it does."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from bridge.domain.audit import Deed, some
from bridge.domain.decide import decide
from bridge.domain.devices import targets
from bridge.domain.facts import Facts
from bridge.domain.views import traffic as views
from bridge.engine.context import Context, ContextOf
from bridge.engine.intake.inbox import HANDLERS
from bridge.store import events, intake, meta
from bridge.store.database import Connection, Database
from bridge.store.dry_run import Changed, watching
from bridge.store.events import Event
from bridge.store.installs import facts, installs


@dataclass(frozen=True, slots=True)
class Redecided:
    """An install that the message touched, and what would be decided of it now."""

    serial_number: str
    adam_id: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Replay:
    """What came of handling a message again.

    `outcome` says it in a few words, `error` why it could not be handled: then nothing was
    changed, and the message is as it was.
    """

    event_id: int
    dry_run: bool
    outcome: str | None
    error: str | None
    changes: tuple[Changed, ...] = ()
    decisions: tuple[Redecided, ...] = ()

    def as_json(self) -> views.Replay:
        """Ready for JSON."""
        return {
            "event": self.event_id,
            "dry_run": self.dry_run,
            "ok": self.error is None,
            "outcome": self.outcome,
            "error": self.error,
            "changes": [
                {"table": c.table, "row": c.row, "columns": {k: list(v) for k, v in _told(c)}}
                for c in self.changes
            ],
            "decisions": [
                {
                    "serial_number": d.serial_number,
                    "adam_id": d.adam_id,
                    "before": d.before,
                    "after": d.after,
                }
                for d in self.decisions
            ],
        }


def _told(change: Changed) -> list[tuple[str, tuple[Any, Any]]]:
    return [(name, values) for name, values in change.columns.items() if name != "dirty_at"]


class _Undone(Exception):
    """Ends the write transaction without keeping anything of it."""

    def __init__(self, result: Replay) -> None:
        self.result = result


def replay(
    database: Database,
    context_of: ContextOf,
    event_id: int,
    *,
    dry_run: bool,
    record: Callable[[Connection, Deed], None],
) -> Replay | None:
    """Handle one stored message again, in one transaction; None for an unknown one.

    With `dry_run` the transaction is undone, and so it is when the handler raises. It is safe
    beside a running engine, which takes up what was touched; the tries of a message that waits
    are not counted by it. `record` tells the logs of it.
    """
    try:
        with database.inbox.read() as waiting, database.write() as db:
            event = events.get(db, event_id)
            if event is None:  # then it may wait yet, and is taken out of its turn
                intake.take_unhandled(db, waiting, context_of(db).now)
                event = events.get(db, event_id)
            if event is None:
                return None
            result = _handle(database, context_of(db), event, dry_run)
            if dry_run:
                raise _Undone(result)
            record(db, _deed(event, result))
            return result
    except _Undone as undone:
        return undone.result


def _deed(event: Event, done: Replay) -> Deed:
    text = f"message {event.id} is handled again"
    before = {"message": event.id, "status": event.status}
    rows = [f"{each.table} {each.row}" for each in done.changes]
    after = {"outcome": done.outcome, "rows_changed": len(rows), "rows": some(rows)}
    return Deed("replay", text, {"event_id": event.id}, before=before, after=after)


def _handle(database: Database, context: Context, event: Event, dry_run: bool) -> Replay:
    if event.status == "ignored":
        why = f"it could not be read when it came in ({event.error})"
        raise _Undone(Replay(event.id, dry_run, None, why))
    db = context.db
    with watching(db) as watch:
        try:
            outcome = HANDLERS[event.source](context, event)
        except Exception as error:
            if not db.in_transaction:
                raise
            text = f"{type(error).__name__}: {error}"[:500]
            raise _Undone(Replay(event.id, dry_run, None, text)) from error
        with database.read() as before:
            changed = tuple(watch.changes(before))
        touched = watch.touched("installs")
    if event.source == "mdm" and event.topic != "mdm.Connect":
        # What was so when it came in may not be so any more: let the server tell.
        meta.hasten_job(db, f"devices:{event.origin}", context.now)
    events.finish(db, event.id, context.now, outcome)
    return Replay(event.id, dry_run, outcome, None, changed, _decisions(context, touched))


def _decisions(context: Context, install_ids: Sequence[int]) -> tuple[Redecided, ...]:
    """What follows for the installs that were touched; the engine decides the same."""
    found = [installs.by_id(context.db, each) for each in install_ids]
    touched = [install for install in found if install is not None]
    return tuple(_decided(context, fact) for fact in facts.load(context.db, touched))


def _decided(context: Context, fact: Facts) -> Redecided:
    install, decision = fact.install, decide(fact, context.policy, context.now)
    before, after = f"{install.state} {install.reason}", f"{decision.state} {decision.reason}"
    return Redecided(targets.shown(install.target), install.adam_id, before, after)
