"""Reading Apple's assignments for some pairs: of a request in doubt, or of one device."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from bridge.clients.apple.client import WalkStep
from bridge.clients.apple.replies import AssignmentsPage, Envelope
from bridge.domain.backoff import doubling
from bridge.domain.catalogue import AppleError
from bridge.domain.devices.targets import user_of
from bridge.domain.licences.odd_rows import OddRow, of_pair
from bridge.domain.model import DEFAULT_PRICING, Asset, Pair
from bridge.domain.policy import HOUR
from bridge.engine.calls.apple import AppleCall, hear
from bridge.engine.context import Context
from bridge.engine.licences import settle
from bridge.errors import CallError
from bridge.store import meta
from bridge.store.licences import request_pairs, requests
from bridge.store.licences.requests import AppleRequest
from bridge.store.outbox import kinds, outbox
from bridge.store.outbox.outbox import OutboxRow

NARROWED_AT_ONCE = 9
"""Apps of a device that are asked for one by one, because a row does not tell which it is of."""

LOOK_AT_MOST = 6 * HOUR
"""Longest wait between two looks at pairs of which a row that cannot be read may be."""


@dataclass(frozen=True, slots=True)
class Reading:
    """Apple's assignments for some pairs, and since when they were being read.

    `odd` are rows that cannot be read: a pair that one may be of is listed or not, nobody knows.
    """

    envelope: Envelope | None
    listed: frozenset[Pair]
    asked_for: tuple[Pair, ...]
    began_at: float
    odd: tuple[OddRow, ...] = ()

    def unsure(self, pair: Pair) -> str | None:
        """What keeps from telling whether the pair is listed, None if it is clear."""
        return None if pair in self.listed else of_pair(self.odd, pair)


class ReadRequest(AppleCall):
    """Read Apple's assignments for the open pairs of a request in doubt."""

    kind = "read_request"
    effect = "read"

    def perform(self, row: OutboxRow) -> Reading:
        with self.database.read() as db:
            pairs = request_pairs.open_pairs(db, int(row.subject))
        client, envelope = self.clients.apple(row.scope), None
        listed, odd = set[Pair](), list[OddRow]()
        holders = sorted({pair.holder for pair in pairs})
        adam_ids = sorted({pair.asset.adam_id for pair in pairs})
        # A walk for each holder, or one for each app: whatever takes fewer requests.
        queries: Sequence[dict[str, str]] = (
            [_by_holder(each) for each in holders]
            if len(holders) <= len(adam_ids)
            else [{"adam_id": a} for a in adam_ids]
        )
        for query in queries:
            for step in client.walk_assignments(**query):
                envelope = step.page.envelope
                odd += (*step.page.odd, *step.missing)
                listed |= {pair for a in step.page.assignments if (pair := a.pair) is not None}
        asked = frozenset(pairs)
        began_at = row.claimed_at or 0.0
        return Reading(envelope, frozenset(listed & asked), tuple(pairs), began_at, tuple(odd))

    def settle(self, context: Context, row: OutboxRow, result: Reading) -> None:
        outbox.done(context.db, row.id, context.now)
        if result.envelope is not None:
            hear(context, row.scope, result.envelope)
        request = requests.get(context.db, int(row.subject))
        there = request.kind == "ASSOCIATE"
        clear = [pair for pair in result.asked_for if result.unsure(pair) is None]
        done = [pair for pair in clear if (pair in result.listed) == there]
        settle.confirmed(context, request, done, told_by="read")
        missing = [pair for pair in clear if (pair in result.listed) != there]
        if request.state != "in_doubt":
            return
        if len(clear) < len(result.asked_for):
            self._look_less_often(context, request)
        if not missing:
            return
        until = (request.submitted_at or request.created_at) + (
            context.policy.associate.in_doubt_wait
        )
        if result.began_at >= until:
            settle.given_up(context, request, missing, state="missing")
            name = f"{request.kind.lower()}.missing"
            meta.count(context.db, name, context.now, len(missing))
            return
        if len(clear) < len(result.asked_for):
            return
        next_read_at = min(context.now + context.policy.event_status.min_interval, until)
        requests.update(context.db, request.id, next_read_at=max(next_read_at, context.now))

    def _look_less_often(self, context: Context, request: AppleRequest) -> None:
        """A row that cannot be read is likely to stay so: whether it is a pair's, a notification
        may tell."""
        first_at = request.submitted_at or request.created_at
        gap = context.policy.event_status.min_interval
        next_read_at = doubling(first_at, context.now, gap, LOOK_AT_MOST)
        requests.update(context.db, request.id, next_read_at=next_read_at)

    def refused(
        self, context: Context, row: OutboxRow, error: CallError, verdict: AppleError
    ) -> float | None:
        return self.give_up(context, row, error)

    def give_up(self, context: Context, row: OutboxRow, error: CallError) -> float | None:
        later = context.now + context.policy.sync.service_config_every
        requests.update(context.db, int(row.subject), next_read_at=later)
        return super().give_up(context, row, error)


