"""Who gets the free seats when there are fewer than wishes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Demand:
    """One install that needs a seat; `since` is when it was first desired."""

    install_id: int
    priority: int
    since: float


def _place(demand: Demand) -> tuple[int, float, int]:
    return -demand.priority, demand.since, demand.install_id


def first_of(demands: Iterable[Demand]) -> Demand:
    """Who of these comes first, where one seat serves all."""
    return min(demands, key=_place)


def allocate(demands: Iterable[Demand], free_seats: int | None) -> tuple[Demand, ...]:
    """The demands that get a seat: highest priority first, then the oldest.

    `free_seats` None means that the asset is unlimited. We choose who waits, not Apple: no more
    is granted than is free.
    """
    order = sorted(demands, key=_place)
    return tuple(order if free_seats is None else order[: max(free_seats, 0)])
