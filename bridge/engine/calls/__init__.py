"""Outside calls as the outbox makes them: begun, performed without a transaction, settled."""

from __future__ import annotations

from typing import Any, Protocol

from bridge.clients.apple.client import AppleClient
from bridge.clients.mdm.micromdm import MicroMdmClient
from bridge.clients.metadata import MetadataClient
from bridge.domain.backoff import last_delay_for_ever
from bridge.engine.context import Context
from bridge.errors import CallError, UnreadableReply
from bridge.store.database import Database
from bridge.store.outbox import outbox
from bridge.store.outbox.outbox import OutboxRow


class Clients(Protocol):
    """Where calls find the clients for a location or a server."""

    def apple(self, location: str) -> AppleClient:
        """The client for a location; raises TokenUnusable when its token file cannot be used."""

    def metadata(self, location: str, url: str) -> MetadataClient:
        """The client for the metadata service at `url`; raises TokenUnusable, and NotSent for a
        host that must not get the content token."""

    def token_digest(self, location: str) -> str | None:
        """The SHA-256 of the token that is in use for a location, in hexadecimal."""

    def mdm(self, server: str) -> MicroMdmClient:
        """The client for an MDM server."""


class Call(Protocol):
    """One kind of outbox row.

    `begin` and the endings run inside a transaction, `perform` outside of any. Exactly one of
    `settle` and `fail` follows a `perform`, unless the process dies: then `lost` is called at the
    next start, for a call of which nobody knows whether it was made.
    """

    def begin(self, context: Context, row: OutboxRow) -> None:
        """The row was claimed; runs in the same transaction."""

    def perform(self, row: OutboxRow) -> Any:
        """Make the call; raises CallError."""

    def settle(self, context: Context, row: OutboxRow, result: Any) -> None:
        """The call was made: keep its answer."""

    def fail(self, context: Context, row: OutboxRow, error: CallError) -> float | None:
        """The call failed. Returns until when this location or server is to be left alone."""

    def lost(self, context: Context, row: OutboxRow) -> None:
        """The process died between `begin` and the end."""


class Repeatable(Call):
    """A call that does no harm when it is made twice; kinds that might do some say so in `lost`."""

    def __init__(self, database: Database, clients: Clients) -> None:
        self.database = database
        self.clients = clients

    def begin(self, context: Context, row: OutboxRow) -> None:
        """Nothing to mark."""

    def settle(self, context: Context, row: OutboxRow, result: Any) -> None:
        """The row is done; most kinds keep the answer before."""
        outbox.done(context.db, row.id, context.now)

    def lost(self, context: Context, row: OutboxRow) -> None:
        """Make it again."""
        outbox.again(context.db, row.id, context.now, None)


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