def _by_holder(holder: str) -> dict[str, str]:
    """How Apple is asked for the licences of one holder."""
    user = user_of(holder)
    return {"serial_number": holder} if user is None else {"client_user_id": user}


class ReadDevice(AppleCall):
    """Read which of some apps a device, or a user, holds licences for.

    `subject` is JSON: {"holder": …, "adam_ids": […]}.
    """

    kind = kinds.READ_DEVICE
    effect = "read"

    def perform(self, row: OutboxRow) -> Reading:
        subject = json.loads(row.subject)
        holder, adam_ids = subject["holder"], sorted(set(subject["adam_ids"]))
        client, began_at = self.clients.apple(row.scope), row.claimed_at or 0.0
        found = _Holding(holder, adam_ids)
        odd = found.add(client.walk_assignments(**_by_holder(holder)))
        known = [each for each in odd if each.adam_id is not None]
        nameless = [each for each in odd if each.adam_id is None]
        # Asked for one app, Apple shows a nameless row only if it is that app's.
        for adam_id in found.missing()[:NARROWED_AT_ONCE] if nameless else ():
            walk = client.walk_assignments(**_by_holder(holder), adam_id=adam_id)
            known += [replace(each, adam_id=adam_id) for each in found.add(walk)]
        for adam_id in found.missing()[NARROWED_AT_ONCE:]:
            known += [replace(each, adam_id=adam_id) for each in nameless]
        return found.reading(began_at, known)

    def settle(self, context: Context, row: OutboxRow, result: Reading) -> None:
        outbox.done(context.db, row.id, context.now)
        if result.envelope is not None:
            hear(context, row.scope, result.envelope)
        settle.shown(
            context,
            row.scope,
            listed=result.listed,
            asked_for=result.asked_for,
            began_at=result.began_at,
            unsure={pair: odd for pair in result.asked_for if (odd := result.unsure(pair))},
        )


class _Holding:
    """What a holder is listed to have of some apps, over several walks."""

    def __init__(self, holder: str, adam_ids: Sequence[str]) -> None:
        self.envelope: Envelope | None = None
        self._holder = holder
        self._adam_ids = adam_ids
        self._listed: set[Pair] = set()

    def add(self, steps: Iterable[WalkStep[AssignmentsPage]]) -> list[OddRow]:
        """Take a walk for the holder in; returns the rows that cannot be read.

        A holder's licences fill no page, so that a count of further ones is not minded.
        """
        odd: list[OddRow] = []
        for step in steps:
            self.envelope = step.page.envelope
            odd += step.page.odd
            for assignment in step.page.assignments:
                if assignment.asset.adam_id in self._adam_ids:
                    self._listed.add(Pair(assignment.asset, self._holder))
        return odd

    def missing(self) -> list[str]:
        """The apps of which no licence is listed."""
        there = {pair.asset.adam_id for pair in self._listed}
        return [adam_id for adam_id in self._adam_ids if adam_id not in there]

    def reading(self, began_at: float, odd: Iterable[OddRow]) -> Reading:
        """All of it; every app is asked for in each price that was seen."""
        prices = {DEFAULT_PRICING, *(pair.asset.pricing_param for pair in self._listed)}
        asked_for = tuple(
            Pair(Asset(adam_id, price), self._holder)
            for adam_id in self._adam_ids
            for price in sorted(prices)
        )
        return Reading(self.envelope, frozenset(self._listed), asked_for, began_at, tuple(odd))
