"""Outside calls as the outbox makes them: begun, performed without a transaction, settled.

A kind of call is one class. All that is peculiar to it stands there, and it is registered by being
defined in a module of this package; `registry` has them all.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar, Literal, Protocol, get_args

from bridge.clients.apple.client import AppleClient
from bridge.clients.mdm.port import MdmServer
from bridge.clients.metadata import MetadataClient
from bridge.domain.alerts.standing import Standing
from bridge.domain.backoff import last_delay_for_ever
from bridge.domain.pauses import Pause, Pauses
from bridge.domain.vocabulary import Service
from bridge.engine.context import Context
from bridge.engine.enrolments import Enrolments
from bridge.errors import CallError, OutcomeUnknown, UnreadableReply
from bridge.store import meta
from bridge.store.database import Connection, Database
from bridge.store.outbox import outbox
from bridge.store.outbox.outbox import OutboxRow

Effect = Literal["read", "push", "write", "tell"]
"""What a call does outside: it asks, it has a device come for its commands, it changes something,
or it tells people something."""

TAKEN_BACK = "taken back: it is paused"
"""The error of a row that a pause took back, because the call is intended anew later."""

DEFINED: dict[str, type[Call]] = {}
"""By kind, the classes that are defined by now; `registry.classes` has all of them."""


class Clients(Protocol):
    """Where calls find the clients for a location or a server."""

    def apple(self, location: str) -> AppleClient:
        """The client for a location; raises TokenUnusable when its token file cannot be used."""

    def metadata(self, location: str, url: str) -> MetadataClient:
        """The client for the metadata service at `url`; raises TokenUnusable, and NotSent for a
        host that must not get the content token."""

    def token_digest(self, location: str) -> str | None:
        """The SHA-256 of the token that is in use for a location, in hexadecimal."""

    def mdm(self, server: str) -> MdmServer:
        """The client for an MDM server."""

    def enrolments(self, server: str) -> Enrolments:
        """Where the devices of a server are told of that cannot list them."""

    def tell(self, receiver: str, standing: Standing, bridge: str) -> str:
        """Tell a receiver how an alert stands, as the bridge of this id; returns what it answered.
        Raises CallError."""

    def reach(self, receiver: str) -> int:
        """Ask whether a receiver of alerts can be reached, without telling it anything; the status
        of its answer. Raises CallError."""


class Call(ABC):
    """One kind of outbox row.

    `scope` of its rows names a location (Apple), an MDM server or a receiver of alerts.

    A subclass says its `kind`, its `service` and its `effect`; one that only holds what others have
    in common is defined with `abstract=True`, and may say the service for them. Nothing is taken
    for granted of what a class does outside: as long as it does not say more, a push or a write is
    held while anything is paused, is not made again when nobody knows whether it was made, and is
    not repeated by hand.

    `begin` and the endings run inside a transaction, `perform` outside of any. Exactly one of
    `settle` and `fail` follows a `perform`, unless the process dies: then `lost` is called at the
    next start, for a call of which nobody knows whether it was made. The class methods are about
    rows that have not left, or that failed; any process may ask them.

    `urls` says where each location's notifications are wanted.
    """

    kind: ClassVar[str]
    service: ClassVar[Service]
    effect: ClassVar[Effect]
    repeatable: ClassVar[bool]
    """Whether it does no harm when it is made twice. Reads do none; others may say so."""
    in_series: ClassVar[bool] = False
    """Whether one thread may make many of them one after the other and have them settled together.
    What was claimed and not begun is given back, so that there must be nothing to `begin`."""

    def __init_subclass__(cls, *, abstract: bool = False, **more: Any) -> None:
        """Register a kind of call; raises TypeError for one that does not say what it does."""
        super().__init_subclass__(**more)
        if abstract:
            return
        for name, allowed in (("service", get_args(Service)), ("effect", get_args(Effect))):
            if getattr(cls, name, None) not in allowed:
                raise TypeError(f"{cls.__name__}.{name} is to be one of {', '.join(allowed)}")
        for name in ("kind", "effect"):
            if name not in cls.__dict__:
                raise TypeError(f"{cls.__name__} is to say its own {name}")
        if cls.kind in DEFINED:
            raise TypeError(f"{cls.__name__}.kind is that of {DEFINED[cls.kind].__name__}")
        if "repeatable" not in cls.__dict__:
            cls.repeatable = cls.effect == "read"
        DEFINED[cls.kind] = cls

    def __init__(
        self, database: Database, clients: Clients, urls: Mapping[str, str | None]
    ) -> None:
        self.database = database
        self.clients = clients
        self.urls = urls

    @classmethod
    def intend(
        cls,
        db: Connection,
        scope: str,
        *,
        now: float,
        key: str = "",
        subject: str = "",
        after: float = 0.0,
    ) -> int:
        """Have it made to what `scope` names, `after` seconds from now; returns the row's id.
        Fewer than none let it go before what stands in line.

        What its class stands on finds it by its kind: `registry.classes()`.
        """
        return outbox.add(
            db,
            service=cls.service,
            scope=scope,
            kind=cls.kind,
            key=key,
            subject=subject,
            due_at=now + after,
            now=now,
        )

    @classmethod
    def intend_all(
        cls,
        db: Connection,
        scope: str,
        subjects: Iterable[str],
        *,
        now: float,
        after: float = 0.0,
    ) -> None:
        """Have many made to a location or server, one for each subject, which is its key; `after`
        as in `intend`."""
        outbox.add_all(
            db,
            service=cls.service,
            scope=scope,
            kind=cls.kind,
            subjects=subjects,
            due_at=now + after,
            now=now,
        )

    @classmethod
    def paused_by(cls, context: Context, row: OutboxRow, paused: Pauses) -> Pause | None:
        """The pause that keeps it from leaving, if any does."""
        return None if cls.effect == "read" else next(iter(paused.all), None)

    @classmethod
    def withdraw(cls, context: Context, row: OutboxRow, pause: Pause) -> None:
        """Take back what has not left, because of a pause: it is held, and due when anything is
        resumed. What would hold up others leaves the outbox instead."""
        outbox.pause(context.db, row.id)

    @classmethod  # noqa: B027 - mostly, nobody waits
    def scope_gone(cls, context: Context, row: OutboxRow) -> None:
        """Its location or server is not configured any more, and the row failed for that: tell
        whoever waits for it."""

    @classmethod
    def why_not_again(cls, db: Connection, row: OutboxRow) -> str | None:
        """Why a person may not have it made again after it failed, in one sentence; None where
        that does no harm."""
        if cls.repeatable:
            return None
        return "it may have been done, and it is not known to do no harm twice: look there first"

    def begin(self, context: Context, row: OutboxRow) -> None:  # noqa: B027 - mostly, nothing to do
        """The row was claimed; runs in the same transaction."""

    @abstractmethod
    def perform(self, row: OutboxRow) -> Any:
        """Make the call; raises CallError."""

    def settle(self, context: Context, row: OutboxRow, result: Any) -> None:
        """The call was made: keep its answer. The row is done; most kinds keep more before."""
        outbox.done(context.db, row.id, context.now)

    def fail(self, context: Context, row: OutboxRow, error: CallError) -> float | None:
        """The call failed. Returns until when this location or server is to be left alone."""
        if self.repeatable or not isinstance(error, OutcomeUnknown):
            return self.not_made(context, row, error)
        self.doubt(context, row, error)
        return None

    @abstractmethod
    def not_made(self, context: Context, row: OutboxRow, error: CallError) -> float | None:
        """The call failed, and may be made again without harm; returns as `fail` does."""

    def doubt(self, context: Context, row: OutboxRow, error: OutcomeUnknown) -> None:
        """The call left, nobody knows whether it was done, and twice might do harm."""
        self._doubt(context, row, str(error))

    def lost(self, context: Context, row: OutboxRow) -> None:
        """The process died between `begin` and the end: it is made again if that does no harm."""
        if self.repeatable:
            outbox.again(context.db, row.id, context.now, None)
        else:
            self._doubt(context, row, "the bridge was stopped meanwhile")

    def _doubt(self, context: Context, row: OutboxRow, why: str) -> None:
        meta.count(context.db, f"{self.kind}.in_doubt", context.now)
        outbox.failed(context.db, row.id, context.now, f"in doubt: {why}")


def wait_after(context: Context, row: OutboxRow, error: CallError) -> float:
    """Seconds until a failed call is made again: what the other side asked for, else growing.

    What cannot be read is likely to be the same the next time, and is asked for less often. A
    little is added that differs from row to row, so that what failed together does not come back
    together.
    """
    policy = context.policy.call
    unreadable = isinstance(error, UnreadableReply)
    delays = policy.unreadable_retry if unreadable else policy.retry
    wait = last_delay_for_ever(delays, row.tries)
    spread = 1.0 + ((row.id * 7919 + row.tries * 104729) % 100) / 500.0
    return max(wait * spread, error.retry_after or 0.0)
