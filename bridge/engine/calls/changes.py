"""Reading what changed among a location's assignments since the last walk.

Apple lists the assignments that were made since a version, not those that went (how removals
appear is not documented), so the full read remains; this one is quick and finds licences early.
"""

from __future__ import annotations

from dataclasses import dataclass

from bridge.clients.apple.replies import Envelope
from bridge.domain.catalogue import AppleError
from bridge.domain.model import Pair
from bridge.engine.calls.apple import AppleCall, hear
from bridge.engine.context import Context
from bridge.errors import CallError
from bridge.store import meta
from bridge.store.installs import installs
from bridge.store.licences import assignments, locations
from bridge.store.outbox import outbox
from bridge.store.outbox.outbox import OutboxRow


@dataclass(frozen=True, slots=True)
class Changes:
    """Licences that were made or touched since a version; `version_id` is where to go on."""

    envelope: Envelope | None
    version_id: str | None
    pairs: tuple[Pair, ...]
    began_at: float


class ReadChanges(AppleCall):
    """The assignments that changed since the version that the last walk ended with."""

    kind = "read_changes"
    effect = "read"

    def perform(self, row: OutboxRow) -> Changes | None:
        with self.database.read() as db:
            since = locations.get(db, row.scope).assignments_version
        if since is None:
            return None
        envelope, version_id, pairs = None, since, list[Pair]()
        for step in self.clients.apple(row.scope).walk_assignments(since_version_id=since):
            envelope, version_id = step.page.envelope, step.version_id or since
            pairs.extend(pair for a in step.page.assignments if (pair := a.pair) is not None)
        return Changes(envelope, version_id, tuple(pairs), row.claimed_at or 0.0)

    def settle(self, context: Context, row: OutboxRow, result: Changes | None) -> None:
        outbox.done(context.db, row.id, context.now)
        if result is None:
            return
        if result.envelope is not None:
            hear(context, row.scope, result.envelope)
        assignments.confirm(
            context.db, row.scope, result.pairs, told_by="read", now=result.began_at
        )
        locations.update(context.db, row.scope, assignments_version=result.version_id)
        installs.touch_pairs(
            context.db,
            [(pair.holder, pair.asset.adam_id) for pair in result.pairs],
            context.now,
        )

    def refused(
        self, context: Context, row: OutboxRow, error: CallError, verdict: AppleError
    ) -> float | None:
        """Apple no longer knows the version: read everything."""
        locations.update(context.db, row.scope, assignments_version=None)
        meta.hasten_job(context.db, f"assignments:{row.scope}", context.now)
        return self.give_up(context, row, error)
