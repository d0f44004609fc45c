"""What charts are drawn of: how installs stood, how soon Apple confirmed, how licences went."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from bridge.domain.licences.forecast import last_seat_at
from bridge.domain.model import Asset
from bridge.domain.over_time import fitting
from bridge.domain.policy import DAY
from bridge.engine.context import Context
from bridge.store.catalog import usage
from bridge.store.views import licences, over_time
from bridge.store.views.licences import Confirmation

NEWEST = 200
"""Requests of which it is shown how soon they were confirmed."""


@dataclass(frozen=True, slots=True)
class Moment:
    """How many installs were in each state at a time (seconds since the epoch)."""

    at: float
    counts: Mapping[str, int]


def installs(context: Context, now_counts: Mapping[str, int], adam_id: str | None) -> list[Moment]:
    """How the desired installs of an app, or of all, stood over time, the oldest first.

    It ends with how they stand now.
    """
    step = fitting(over_time.spans(context.db)).seconds
    if adam_id is None:
        kept = over_time.of_all(context.db, step)
    else:
        kept = over_time.of_app(context.db, step, adam_id)
    slots: dict[int, dict[str, int]] = {}
    for each in kept:
        slots.setdefault(each.slot, {})[each.state] = each.count
    slots.pop(int(context.now // step), None)
    found = [Moment(slot * step, counts) for slot, counts in sorted(slots.items())]
    return [*found, Moment(context.now, now_counts)]


@dataclass(frozen=True, slots=True)
class Confirmations:
    """How soon Apple's confirmations were known, the oldest first; the middle by who told first."""

    times: Sequence[Confirmation]
    medians: Mapping[str, float]


def confirmations(context: Context) -> Confirmations:
    """The newest requests for licences that were confirmed."""
    times = licences.confirmations(context.db, NEWEST)[::-1]
    by_winner: dict[str, list[float]] = {}
    for each in times:
        by_winner.setdefault(each.settled_by, []).append(each.settled_at - each.submitted_at)
    return Confirmations(times, {who: median(took) for who, took in sorted(by_winner.items())})


@dataclass(frozen=True, slots=True)
class Usage:
    """How many licences of an asset were in use at the end of each day (seconds since the epoch).

    `total` is how many there are, None without a limit; `last_seat_at` when the last one goes.
    """

    location: str
    pricing_param: str
    days: Sequence[tuple[float, int]]
    total: int | None
    last_seat_at: float | None


def usage_of(context: Context, licence: Mapping[str, Any]) -> Usage:
    """What is kept of an asset's days; `licence` is its entry in `status`."""
    asset = Asset(licence["adam_id"], licence["pricing_param"])
    days = usage.history(context.db, licence["location"], asset)
    return Usage(
        licence["location"],
        licence["pricing_param"],
        [(min((each.day + 1) * DAY, context.now), each.used) for each in days],
        None if licence["unlimited"] else licence["total"],
        last_seat_at(days, licence["free"], context.now),
    )
