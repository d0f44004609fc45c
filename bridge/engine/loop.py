"""The engine: one pass over everything that is due, and the loop around it."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

from bridge.domain.policy import Policy
from bridge.engine import recovery, timers
from bridge.engine.calls import Call
from bridge.engine.commands import device_queue
from bridge.engine.context import Context
from bridge.engine.decide import reconcile
from bridge.engine.dispatch import Dispatcher, Executor, inline
from bridge.engine.insight import story
from bridge.engine.intake import inbox
from bridge.engine.licences import batch
from bridge.engine.timers import Outside
from bridge.engine.upkeep import clock_steps
from bridge.engine.upkeep.clock_steps import StepWatch
from bridge.engine.upkeep.pruning import Pruning
from bridge.errors import StoreError
from bridge.store import events
from bridge.store.database import Database
from bridge.store.installs import installs, seats

log = logging.getLogger(__name__)

POLL = 0.05
"""Seconds between two looks whether another process has stored something."""

PAUSE_AFTER_ERROR = 1.0


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
        look: Callable[[float], int] = lambda _now: 0,
    ) -> None:
        """`look` is called in every pass and may make something due; it returns how much."""
        self.database = database
        self.policy = policy
        self.outside = outside
        self.clock = clock
        self.calls = calls
        self._look = look
        self._full_looked_at = clock()
        self._pruning = Pruning(database, policy.retention, clock())
        self.dispatcher = Dispatcher(database, policy, calls, clock, execute)

    def recover(self) -> None:
        """Take up what a process that died left; the engine's lock must be held."""
        clock_steps.look_at_start(self._context, self.database, self.outside.servers)
        with self.database.write() as db:
            recovery.recover(self._context(db), self.calls, self.outside)

    def clock_stepped(self, by: float) -> None:
        """The wall clock was set by so many seconds: nothing may wait for the old time."""
        clock_steps.stepped(self._context, self.database, self.outside.servers, by)
        self._full_looked_at += by
        self._pruning.clock_stepped(by)
        self.dispatcher.clock_stepped(by)

    def run_once(self) -> bool:
        """One pass: messages, clock, decisions, calls. True when there was something to do."""
        now = self.clock()
        done = self.dispatcher.settle_again()
        done += story.tell_acts(self.database)
        done += self._look(now)
        done += inbox.process(self.database, self.policy, now)
        done += self._sweep()
        done += self._decide()
        done += self.dispatcher.start(self.clock())
        done += self._pruning.step(now)
        return done > 0

    def next_due(self) -> float | None:
        """When the clock next makes something due, as things stand; seconds since the epoch."""
        now = self.clock()
        with self.database.read() as db:
            context = Context(db, self.policy, now)
            times = [
                events.next_due(db),
                now if installs.dirty(db, 1) else None,
                timers.next_due(context),
                batch.next_at(context),
            ]
        times += [self.dispatcher.next_due(now), self._pruning.next_at]
        return min((t for t in times if t is not None), default=None)

    def _context(self, db: object) -> Context:
        return Context(db, self.policy, self.clock())  # type: ignore[arg-type]

    def _sweep(self) -> int:
        with self.database.read() as db:
            if not timers.anything_due(self._context(db)):
                return 0
        with self.database.write() as db:
            return timers.sweep(self._context(db), self.outside)

    def _decide(self) -> int:
        done = 0
        if self._any(lambda c: bool(installs.dirty(c.db, 1))):
            moved: list[story.Moved] = []
            with self.database.write() as db:
                done += reconcile.decide_dirty(self._context(db), moved)
            story.tell(moved)
        if self._any(lambda c: bool(seats.in_demand(c.db))):
            with self.database.write() as db:
                done += reconcile.allocate_seats(self._context(db))
        done += self._batch()
        if self._any(device_queue.anything_to_start):
            with self.database.write() as db:
                done += device_queue.start(self._context(db))
        return done

    def _batch(self) -> int:
        """Make requests: planned while others may write, made one by one."""
        if self._any(batch.anything_to_give_up):
            with self.database.write() as db:
                return batch.give_up(self._context(db))
        with self.database.read() as db:
            context = self._context(db)
            batches = batch.plan(context, self._full_looked_at)
        if context.now >= self._full_looked_at + batch.FULL_EVERY:
            self._full_looked_at = context.now
        for each in batches:
            with self.database.write() as db:
                batch.make(self._context(db), each)
        return len(batches)

    def _any(self, question: Callable[[Context], bool]) -> bool:
        with self.database.read() as db:
            return question(self._context(db))


def run(
    engine: Engine,
    stop: threading.Event,
    beat: Callable[[], None],
    monotonic: Callable[[], float] = time.monotonic,
) -> None:
    """Run the engine until `stop` is set; `beat` is called at least every second.

    It sleeps until the clock makes something due, a call ends, or another process commits. How long
    it sleeps, and when it beats, does not depend on the wall clock, which may be set meanwhile.
    """
    watch = StepWatch(engine.clock, monotonic)
    engine.recover()
    beat_at, said = float("-inf"), ""
    while not stop.is_set():
        if monotonic() - beat_at >= 1.0:
            beat()
            beat_at = monotonic()
        try:
            if by := watch.look():
                engine.clock_stepped(by)
            engine.dispatcher.finished.clear()
            version = engine.database.data_version()
            if not engine.run_once():
                _sleep(engine, stop, version, monotonic)
            said = ""
        except StoreError as error:
            if str(error) != said:  # once, not every second
                said = str(error)
                log.error("the engine rests: %s; %s", error, error.mend)
            stop.wait(PAUSE_AFTER_ERROR)


def _sleep(
    engine: Engine, stop: threading.Event, version: int, monotonic: Callable[[], float]
) -> None:
    due = engine.next_due()
    wait = min(1.0 if due is None else max(due - engine.clock(), 0.0), 1.0)
    until = monotonic() + wait
    while not stop.is_set() and (left := until - monotonic()) > 0:
        if engine.dispatcher.finished.wait(min(POLL, left)):
            return
        if engine.database.data_version() != version:
            return
