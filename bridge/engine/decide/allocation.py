"""Free seats go to the installs that wait for one."""

from __future__ import annotations

from bridge.domain.licences.allocate import allocate
from bridge.domain.model import Pair
from bridge.engine.calls.locations import ReadAssets
from bridge.engine.context import Context
from bridge.engine.decide import fallbacks
from bridge.store import meta
from bridge.store.installs import seats
from bridge.store.licences import history, locations, request_pairs
from bridge.store.outbox import outbox

RECOUNT_AFTER = 60.0
"""Seconds after a count before a new shortage has it read again; an old one only asks as often as
`policy.associate.seat_retry` says."""


def allocate_seats(context: Context) -> int:
    """Give the free seats to those who wait for one; returns how many got one, or were sent where
    there is one."""
    given = 0
    for location, asset in seats.in_demand(context.db):
        given += fallbacks.to_owned(context, location, asset)
        counts = locations.asset_facts(context.db, location, [asset]).get(asset)
        if counts is None:
            given += fallbacks.to_seats(context, location, asset)
            continue
        free = history.free_seats(context.db, location, asset, counts)
        demands = seats.demands(context.db, location, asset)
        granted = allocate(demands, free)
        holders_ = seats.allocated(context.db, [d.install_id for d in granted], context.now)
        pairs = [Pair(asset, holder) for holder in holders_]
        request_pairs.want(context.db, location, "ASSOCIATE", pairs, context.now)
        given += len(granted)
        if len(granted) < len(demands):
            if granted:
                seats.left_waiting(context.db, location, asset, context.now)
            given += fallbacks.to_seats(context, location, asset)
            if outbox.is_open(context.db, ReadAssets.service, location, ReadAssets.kind):
                continue  # it comes back with the counts, however often Apple has to be asked
            known = counts.read_at > seats.short_since(context.db, location, asset)
            wait = context.policy.associate.seat_retry if known else RECOUNT_AFTER
            recount_at = max(context.now, counts.read_at + wait)
            meta.hasten_job(context.db, f"assets:{location}", recount_at)
    return given
