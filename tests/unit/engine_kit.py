"""Calls and clients that do as a test says."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bridge.app.calls import make_calls
from bridge.clients.mdm import adapters
from bridge.config import ApiConfig, Config, LocationConfig, ServerConfig
from bridge.domain.policy import Policy
from bridge.engine.calls import wait_after
from bridge.engine.context import Context, ContextOf
from bridge.engine.dispatch import Dispatcher
from bridge.errors import AppleRefused, CallError, MdmRefused, NotSent, OutcomeUnknown
from bridge.store import pauses
from bridge.store.database import Connection, Database
from bridge.store.installs import installs
from bridge.store.outbox import outbox
from bridge.store.outbox.outbox import OutboxRow
from tests.unit.store_kit import NOW, intend

POLICY = Policy()

SERVERS = {"main": adapters.ADAPTERS["micromdm"].abilities}

NOT_SENT = NotSent("connection refused", service="apple", call="POST /x")
UNKNOWN = OutcomeUnknown("no reply", service="apple", call="POST /x")


def refused_by_apple(number: int | None, **more: Any) -> AppleRefused:
    """Apple's definite no."""
    return AppleRefused(f"Apple said {number}", call="POST /x", number=number, **more)


def refused_by_mdm(status: int, **more: Any) -> MdmRefused:
    """The MDM server's definite no."""
    return MdmRefused(f"HTTP {status}", service="mdm", call="POST /x", status=status, **more)


def context(db: Connection, now: float = NOW, policy: Policy = POLICY) -> Context:
    """A moment in a transaction."""
    return Context(db, policy, now, SERVERS)


def at_time(now: float) -> ContextOf:
    """Makes the contexts of one moment."""
    return lambda db: context(db, now)


def start(dispatcher: Dispatcher, database: Database, now: float) -> int:
    """Claim what is due and begin it, as a pass of the engine does; returns how much it was."""
    with database.write() as db:
        claimed = dispatcher.claim(context(db, now), pauses.load(db))
    return dispatcher.begin(claimed)


