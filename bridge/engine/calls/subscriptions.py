"""Reading a location's subscriptions. Nothing of them is ever asked for or enabled."""

from __future__ import annotations

from dataclasses import dataclass

from bridge.clients.apple.replies import Envelope
from bridge.domain.licences.odd_rows import OddRow
from bridge.domain.licences.subscriptions import Holding, Subscription
from bridge.engine.calls.apple import hear
from bridge.engine.calls.locations import LocationRead, name_odd_rows
from bridge.engine.context import Context
from bridge.engine.intake import apple_subscriptions as intake
from bridge.store import meta
from bridge.store.licences import subscriptions
from bridge.store.outbox import outbox
from bridge.store.outbox.outbox import OutboxRow


@dataclass(frozen=True, slots=True)
class Listed:
    """All subscriptions of a location and who has them, and since when they were being read."""

    envelope: Envelope | None
    began_at: float
    subscriptions: tuple[Subscription, ...]
    holdings: tuple[Holding, ...]
    odd: tuple[OddRow, ...]


class ReadSubscriptions(LocationRead):
    """What subscriptions the location has, and who has them; in full, since Apple has no other way
    to ask."""

    kind = "read_subscriptions"
    effect = "read"
    job = intake.JOB

    def perform(self, row: OutboxRow) -> Listed:
        client, envelope = self.clients.apple(row.scope), None
        found, held, odd = list[Subscription](), list[Holding](), list[OddRow]()
        for page in client.walk_subscriptions():
            envelope = page.envelope
            found += page.items
            odd += page.odd
        for holders in client.walk_subscription_holdings():
            envelope = holders.envelope
            held += holders.items
            odd += holders.odd
        began_at = row.claimed_at or 0.0
        return Listed(envelope, began_at, tuple(found), tuple(held), tuple(odd))

    def settle(self, context: Context, row: OutboxRow, result: Listed) -> None:
        outbox.done(context.db, row.id, context.now)
        if result.envelope is not None:
            hear(context, row.scope, result.envelope)
        name_odd_rows(context, row.scope, "subscriptions", result.odd)
        if subscriptions.told_after(context.db, row.scope, result.began_at):
            # The read may be from before what was told meanwhile: the next one decides.
            meta.hasten_job(context.db, f"{self.job}:{row.scope}", context.now + intake.READ_AFTER)
            return
        subscriptions.store_read(
            context.db,
            row.scope,
            result.subscriptions,
            result.holdings,
            result.began_at,
            complete=not result.odd,
        )
