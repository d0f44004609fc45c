"""Full reads because a person asks for them: handed to the engine that runs, or made here.

Either way each is a row of the outbox, so that a crash in the middle leaves what the next engine
takes up, and one look at the rows tells how far they have come.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from bridge.domain.audit import Deed, some
from bridge.domain.policy import Policy
from bridge.domain.wording import counted
from bridge.engine.calls import Call
from bridge.engine.calls.devices import ReadDevices, ReadEnrolments
from bridge.engine.calls.locations import ReadAssets, ReadAssignments, Walk
from bridge.engine.calls.subscriptions import ReadSubscriptions
from bridge.engine.calls.user_reads import ReadUsers
from bridge.engine.context import Context
from bridge.engine.decide import first_facts, pausing
from bridge.errors import CallError
from bridge.store import meta, pauses
from bridge.store.database import Connection, Database
from bridge.store.outbox import full_reads

What = Literal["assets", "assignments", "users", "subscriptions", "devices", "enrolments"]
WHATS: tuple[What, ...] = ("assets", "assignments", "users", "subscriptions", "devices")
"""What a person may ask for. Enrolments are read in place of devices where a server has no list."""
_CALLS: Mapping[What, type[Call]] = {
    "assets": ReadAssets,
    "assignments": ReadAssignments,
    "users": ReadUsers,
    "subscriptions": ReadSubscriptions,
    "devices": ReadDevices,
    "enrolments": ReadEnrolments,
}

WALKS = 3
"""How often assignments are walked when data is written under the walk."""

PATIENCE = 60.0
"""Seconds that an engine gets to begin a read."""


@dataclass(frozen=True, slots=True)
class Read:
    """One full read: `scope` is the location's name, or for devices the MDM server's."""

    what: What
    scope: str

    @property
    def shown(self) -> str:
        """What people call it."""
        return "devices" if self.what == "enrolments" else self.what

    @property
    def call(self) -> type[Call]:
        """The call that makes it."""
        return _CALLS[self.what]

    def is_under_way(self, db: Connection) -> bool:
        """Whether such a read has begun and not ended."""
        return full_reads.under_way(db, self.call.service, self.scope, self.call.kind)


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a read is; `count` is how many items are known of it by now, `before` how many there
    are with those that only earlier reads have shown."""

    read: Read
    state: Literal["waiting", "reading", "done", "failed"]
    count: int = 0
    error: str | None = None
    before: int = 0

    @property
    def ended(self) -> bool:
        """Whether it is done or failed."""
        return self.state in ("done", "failed")


@dataclass(frozen=True, slots=True)
class _Ticket:
    row_id: int
    tries: int
    asked_at: float


@dataclass(frozen=True, slots=True)
class Places:
    """Where there is something to read: `servers` can list their devices; of those in `told_of`
    something else tells. Apple is asked for users and subscriptions only where the file names
    some."""

    locations: Sequence[str]
    servers: Sequence[str]
    told_of: Sequence[str] = ()
    with_users: Sequence[str] = ()
    with_subscriptions: Sequence[str] = ()

    def of(self, what: What) -> Sequence[str]:
        """The locations or servers of which something is read."""
        others = {
            "users": self.with_users,
            "subscriptions": self.with_subscriptions,
            "devices": self.servers,
            "enrolments": self.told_of,
        }
        return others.get(what, self.locations)


def chosen(what: str, places: Places) -> list[Read]:
    """The reads that `what` means: one kind of them, or `all`."""
    reads = [
        Read(each, scope) for each in WHATS if what in (each, "all") for scope in places.of(each)
    ]
    if what in ("devices", "all"):
        reads += [Read("enrolments", server) for server in places.told_of]
    return reads


def ask_unlisted(db: Connection, servers: Sequence[str], now: float) -> None:
    """Where a server has no list to read, have its devices asked that a person wants to know more
    of."""
    for server in servers:
        first_facts.want(db, server, now)
        meta.hasten_job(db, f"devices:{server}", now)