class Clock:
    """Moved by the test alone."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> float:
        return self.now


@dataclass
class FakeCall:
    """One kind of outbox row: `outcomes` says how each call ends, the last for ever."""

    outcomes: list[Any] = field(default_factory=lambda: [None])
    rest: float | None = None
    log: list[str] = field(default_factory=list)
    settles: Callable[[Context, OutboxRow], None] | None = None
    loses: Callable[[Context, OutboxRow], None] | None = None
    in_series: bool = False
    meanwhile: Callable[[OutboxRow], None] | None = None

    def begin(self, context: Context, row: OutboxRow) -> None:
        self.log.append(f"begin {row.key}")
        if isinstance(self.outcomes[0], BaseException) and self.outcomes[0].args == ("begin",):
            raise self.outcomes.pop(0)

    def perform(self, row: OutboxRow) -> Any:
        self.log.append(f"perform {row.key}")
        if self.meanwhile:
            self.meanwhile(row)
        outcome = self.outcomes[0] if len(self.outcomes) == 1 else self.outcomes.pop(0)
        if isinstance(outcome, BaseException):
            raise outcome
        return outcome

    def settle(self, context: Context, row: OutboxRow, result: Any) -> None:
        self.log.append(f"settle {row.key} {result}")
        if self.settles:
            self.settles(context, row)
        outbox.done(context.db, row.id, context.now)

    def fail(self, context: Context, row: OutboxRow, error: CallError) -> float | None:
        self.log.append(f"fail {row.key} {type(error).__name__}")
        outbox.again(context.db, row.id, context.now + wait_after(context, row, error), str(error))
        return self.rest

    def lost(self, context: Context, row: OutboxRow) -> None:
        self.log.append(f"lost {row.key}")
        if self.loses:
            self.loses(context, row)
        outbox.again(context.db, row.id, context.now, None)


class Later:
    """An executor that runs nothing until it is told to."""

    def __init__(self) -> None:
        self.jobs: list[Callable[[], None]] = []

    def __call__(self, job: Callable[[], None]) -> None:
        self.jobs.append(job)

    def run(self, count: int = 1) -> None:
        """Run the oldest jobs."""
        for _ in range(count):
            self.jobs.pop(0)()


@dataclass
class Bench:
    """A dispatcher with fake calls on a database of its own."""

    database: Database
    call: FakeCall = field(default_factory=FakeCall)
    clock: Clock = field(default_factory=Clock)
    later: Later = field(default_factory=Later)
    seconds: float = 0.0
    """By the clock that nobody sets."""

    def __post_init__(self) -> None:
        kinds = dict.fromkeys(("read_assets", "register", "push"), self.call)
        self.dispatcher = Dispatcher(
            self.database, POLICY, kinds, self.clock, self.later, monotonic=lambda: self.seconds
        )

    def start(self) -> int:
        """Begin what is due now."""
        return start(self.dispatcher, self.database, self.clock.now)

    def turn(self) -> int:
        """Begin what is due now, and end it."""
        begun = self.start()
        self.later.run(begun)
        return begun

    def rows(self) -> list[tuple[str, str, float]]:
        """Key, state and due time (from NOW) of every row."""
        with self.database.read() as db:
            found = db.execute("SELECT key, state, due_at FROM outbox ORDER BY id").fetchall()
        return [(row[0], row[1], row[2] - NOW) for row in found]


class Anything:
    """A client whose every method gives the same answer."""

    def __init__(self, answer: Any, log: list[str]) -> None:
        self._answer = answer
        self._log = log

    def __getattr__(self, name: str) -> Any:
        def method(*arguments: Any, **named: Any) -> Any:
            self._log.append(name)
            if isinstance(self._answer, BaseException):
                raise self._answer
            return self._answer

        return method


@dataclass
class FakeClients:
    """Clients that all answer alike; `calls` lists what was called."""

    answer: Any
    calls: list[str] = field(default_factory=list)

    def apple(self, location: str) -> Any:
        return Anything(self.answer, self.calls)

    def mdm(self, server: str) -> Any:
        return Anything(self.answer, self.calls)

    def token_digest(self, location: str) -> str | None:
        return None


def configuration(folder: Path) -> Config:
    """One server, one location, a public URL."""
    return Config(
        path=folder / "config.yaml",
        database=folder / "bridge.db",
        public_url="https://bridge.example.org",
        api=ApiConfig(key="key"),
        servers={"main": ServerConfig("main", "micromdm", "https://mdm.example.org", "k", ("w",))},
        locations={"hq": LocationConfig("hq", folder / "hq.vpptoken")},
    )


def intended(db: Connection) -> list[str]:
    """The calls that are ready, as "service scope kind"."""
    found = db.execute("SELECT service, scope, kind FROM outbox WHERE state = 'ready' ORDER BY id")
    return [" ".join(row) for row in found]


def dirty(database: Database) -> set[str]:
    """The serial numbers whose installs are to be decided."""
    with database.read() as db:
        return {install.target for install in installs.dirty(db, 99)}


@dataclass
class Answer:
    """Makes a call of some kind, which ends with the answer that is given."""

    database: Database
    folder: Path

    def __call__(
        self, kind: str, subject: Any, result: Any, *, at: float = NOW, took: float = 0.0
    ) -> None:
        calls = make_calls(self.database, FakeClients(result), configuration(self.folder))
        service, scope = ("mdm", "main") if kind in MDM_KINDS else ("apple", "hq")
        with self.database.write() as db:
            text = subject if isinstance(subject, str) else json.dumps(subject)
            intend(db, kind, text, subject=text, service=service, scope=scope, due_at=at, now=at)
            (row,) = outbox.claim(db, at, 1, service, scope)
            calls[kind].begin(context(db, at), row)
        outcome = calls[kind].perform(row)
        with self.database.write() as db:
            calls[kind].settle(context(db, at + took), row, outcome)


MDM_KINDS = frozenset({"command", "queue", "push", "read_devices"})
