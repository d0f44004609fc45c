"""Reading Apple's assignments for some pairs: of a request in doubt, or of one device."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from bridge.clients.apple_replies import Envelope
from bridge.domain.catalogue import AppleError
from bridge.domain.model import DEFAULT_PRICING, Asset, Pair
from bridge.engine import licences
from bridge.engine.calls.apple import AppleCall, hear
from bridge.engine.context import Context
from bridge.errors import CallError
from bridge.store import meta, outbox, requests
from bridge.store import pairs as pairs_store
from bridge.store.outbox import OutboxRow


@dataclass(frozen=True, slots=True)
class Reading:
    """Apple's assignments for some pairs, and since when they were being read."""

    envelope: Envelope | None
    listed: frozenset[Pair]
    asked_for: tuple[Pair, ...]
    began_at: float


class ReadRequest(AppleCall):
    """Read Apple's assignments for the open pairs of a request in doubt."""

    def perform(self, row: OutboxRow) -> Reading:
        with self.database.read() as db:
            pairs = pairs_store.open_pairs(db, int(row.subject))
        client, envelope = self.clients.apple(row.scope), None
        listed: set[Pair] = set()
        serial_numbers = sorted({pair.serial_number for pair in pairs})
        adam_ids = sorted({pair.asset.adam_id for pair in pairs})
        # A walk for each serial number, or one for each app: whatever takes fewer requests.
        queries: Sequence[dict[str, str]] = (
            [{"serial_number": s} for s in serial_numbers]
            if len(serial_numbers) <= len(adam_ids)
            else [{"adam_id": a} for a in adam_ids]
        )
        for query in queries:
            for step in client.walk_assignments(**query):
                envelope = step.page.envelope
                listed |= {
                    Pair(a.asset, a.target.value.upper())
                    for a in step.page.assignments
                    if a.target is not None and a.target.kind == "serial"
                }
        wanted = frozenset(pairs)
        return Reading(envelope, frozenset(listed & wanted), tuple(pairs), row.claimed_at or 0.0)

    def settle(self, context: Context, row: OutboxRow, result: Reading) -> None:
        outbox.done(context.db, row.id, context.now)
        if result.envelope is not None:
            hear(context, row.scope, result.envelope)
        request = requests.get(context.db, int(row.subject))
        there = request.kind == "ASSOCIATE"
        done = [pair for pair in result.asked_for if (pair in result.listed) == there]
        licences.confirmed(context, request, done, told_by="read")
        missing = [pair for pair in result.asked_for if (pair in result.listed) != there]
        if not missing or request.state != "in_doubt":
            return
        until = (request.submitted_at or request.created_at) + (
            context.policy.associate.in_doubt_wait
        )
        if result.began_at >= until:
            licences.given_up(context, request, missing, state="missing")
            name = f"{request.kind.lower()}.missing"
            meta.count(context.db, name, context.now, len(missing))
            return
        next_read_at = min(context.now + context.policy.event_status.min_interval, until)
        requests.update(context.db, request.id, next_read_at=max(next_read_at, context.now))

    def refused(
        self, context: Context, row: OutboxRow, error: CallError, verdict: AppleError
    ) -> float | None:
        return self.give_up(context, row, error)

    def give_up(self, context: Context, row: OutboxRow, error: CallError) -> float | None:
        later = context.now + context.policy.sync.service_config_every
        requests.update(context.db, int(row.subject), next_read_at=later)
        return super().give_up(context, row, error)


class ReadDevice(AppleCall):
    """Read which of some apps a device holds licences for.

    `subject` is JSON: {"serial_number": …, "adam_ids": […]}.
    """

    def perform(self, row: OutboxRow) -> Reading:
        subject = json.loads(row.subject)
        serial_number, adam_ids = subject["serial_number"], set(subject["adam_ids"])
        envelope, listed, prices = None, set(), {DEFAULT_PRICING}
        for step in self.clients.apple(row.scope).walk_assignments(serial_number=serial_number):
            envelope = step.page.envelope
            for assignment in step.page.assignments:
                if assignment.asset.adam_id in adam_ids:
                    prices.add(assignment.asset.pricing_param)
                    listed.add(Pair(assignment.asset, serial_number))
        asked_for = tuple(
            Pair(Asset(adam_id, price), serial_number)
            for adam_id in sorted(adam_ids)
            for price in sorted(prices)
        )
        return Reading(envelope, frozenset(listed), asked_for, row.claimed_at or 0.0)

    def settle(self, context: Context, row: OutboxRow, result: Reading) -> None:
        outbox.done(context.db, row.id, context.now)
        if result.envelope is not None:
            hear(context, row.scope, result.envelope)
        licences.shown(
            context,
            row.scope,
            listed=result.listed,
            asked_for=result.asked_for,
            began_at=result.began_at,
        )
