"""The engine: one pass over everything that is due; `rounds` is the loop around it."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from bridge.domain.policy import Policy
from bridge.engine import recovery, timers
from bridge.engine.calls import Call
from bridge.engine.claimed import Claimed
from bridge.engine.commands import device_queue
from bridge.engine.context import Context
from bridge.engine.decide import allocation, reconcile, unsettled
from bridge.engine.dispatch import Dispatcher, Executor, inline
from bridge.engine.insight import story
from bridge.engine.intake import inbox
from bridge.engine.licences import batch
from bridge.engine.timers import Outside
from bridge.engine.upkeep import clock_steps
from bridge.engine.upkeep.counting import Counting
from bridge.engine.upkeep.lost_engines import LostEngines
from bridge.engine.upkeep.pruning import Pruning
from bridge.engine.wake import Wake
from bridge.errors import StoreInDoubt
from bridge.store import intake, pauses
from bridge.store.agenda import Agenda, earliest, look
from bridge.store.database import Connection, Database, Engines
from bridge.store.inbox.waiting import Arrivals, Waiting


class Watch(Protocol):
    """What is looked at by the clock, outside of the database."""

    next_at: float
    """When it is looked next, seconds since the epoch."""

    def look(self, now: float) -> int:
        """Look, and have done what is due; returns how much was."""


@dataclass(frozen=True, slots=True)
class Look:
    """What one look showed: what there is to do in the database, and what came in beside it.

    `arrivals` is what of it is taken next.
    """

    agenda: Agenda
    arrivals: Arrivals

    def is_due(self, now: float) -> bool:
        """Whether a step on the road has something to do."""
        agenda = self.agenda
        at_once = self.arrivals.messages or agenda.dirty or agenda.seats or agenda.queue_ready
        times = (agenda.messages_at, agenda.timers_at, agenda.calls_at)
        return bool(at_once) or any(_is_due(at, now) for at in times)


class Engine:
    """Turns what was stored into what is done. `recover` once, then `run_once` for ever."""

    def __init__(
        self,
        database: Database,
        policy: Policy,
        calls: dict[str, Call],
        outside: Outside,
        clock: Callable[[], float],
        execute: Executor = inline,
        watches: Sequence[Watch] = (),
        monotonic: Callable[[], float] = time.monotonic,
        wake: Wake | None = None,
        engines: Engines | None = None,
    ) -> None:
        """`watches` look now and then, and may make something due.
        `monotonic` is a clock in seconds that nobody sets: it tells how long calls take. `wake` is
        what else ends the engine's sleep, `engines` are those that share the calls with this one.
        """
        self.database = database
        self.policy = policy
        self.outside = outside
        self.clock = clock
        self.calls = calls
        self._watches = tuple(watches)
        self._engines = engines
        if engines is not None:
            self._watches += (LostEngines(database, engines, self._context, calls, monotonic),)
        self._seen: Look | None = None
        self._pairs_left: batch.Left = {}
        self._pruning = Pruning(database, policy.retention, clock())
        self._counting = Counting(database, clock())
        self.dispatcher = Dispatcher(
            database, policy, calls, clock, execute, outside.servers, monotonic, wake, engines
        )

    def recover(self) -> None:
        """Take up what a process that died left; the engine's lock must be held."""
        clock_steps.look_at_start(self._context, self.database, tuple(self.outside.servers))
        with self.database.write() as db:
            recovery.recover(self._context(db), self.calls, self.outside, self._engines)
        unsettled.touch_all(self.database, self.clock())

    def clock_stepped(self, by: float) -> None:
        """The wall clock was set by so many seconds: nothing may wait for the old time."""
        self._seen = None
        with self.database.inbox.read() as waiting, self.database.write() as db:
            intake.take_unhandled(db, waiting, self._context(db).now)
        clock_steps.stepped(self._context, self.database, tuple(self.outside.servers), by)
        self._pruning.clock_stepped(by)
        self._counting.clock_stepped(by)
        for watch in self._watches:
            watch.next_at += by
        self.dispatcher.clock_stepped(by)

    def run_once(self) -> bool:
        """One pass along the road, by one look. True when there was something.

        What a step did may be work for those after it, so from there on all of them are taken: an
        answer leads to the next command in the same pass. Each step is taken once, and none is
        passed over while others have work.
        """
        now = self.clock()
        done = 0
        for watch in self._watches:
            if now >= watch.next_at:
                done += watch.look(now)
        if self.dispatcher.unsettled or self.dispatcher.unknown:
            done += self.dispatcher.settle_again()
        seen = self._seen = self._look(now)
        if seen.agenda.acts:
            done += story.tell_acts(self.database)
        if seen.agenda.collecting:
            done += self._batch()
        if done or seen.is_due(now):
            done += self._along_the_road(seen, now, done)
        if now >= self._pruning.next_at or self._pruning.under_way:
            done += self._pruning.step(now)
        if now >= self._counting.next_at:
            self._counting.step(now)
        if done:
            self._seen = None
        return done > 0

    def help_once(self) -> bool:
        """One pass of an engine that only makes calls, while another one decides. True when there
        was something."""
        done = 0
        if self.dispatcher.unsettled or self.dispatcher.unknown:
            done += self.dispatcher.settle_again()
        now = self.clock()
        due = self.dispatcher.next_due(now)
        if due is None or due > now:
            return done > 0
        claimed = Claimed()
        try:
            with self.database.write() as db:
                claimed = self.dispatcher.claim(self._context(db), pauses.load(db))
        except StoreInDoubt:
            self.dispatcher.in_doubt(claimed)
            raise
        return self.dispatcher.begin(claimed) + done > 0

    def help_due(self) -> float | None:
        """When there is something for `help_once`; what it left is for the engine that decides."""
        now = self.clock()
        due = self.dispatcher.next_due(now)
        return due if due is not None and due > now else None

    def _along_the_road(self, seen: Look, now: float, done: int) -> int:
        """All steps in one transaction, then the calls that it claimed, and what there is to tell;
        returns how much it was. `done` is what was done before it."""
        agenda, moved, claimed = seen.agenda, list[story.Moved](), Claimed()
        before = done
        try:
            with self.database.write() as db:
                context = self._context(db)
                if _is_due(agenda.messages_at, now):
                    done += inbox.process_again(context)
                if seen.arrivals.messages:
                    done += inbox.process(context, seen.arrivals)
                if _is_due(agenda.timers_at, now):
                    done += timers.sweep(context, self.outside)
                if done or agenda.dirty:
                    done += reconcile.decide_dirty(context, moved)
                if agenda.seats:
                    done += allocation.allocate_seats(context)
                if done or agenda.queue_ready or _is_due(agenda.calls_at, now):
                    paused = pauses.load(db)
                    done += device_queue.start(context, paused)
                    claimed = self.dispatcher.claim(context, paused)
        except StoreInDoubt:
            self.dispatcher.in_doubt(claimed)
            raise
        begun = self.dispatcher.begin(claimed) if claimed.due else 0
        if moved:
            story.tell(moved)  # last: where the log is slow, no call that is claimed waits for it
        return done - before + begun

    def next_due(self) -> float | None:
        """When the clock next makes something due, as things stand since the last pass; seconds
        since the epoch."""
        now = self.clock()
        seen = self._seen or self._look(now)
        agenda = seen.agenda
        return earliest(
            agenda.messages_at,
            now if agenda.dirty or seen.arrivals.messages else None,
            agenda.timers_at,
            agenda.queue_at,
            self._next_batch_at() if agenda.collecting else None,
            self.dispatcher.next_due(now) if agenda.calls_at is not None else None,
            self._pruning.next_at,
        )

    def _context(self, db: Connection) -> Context:
        return Context(db, self.policy, self.clock(), self.outside.servers)

    def _look(self, now: float) -> Look:
        with self.database.inbox.read() as waiting, self.database.read() as db:
            agenda = look(db, now)
            waiting = Waiting(waiting.db, agenda.taken)
            return Look(agenda, waiting.first(inbox.AT_ONCE))

    def _batch(self) -> int:
        """Make requests: planned while others may write, made one by one."""
        with self.database.read() as db:
            plan = batch.plan(self._context(db), self._pairs_left)
        if plan.suspended:
            with self.database.write() as db:
                return batch.cancel(self._context(db))
        for each in plan.batches:
            with self.database.write() as db:
                batch.make(self._context(db), each)
        return len(plan.batches)

    def _next_batch_at(self) -> float | None:
        with self.database.read() as db:
            return batch.next_at(self._context(db))


def _is_due(at: float | None, now: float) -> bool:
    return at is not None and at <= now
