"""Outbox rows become calls: claimed in one transaction, made outside of any, settled in another."""

from __future__ import annotations

import logging
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from bridge.clients.mdm.port import Abilities
from bridge.domain.backoff import last_delay_for_ever
from bridge.domain.policy import Policy
from bridge.engine.calls import Call, registry
from bridge.engine.context import Context
from bridge.engine.decide import pausing
from bridge.errors import AppleRefused, CallError, StoreError
from bridge.store import meta
from bridge.store.database import Connection, Database
from bridge.store.outbox import outbox
from bridge.store.outbox.outbox import OutboxRow

log = logging.getLogger(__name__)

Scope = tuple[str, str]
Ending = Callable[[Context], Any]

AT_ONCE: Mapping[str, int] = {"apple": 5, "mdm": 4}
"""Calls under way at once to one location (Apple's limit for pages) or to one server (more only
reduces the throughput)."""


class Executor(Protocol):
    """Runs a job, now or soon, in this thread or another."""

    def __call__(self, job: Callable[[], None]) -> None: ...


def inline(job: Callable[[], None]) -> None:
    """Run a job at once, in this thread."""
    job()


class Dispatcher:
    """Claims due rows and has their calls made, a few at once for each location and server."""

    def __init__(
        self,
        database: Database,
        policy: Policy,
        calls: Mapping[str, Call],
        clock: Callable[[], float],
        execute: Executor = inline,
        servers: Mapping[str, Abilities] | None = None,
    ) -> None:
        self._database = database
        self._policy = policy
        self._calls = calls
        self._clock = clock
        self._execute = execute
        self._servers = servers or {}
        self._lock = threading.Lock()
        self._under_way: Counter[Scope] = Counter()
        self._resting: dict[Scope, float] = {}
        self._unsettled: list[tuple[OutboxRow, Ending]] = []
        self.finished = threading.Event()

    def start(self, now: float) -> int:
        """Begin the calls that are due, save what is paused; returns how many were due."""
        with self._database.write() as db:
            context = self._context(db, now)
            claimed = self._claim(context)
            known = [row for row in claimed if self._knows(context, row)]
            going = [row for row in known if not pausing.hold_back(context, row)]
            for row in going:
                self._calls[row.kind].begin(context, row)
        with self._lock:  # only now that the claim is committed
            self._under_way.update((row.service, row.scope) for row in going)
        for row in going:
            self._execute(lambda row=row: self._run(row))  # type: ignore[misc]
        return len(claimed)

    def settle_again(self) -> int:
        """Keep the answers that the database would not take before; returns how many it took."""
        with self._lock:
            waiting, self._unsettled = self._unsettled, []
        for row, ending in waiting:
            self._settle(row, ending)
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
                    if self._under_way[scope] < AT_ONCE[scope[0]]
                ),
                default=None,
            )

    def clock_stepped(self, by: float) -> None:
        """The wall clock was set by so many seconds: who rests, rests as long as before."""
        with self._lock:
            self._resting = {scope: until + by for scope, until in self._resting.items()}

    def under_way(self) -> int:
        """How many calls have begun and not ended."""
        with self._lock:
            return self._under_way.total()

    def _context(self, db: Connection, now: float) -> Context:
        return Context(db, self._policy, now, self._servers)

    def _claim(self, context: Context) -> list[OutboxRow]:
        claimed = []
        for scope, due in outbox.due_by_scope(context.db).items():
            with self._lock:
                room = AT_ONCE[scope[0]] - self._under_way[scope]
                rests = self._resting.get(scope, 0.0) > context.now
                if room <= 0 or rests or due > context.now:
                    continue
            claimed.extend(outbox.claim(context.db, context.now, room, *scope))
        return claimed

    def _knows(self, context: Context, row: OutboxRow) -> bool:
        if row.kind not in self._calls:
            registry.refuse(context, row)
        return row.kind in self._calls

    def _run(self, row: OutboxRow) -> None:
        scope = (row.service, row.scope)
        try:
            self._perform(row)
        finally:
            with self._lock:
                self._under_way[scope] -= 1
            self.finished.set()

    def _perform(self, row: OutboxRow) -> None:
        call = self._calls[row.kind]
        try:
            result = call.perform(row)
        except CallError as failure:
            error = failure
            log.info("a call failed", extra=_log_keys(row) | _why(error))
            self._settle(row, lambda context: call.fail(context, row, error))
        except Exception as mistake:  # of ours, and it must not stop the other calls
            log.exception("a call could not be made", extra=_log_keys(row))
            text = f"{type(mistake).__name__}: {mistake}"[:300]
            self._settle(row, lambda context: self._broken(context, row, text))
        else:
            self._settle(row, lambda context: call.settle(context, row, result))

    def _settle(self, row: OutboxRow, ending: Ending, *, broken: bool = False) -> None:
        """Keep how the call ended.

        When the database cannot take it now, it is kept in memory and tried again; when keeping
        it is a mistake of ours, the call counts as one of unknown end.
        """
        try:
            with self._database.write() as db:
                rest_until = ending(self._context(db, self._clock()))
        except StoreError:
            log.exception("a call's answer could not be stored yet", extra=_log_keys(row))
            with self._lock:
                self._unsettled.append((row, ending))
            return
        except Exception as error:
            log.exception("a call's answer could not be kept", extra=_log_keys(row))
            if not broken:
                text = f"{type(error).__name__}: {error}"[:300]
                self._settle(row, lambda context: self._broken(context, row, text), broken=True)
            return  # what is broken twice stays claimed, and is looked up at the next start
        if rest_until is not None:
            with self._lock:
                self._resting[row.service, row.scope] = rest_until

    def _broken(self, context: Context, row: OutboxRow, text: str) -> None:
        """Something of ours is wrong: what may have been done is in doubt, and it is counted."""
        meta.count(context.db, "outbox.broken", context.now)
        self._calls[row.kind].lost(context, row)
        wait = last_delay_for_ever(self._policy.call.retry, row.tries + 1)
        outbox.slow_down(context.db, row.id, context.now + wait, text)


def _why(error: CallError) -> dict[str, Any]:
    number = error.number if isinstance(error, AppleRefused) else None
    return {"status": error.status, "error_number": number, "error": str(error)}


def _log_keys(row: OutboxRow) -> dict[str, Any]:
    key = "location" if row.service == "apple" else "server"
    return {key: row.scope, "request_type": row.kind, "outbox_id": row.id}
