"""Outbox rows become calls: claimed in one transaction, made outside of any, settled in another.

A transaction costs as much as a call to a server that is near. So calls that say that they may
(`Call.in_series`) are claimed together, made by one thread one after the other, and settled
together: as many as are made in SERIES_FOR, one at a time where the server is slow. Each is still a
claimed row of its own before it leaves, and its `Call.lost` tells what a crash means.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from statistics import median
from typing import Any, Protocol

from bridge.clients.mdm.port import Abilities
from bridge.domain.backoff import last_delay_for_ever
from bridge.domain.pauses import Pauses
from bridge.domain.policy import Policy
from bridge.engine.call_log import log_keys, why
from bridge.engine.calls import Call, registry
from bridge.engine.claimed import Claimed, Scope, Series
from bridge.engine.context import Context
from bridge.engine.decide import pausing
from bridge.engine.pace import AT_ONCE, LONGEST_SERIES, QUICK, QUICK_AT_ONCE, SERIES_FOR
from bridge.engine.share import Share
from bridge.engine.wake import Wake
from bridge.errors import CallError, StoreError
from bridge.store import meta, pauses
from bridge.store.database import Connection, Database, Engines
from bridge.store.outbox import outbox
from bridge.store.outbox.outbox import OutboxRow

log = logging.getLogger(__name__)

Ending = Callable[[Context], Any]


class Executor(Protocol):
    """Runs a job, now or soon, in this thread or another."""

    def __call__(self, job: Callable[[], None]) -> None: ...


def inline(job: Callable[[], None]) -> None:
    """Run a job at once, in this thread."""
    job()


class Dispatcher:
    """Claims due rows and has their calls made, a few at once for each location and server.

    `monotonic` is a clock in seconds that nobody sets. `engines` share the calls, if there are any.
    """

    def __init__(
        self,
        database: Database,
        policy: Policy,
        calls: Mapping[str, Call],
        clock: Callable[[], float],
        execute: Executor = inline,
        servers: Mapping[str, Abilities] | None = None,
        monotonic: Callable[[], float] = time.monotonic,
        wake: Wake | None = None,
        engines: Engines | None = None,
    ) -> None:
        self._database = database
        self._policy = policy
        self._calls = calls
        self._clock = clock
        self._execute = execute
        self._servers = servers or {}
        self.share = None if engines is None else Share(engines, calls, self._servers)
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._under_way: Counter[Scope] = Counter()
        self._took: dict[Scope, deque[float]] = {}
        self._stopping = False
        self._resting: dict[Scope, float] = {}
        self.unsettled: list[tuple[OutboxRow, Ending]] = []
        """The answers that the database would not take."""
        self.unknown: list[OutboxRow] = []
        """What was claimed by a commit that may have been done or not."""
        self.finished = wake or Wake()

    def claim(self, context: Context, paused: Pauses) -> Claimed:
        """Claim the calls that are due, save what is paused; `begin` them once that is committed,
        or they are lost calls for the next start."""
        if self.share is not None:
            self.share.check(context.db)
        due = self._claim(context)
        known = [row for row in due if self._knows(context, row)]
        going = known
        if paused.all:
            going = [row for row in known if not pausing.hold_back(context, row, paused)]
        for row in going:
            self._calls[row.kind].begin(context, row)
        return Claimed(len(due), self._series(going, paused))

    def in_doubt(self, claimed: Claimed) -> None:
        """It is not known whether this claim was committed. No call of it is made; what of it was
        claimed is given back before anything else is."""
        self.unknown += claimed.rows

    def begin(self, claimed: Claimed) -> int:
        """Make the calls of a claim that is committed; returns how many were due."""
        with self._lock:
            self._under_way.update(each.scope for each in claimed.all)
        for series in claimed.all:
            self._execute(lambda series=series: self._run(series))  # type: ignore[misc]
        return claimed.due

    def stop(self) -> None:
        """Begin no further call of what was claimed: it is given back."""
        self._stopping = True

    def settle_again(self) -> int:
        """Keep what the database would not take before; returns how much it took. An answer that it
        took and did not say so is not settled again. Raises StoreError where it is not known yet
        what is claimed."""
        if self.unknown:
            with self._database.write() as db:
                for row in self.unknown:
                    if outbox.is_begun(db, row, self._number):
                        outbox.give_back(db, row.id)
            self.unknown = []
        with self._lock:
            waiting, self.unsettled = self.unsettled, []
        for row, ending in waiting:
            self._settle(row, ending, again=True)
        return len(waiting)

    def next_due(self, now: float) -> float | None:
        """When the next call is due; a resting location's or server's when it may be called."""
        with self._database.read() as db:
            times = outbox.due_by_scope(db)
        with self._lock:
            return min(
                (
                    max(due, self._resting.get(scope, due))
                    for scope, due in times.items()
                    if self._room(scope) > 0 and self._takes_part(scope)
                ),
                default=None,
            )

    def clock_stepped(self, by: float) -> None:
        """The wall clock was set by so many seconds: who rests, rests as long as before."""
        with self._lock:
            self._resting = {scope: until + by for scope, until in self._resting.items()}

    def under_way(self) -> int:
        """How many threads are making calls."""
        with self._lock:
            return self._under_way.total()

    def _context(self, db: Connection, now: float) -> Context:
        return Context(db, self._policy, now, self._servers)

    @property
    def _number(self) -> int:
        return 0 if self.share is None else self.share.number

    def _takes_part(self, scope: Scope) -> bool:
        return self.share is None or self.share.takes(scope)

    def _claim(self, context: Context) -> list[OutboxRow]:
        claimed, number = list[OutboxRow](), self._number
        kinds = () if self.share is None else self.share.kinds()
        for scope, due in outbox.due_by_scope(context.db).items():
            with self._lock:
                room, length = self._room(scope), self._length(scope)
                rests = self._resting.get(scope, 0.0) > context.now
                if room <= 0 or rests or due > context.now or not self._takes_part(scope):
                    continue
            wanted = (context.now, room * length, *scope)
            claimed += outbox.claim(context.db, *wanted, by=number, kinds=kinds)
        return claimed

    def _room(self, scope: Scope) -> int:
        """How many threads more may call there; the lock is held."""
        is_quick = scope[0] == "mdm" and self._takes(scope) <= QUICK
        return (QUICK_AT_ONCE if is_quick else AT_ONCE[scope[0]]) - self._under_way[scope]

    def _length(self, scope: Scope) -> int:
        """How many calls there take as long as a series; the lock is held."""
        if scope[0] != "mdm":
            return 1
        took = max(self._takes(scope), SERIES_FOR / LONGEST_SERIES)
        return max(round(SERIES_FOR / took), 1)

    def _takes(self, scope: Scope) -> float:
        """Seconds that a call there takes; not an average, which a single slow one would spoil."""
        took = self._took.get(scope)
        return median(took) if took else SERIES_FOR

    def _knows(self, context: Context, row: OutboxRow) -> bool:
        if row.kind not in self._calls:
            registry.refuse(context, row)
        return row.kind in self._calls

    def _series(self, going: Sequence[OutboxRow], paused: Pauses) -> list[Series]:
        """The rows as threads take them up, in order: of one scope and one kind, since what one
        kind of call tells may be waited for."""
        found: list[list[OutboxRow]] = []
        last: dict[tuple[Scope, str], list[OutboxRow]] = {}
        for row in going:
            scope = (row.service, row.scope)
            with self._lock:
                length = self._length(scope) if self._calls[row.kind].in_series else 1
            series = last.get((scope, row.kind))
            if series is None or len(series) >= length:
                series = last[scope, row.kind] = []
                found.append(series)
            series.append(row)
        return [Series((rows[0].service, rows[0].scope), rows, paused) for rows in found]

    def _run(self, series: Series) -> None:
        try:
            self._settle_all(self._perform_all(series))
        finally:
            with self._lock:
                self._under_way[series.scope] -= 1
            self.finished.set()

    def _perform_all(self, series: Series) -> list[tuple[OutboxRow, Ending]]:
        """Make the calls one after the other; what is not begun is given back."""
        begun_at = self._monotonic()
        endings: list[tuple[OutboxRow, Ending]] = []
        goes_on = self._may_begin()
        for row in series.rows:
            goes_on = goes_on and (not endings or self._goes_on(series, begun_at))
            if goes_on:
                ending, goes_on = self._perform(row)
                endings.append((row, ending))
            else:
                endings.append((row, lambda context, row=row: outbox.give_back(context.db, row.id)))  # type: ignore[misc]
        return endings

    def _goes_on(self, series: Series, begun_at: float) -> bool:
        """Whether the next call of a series is begun: nobody paused or stopped anything meanwhile,
        and the server has not become slow."""
        if not self._may_begin() or self._monotonic() - begun_at > 3 * SERIES_FOR:
            return False
        return self._database.glance(pauses.load) == series.paused

    def _may_begin(self) -> bool:
        return not self._stopping and (self.share is None or self.share.is_heard())

    def _perform(self, row: OutboxRow) -> tuple[Ending, bool]:
        """Make a call; how it is to be kept, and whether the other side did as it was asked."""
        call, begun_at = self._calls[row.kind], self._monotonic()
        try:
            result = call.perform(row)
        except CallError as failure:
            error = failure
            log.info("a call failed", extra=log_keys(row) | why(error))
            return (lambda context: call.fail(context, row, error)), False
        except StoreError as error:  # it may have been sent by then, as when the process dies
            text = f"the database could not be used during a call: {error}"[:300]
            log.warning(text, extra=log_keys(row))
            return (lambda context: self._unknown(context, row, text)), False
        except Exception as mistake:  # of ours, and it must not stop the other calls
            log.exception("a call could not be made", extra=log_keys(row))
            text = f"{type(mistake).__name__}: {mistake}"[:300]
            return (lambda context: self._broken(context, row, text)), False
        self._learn_pace(row, self._monotonic() - begun_at)
        return (lambda context: call.settle(context, row, result)), True

    def _learn_pace(self, row: OutboxRow, took: float) -> None:
        with self._lock:
            self._took.setdefault((row.service, row.scope), deque(maxlen=9)).append(took)

    def _settle_all(self, endings: Sequence[tuple[OutboxRow, Ending]]) -> None:
        """Keep how calls ended, in one transaction; where one cannot be kept, each for itself."""
        if len(endings) > 1:
            try:
                with self._database.write() as db:
                    context = self._context(db, self._clock())
                    ours = [(row, ending) for row, ending in endings if self._has(db, row)]
                    rests = [(row, ending(context)) for row, ending in ours]
            except StoreError as error:  # the engine, which rests then, says it whole
                log.warning("the answers of calls cannot be stored yet: %s", type(error).__name__)
                with self._lock:
                    self.unsettled.extend(endings)
                return
            except Exception:  # it is told below, by the one that it is about
                log.debug("a call's answer could not be kept among others", exc_info=True)
            else:
                for row, until in rests:
                    self._rest(row, until)
                return
        for row, ending in endings:
            self._settle(row, ending)

    def _settle(
        self, row: OutboxRow, ending: Ending, *, again: bool = False, broken: bool = False
    ) -> None:
        """Keep how the call ended, unless that is done already where it is tried `again`.

        When the database cannot take it now, it is kept in memory and tried again; when keeping
        it is a mistake of ours, the call counts as one of unknown end.
        """
        try:
            with self._database.write() as db:
                if not self._has(db, row, again=again):
                    return
                rest_until = ending(self._context(db, self._clock()))
        except StoreError as error:
            kind = type(error).__name__
            log.warning("a call's answer cannot be stored yet: %s", kind, extra=log_keys(row))
            with self._lock:
                self.unsettled.append((row, ending))
            return
        except Exception as error:
            log.exception("a call's answer could not be kept", extra=log_keys(row))
            if not broken:
                text = f"{type(error).__name__}: {error}"[:300]
                self._settle(row, lambda context: self._broken(context, row, text), broken=True)
            return  # what is broken twice stays claimed, and is looked up at the next start
        self._rest(row, rest_until)

    def _has(self, db: Connection, row: OutboxRow, *, again: bool = False) -> bool:
        """Whether a call's end is to be kept yet: others may have looked up what became of it, or
        it was kept before it is tried `again`."""
        if (self._number == 0 and not again) or outbox.is_begun(db, row, self._number):
            return True
        log.warning("a call ended after another engine looked it up", extra=log_keys(row))
        return False

    def _rest(self, row: OutboxRow, until: float | None) -> None:
        if until is not None:
            with self._lock:
                self._resting[row.service, row.scope] = until

    def _broken(self, context: Context, row: OutboxRow, text: str) -> None:
        """Something of ours is wrong: what may have been done is in doubt, and it is counted."""
        meta.count(context.db, "outbox.broken", context.now)
        self._unknown(context, row, text)

    def _unknown(self, context: Context, row: OutboxRow, text: str) -> None:
        """What may have been done is in doubt; what is made again is not so at once."""
        self._calls[row.kind].lost(context, row)
        wait = last_delay_for_ever(self._policy.call.retry, row.tries + 1)
        outbox.slow_down(context.db, row.id, context.now + wait, text)