class Sync:
    """Some reads, from when they were asked for to their end.

    `record` tells the logs that somebody asked for them; None where they are a part of something.
    """

    def __init__(
        self,
        database: Database,
        policy: Policy,
        calls: Mapping[str, Call],
        wanted: Sequence[Read],
        clock: Callable[[], float],
        record: Callable[[Connection, Deed], None] | None = None,
    ) -> None:
        self._database = database
        self._policy = policy
        self._calls = calls
        self._wanted = wanted
        self._clock = clock
        self._record = record
        self._tickets: dict[Read, _Ticket] = {}

    def ask(self, *, alone: bool = False) -> Collection[Read]:
        """Intend what is not intended yet; a read that began before lets ours begin at its end.

        `alone` says that we hold the engine's lock, so that what seems to be under way is not.
        Returns all that is intended by now.
        """
        missing = [read for read in self._wanted if read not in self._tickets]
        if not missing:
            return self._tickets.keys()
        now = self._clock()
        with self._database.write() as db:
            first = not self._tickets
            for read in missing:
                if alone or not read.is_under_way(db):
                    self._tickets[read] = _intend(db, read, now)
            if first and self._tickets and self._record is not None:
                self._record(db, _deed(list(self._tickets)))
        return self._tickets.keys()

    def perform(self, read: Read) -> None:
        """Make the read here; the engine's lock must be held. How it ended, `progress` tells."""
        call = self._calls[read.call.kind]
        ticket = self._tickets[read]
        for walk in range(1, WALKS + 1):
            with self._database.write() as db:
                row = full_reads.claim(db, ticket.row_id, self._clock())
                if pausing.hold_back(self._context(db), row, pauses.load(db)):
                    return
                call.begin(self._context(db), row)
            try:
                result = call.perform(row)
            except CallError as error:
                with self._database.write() as db:
                    call.fail(self._context(db), row, error)
                return
            if walk == WALKS or not _written_under(read, result):
                with self._database.write() as db:
                    call.settle(self._context(db), row, result)
                return

    def progress(self) -> list[Progress]:
        """How far each read is."""
        with self._database.read() as db:
            return [self._progress(db, read) for read in self._wanted]

    def _progress(self, db: Connection, read: Read) -> Progress:
        ticket = self._tickets.get(read)
        if ticket is None:
            return Progress(read, "waiting")
        row = full_reads.get(db, ticket.row_id)
        since = row.claimed_at or ticket.asked_at
        if row.state == "done":
            return Progress(read, "done", _count(db, read, since))
        if row.state == "claimed":
            before = _count(db, read, 0.0)
            return Progress(read, "reading", _count(db, read, since), before=before)
        if row.state == "held":
            return Progress(read, "failed", error="it waits until vpp-bridge resume --all")
        if row.state == "failed" or (row.tries > ticket.tries and row.error):
            return Progress(read, "failed", error=row.error)
        if self._clock() - ticket.asked_at > PATIENCE:
            why = f": {row.error}" if row.error else ""
            text = f"the engine has not begun within {PATIENCE:.0f} s and does it later{why}"
            return Progress(read, "failed", error=text)
        return Progress(read, "waiting")

    def _context(self, db: Connection) -> Context:
        return Context(db, self._policy, self._clock())


def _deed(reads: Sequence[Read]) -> Deed:
    names = [f"{read.shown} of {read.scope}" for read in reads]
    text = f"{counted(len(reads), 'full read')} {'is' if len(reads) == 1 else 'are'} asked for"
    return Deed("sync", text, after={"reads": some(names)})


def _intend(db: Connection, read: Read, now: float) -> _Ticket:
    if read.what in ("devices", "enrolments"):
        first_facts.want(db, read.scope, now)
    row_id = read.call.intend(db, read.scope, now=now)
    return _Ticket(row_id, full_reads.get(db, row_id).tries, now)


def _written_under(read: Read, result: Any) -> bool:
    return read.what == "assignments" and isinstance(result, Walk) and result.version_changed


def _count(db: Connection, read: Read, since: float) -> int:
    if read.what in ("devices", "enrolments"):
        return full_reads.devices(db, read.scope)
    if read.what == "users":
        return full_reads.users(db, read.scope)
    if read.what == "subscriptions":
        return full_reads.subscriptions(db, read.scope)
    count = full_reads.assets if read.what == "assets" else full_reads.assignments
    return count(db, read.scope, since)
