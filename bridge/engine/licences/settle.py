"""What follows when Apple confirms, refuses or shows licences; shared by all who hear of it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence

from bridge.domain.model import Pair
from bridge.engine.calls import registry
from bridge.engine.context import Context
from bridge.engine.licences import suspension
from bridge.store.installs import installs
from bridge.store.licences import (
    assignments,
    confirmations,
    odd_rows,
    request_pairs,
    requests,
)
from bridge.store.licences.requests import AppleRequest
from bridge.store.outbox import kinds

LOOK_AGAIN_AFTER = 5.0
"""Seconds after which assignments are read again that changed while they were being read."""


def confirmed(
    context: Context, request: AppleRequest, pairs: Iterable[Pair], *, told_by: str
) -> list[Pair]:
    """Apple did what was asked for these pairs. Whoever tells first settles them.

    What was settled before is left alone: a late repetition must not bring a licence back that
    was taken away since.
    """
    settled = request_pairs.settle(
        context.db,
        request.location,
        pairs,
        state="confirmed",
        told_by=told_by,
        now=context.now,
        request_id=request.id,
    )
    confirmations.count(context.db, request, told_by, len(settled), context.now)
    if request.kind == "ASSOCIATE":
        assignments.granted(context.db, request.location, settled, told_by=told_by, now=context.now)
    else:
        assignments.withdraw(context.db, request.location, settled)
    doubtful = request_pairs.were_touched(context.db, request.id, settled)
    if doubtful:
        # Whose event was the last does not show in the order in which they were told.
        why = f"request {request.id}"
        read_soon(context, request.location, doubtful, why=why, after=LOOK_AGAIN_AFTER)
    _after(context, request, settled, told_by)
    return settled


def refused(
    context: Context,
    request: AppleRequest,
    pairs: Iterable[Pair],
    *,
    told_by: str,
    error_number: int | None,
) -> None:
    """Apple did not do what was asked for these pairs, and said why."""
    if suspension.stopped_by(context, request.location, error_number):
        given_up(context, request, pairs, state="withdrawn")
        return
    settled = request_pairs.settle(
        context.db,
        request.location,
        pairs,
        state="failed",
        told_by=told_by,
        now=context.now,
        request_id=request.id,
        error_number=error_number,
    )
    _after(context, request, settled, told_by)


def given_up(context: Context, request: AppleRequest, pairs: Iterable[Pair], *, state: str) -> None:
    """Pairs of a request that ended without effect: `missing` or `withdrawn`."""
    settled = request_pairs.settle(
        context.db,
        request.location,
        pairs,
        state=state,
        told_by="read",
        now=context.now,
        request_id=request.id,
    )
    _after(context, request, settled, "read")


def wait_for_event(context: Context, request_id: int) -> None:
    """The request's eventId is known: its status is asked for from now on."""
    requests.update(
        context.db,
        request_id,
        state="open",
        next_status_at=context.now + context.policy.event_status.first_after,
        next_read_at=None,
    )


def read_soon(
    context: Context, location: str, pairs: Sequence[Pair], *, why: str, after: float = 0.0
) -> None:
    """Have Apple's assignments read for these pairs, `after` seconds from now.

    `why` names what makes the read needed: a read that another reason began may have begun too
    early.
    """
    for holder in sorted({pair.holder for pair in pairs}):
        adam_ids = sorted({p.asset.adam_id for p in pairs if p.holder == holder})
        registry.classes()[kinds.READ_DEVICE].intend(
            context.db,
            location,
            key=f"{holder} {','.join(adam_ids)} {why}",
            subject=json.dumps({"holder": holder, "adam_ids": adam_ids}),
            now=context.now,
            after=after,
        )


def shown(
    context: Context,
    location: str,
    *,
    listed: Iterable[Pair],
    asked_for: Iterable[Pair],
    began_at: float,
    unsure: Mapping[Pair, str],
) -> None:
    """Apple's assignments were read for some pairs: what is listed is owned, the rest is not.

    A pair that somebody confirmed after the read began is left alone, and so are those that are
    `unsure`, each with what is odd about a row that may be its.
    """
    present = set(listed)
    assignments.confirm(context.db, location, present, told_by="read", now=context.now)
    absent = [pair for pair in asked_for if pair not in present and pair not in unsure]
    if odd_rows.load(context.db, location, "assignments"):
        looks: list[tuple[Pair, str | None]] = [(pair, None) for pair in absent]
        odd_rows.looked(context.db, location, [*looks, *unsure.items()], context.now)
    owned = assignments.owned(
        context.db,
        location,
        {(pair.holder, pair.asset.adam_id) for pair in absent},
    )
    gone = [pair for pair in absent if pair in owned and owned[pair].confirmed_at < began_at]
    taken_away(context, location, gone)
    too_early = [pair for pair in absent if pair in owned and pair not in gone]
    if too_early:
        # Confirmed while Apple's answer was under way: only a later look can tell.
        again = f"again {began_at:.3f}"
        read_soon(context, location, too_early, why=again, after=LOOK_AGAIN_AFTER)
    seen = [*present, *absent, *unsure]
    request_pairs.looked(context.db, location, seen, context.now)
    _touch(context, seen)


def taken_away(context: Context, location: str, gone: Sequence[Pair]) -> None:
    """Apple does not list licences any more that were owned, and we did not give them back."""
    assignments.withdraw(context.db, location, gone)
    request_pairs.taken_away(context.db, location, gone, context.now)
    _touch(context, gone)


def _after(context: Context, request: AppleRequest, settled: Sequence[Pair], told_by: str) -> None:
    requests.finish(context.db, request.id, told_by, context.now)
    _touch(context, settled)


def _touch(context: Context, pairs: Iterable[Pair]) -> None:
    installs.touch_pairs(context.db, [(p.holder, p.asset.adam_id) for p in pairs], context.now)
