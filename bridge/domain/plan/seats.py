"""The licences of each asset in a plan: who needs one, who has one, and who would wait."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from bridge.domain.facts import AssetFacts
from bridge.domain.licences.allocate import Demand, allocate
from bridge.domain.model import DEFAULT_PRICING, Asset
from bridge.domain.times import day_of, rfc3339
from bridge.domain.views import desired as views
from bridge.domain.wording import named


@dataclass(frozen=True, slots=True)
class Seats:
    """The licences of one asset at one location, if the wishes stood.

    `needs` counts every device that wants it, shown by a server or not; `holds` those of them that
    have a licence, `asked` those whose licence was asked for. `free` is None for an unlimited asset
    and for one whose count was never read (`known` tells them apart). `reclaimable` licences are
    those that the bridge asked for and no wish needs; `returning` of them come back by themselves.
    `waiting` are the serial numbers that would wait for a seat.
    """

    location: str
    asset: Asset
    name: str | None
    needs: int
    holds: int
    asked: int
    known: bool
    total: int | None
    free: int | None
    reclaimable: int
    returning: int
    short: int
    waiting: tuple[str, ...] = ()
    last_seat_at: float | None = None
    """When the last seat goes at the rate of the last weeks, if that can be told."""
    retired: int = 0
    """How many of the total nobody can be given."""
    odd: str | None = None
    """Why nobody knows the counts: what is odd about Apple's row."""
    counted_at: float | None = None
    """When Apple's counts were read, or last changed by a notification."""
    for_good: int = 0
    """How many licences that Apple never takes back an apply would ask for, now or when there are
    seats."""

    @property
    def spare(self) -> int | None:
        """How many seats are left when all that need one here have it; None for any number."""
        if self.free is None:
            return None if self.known else 0
        return max(self.free + self.returning - (self.needs - self.holds - self.asked), 0)

    def sentence(self) -> str:
        """`hq, Pages (361309726): needs 40, holds 9, 28 free of 100, 3 short; these 3 wait: …`."""
        what = f"{self.name} ({self.asset.adam_id})" if self.name else f"app {self.asset.adam_id}"
        price = (
            "" if self.asset.pricing_param == DEFAULT_PRICING else f" {self.asset.pricing_param}"
        )
        parts = [f"needs {self.needs}", f"holds {self.holds}"]
        parts += [f"{self.asked} asked for"] if self.asked else []
        parts += [self._free()]
        parts += [self._reclaimable()] if self.reclaimable else []
        parts += [f"{self.short} short"] if self.short else []
        text = f"{self.location}, {what}{price}: {', '.join(parts)}"
        if self.waiting:
            text += f"; these wait: {named(self.waiting)}"
        if self.last_seat_at is not None:
            text += f"; at this rate the last seat goes on {day_of(self.last_seat_at)}"
        return text

    def _free(self) -> str:
        if self.odd is not None:
            return f"Apple's count of it cannot be read: {self.odd}"
        if not self.known:
            return "nobody has counted the free ones yet"
        if self.free is None:
            return "unlimited"
        if not self.total:
            return "none is owned there"
        retired = f" ({self.retired} retired)" if self.short and self.retired else ""
        return f"{self.free} free of {self.total}{retired}"

    def _reclaimable(self) -> str:
        back = f" ({self.returning} of them come back)" if self.returning else ""
        return f"{self.reclaimable} reclaimable{back}"


@dataclass(frozen=True, slots=True)
class Owners:
    """Serial numbers by what they have of one asset: a licence, one asked for, one to reclaim."""

    owned: AbstractSet[str] = frozenset()
    asked: AbstractSet[str] = frozenset()
    reclaimable: AbstractSet[str] = frozenset()
    returning: AbstractSet[str] = frozenset()


Line = Callable[[AbstractSet[str]], Mapping[str, tuple[int, float]]]
"""Tells of serial numbers the priority and the age (since when) of their wishes."""


def count_seats(
    location: str,
    asset: Asset,
    wanting: AbstractSet[str],
    owners: Owners,
    counts: AssetFacts | None,
    *,
    free: int | None,
    counted: bool,
    line: Line,
    name: str | None = None,
    odd: str | None = None,
) -> Seats:
    """The sums for one asset.

    `wanting` are the serial numbers; `free` is what may still be asked for, and `counted` whether
    the location's assets were ever read: an asset that is not among them is not owned. `odd` says
    why it was not counted though they were read. Who waits is decided as when seats are allocated,
    by `line`, which is asked only if somebody must wait.
    """
    holds = wanting & owners.owned
    asked = (wanting & owners.asked) - holds
    need = wanting - holds - asked
    left = _left(counts, free, counted)
    returning = len(owners.returning)
    waiting = () if left is None else _last_in_line(need, left + returning, line)
    return Seats(
        location=location,
        asset=asset,
        name=name,
        needs=len(wanting),
        holds=len(holds),
        asked=len(asked),
        known=counts is not None or counted,
        total=counts.total if counts is not None else 0,
        free=left,
        reclaimable=len(owners.reclaimable),
        returning=returning,
        short=len(waiting),
        waiting=waiting,
        retired=(counts.retired or 0) if counts is not None else 0,
        odd=odd,
    )


def _left(counts: AssetFacts | None, free: int | None, counted: bool) -> int | None:
    """How many seats may be asked for; None where there is no limit, or nobody knows."""
    if counts is None:
        return 0 if counted else None
    return None if counts.unlimited or free is None else max(free, 0)


def _last_in_line(need: AbstractSet[str], free: int, line: Line) -> tuple[str, ...]:
    if len(need) <= free:
        return ()
    order, places = sorted(need), line(need)
    demands = [Demand(number, *places[serial]) for number, serial in enumerate(order)]
    first = {demand.install_id for demand in allocate(demands, free)}
    return tuple(serial for number, serial in enumerate(order) if number not in first)


def seats_json(seats: Seats) -> views.Seats:
    return {
        "location": seats.location,
        "adam_id": seats.asset.adam_id,
        "pricing_param": seats.asset.pricing_param,
        "name": seats.name,
        "needs": seats.needs,
        "holds": seats.holds,
        "asked": seats.asked,
        "counted": seats.known,
        "counted_at": rfc3339(seats.counted_at),
        "total": seats.total,
        "retired": seats.retired,
        "odd": seats.odd,
        "free": seats.free,
        "reclaimable": seats.reclaimable,
        "returning": seats.returning,
        "short": seats.short,
        "waiting": list(seats.waiting),
        "for_good": seats.for_good,
        "last_seat_at": rfc3339(seats.last_seat_at),
    }
