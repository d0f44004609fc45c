"""The seats of a plan: who would hold, need and wait for the licences of each asset."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from functools import partial

from bridge.clients.mdm.port import MdmDevice
from bridge.domain.desired.change import Cohort, PairName
from bridge.domain.devices.targets import user_of
from bridge.domain.facts import AssetFacts
from bridge.domain.licences.forecast import last_seat_at
from bridge.domain.licences.odd_rows import OddRow, of_asset
from bridge.domain.model import Asset
from bridge.domain.plan.blind import Blind
from bridge.domain.plan.seats import Owners, Seats, count_seats
from bridge.engine.desired.plan.licensees import Licensees
from bridge.store.catalog import usage
from bridge.store.database import Connection
from bridge.store.installs import seats
from bridge.store.licences import history, locations, odd_rows

Office = tuple[str, Asset]
"""A location and one asset: licences are counted for each."""


@dataclass(frozen=True, slots=True)
class Look:
    """What was read outside for a plan, and is stored nowhere.

    `devices` are the lists of MDM servers, `counts` what locations own, read anew, and `owned` who
    has it, where that was never read before; `odd_assets` the rows of it that cannot be read.
    `unseen` are MDM servers whose devices are not known, which makes a plan with rules blind unless
    somebody chose to be `offline`. `notes` say what else could not be read.
    """

    devices: Mapping[str, Sequence[MdmDevice]] = field(default_factory=dict)
    counts: Mapping[str, Mapping[Asset, AssetFacts]] = field(default_factory=dict)
    odd_assets: Mapping[str, Sequence[OddRow]] = field(default_factory=dict)
    owned: Mapping[str, Mapping[Asset, AbstractSet[str]]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    unseen: tuple[Blind, ...] = ()
    offline: bool = False


def counts_of(
    db: Connection, location: str, asset: Asset, look: Look
) -> tuple[AssetFacts | None, int | None, bool]:
    """Apple's counts, how many seats are free, and whether the location's assets were ever read."""
    if location in look.counts:
        counts = look.counts[location].get(asset)
        return counts, history.free_seats(db, location, asset, counts), True
    counts = locations.asset_facts(db, location, [asset]).get(asset)
    was_read = locations.get(db, location).assets_read_at is not None
    return counts, history.free_seats(db, location, asset, counts), was_read


def odd_of(db: Connection, location: str, asset: Asset, look: Look) -> str | None:
    """What is odd about the row that may be the asset's, if there are no counts of it."""
    odd = look.odd_assets[location] if location in look.counts else None
    return of_asset(odd_rows.load(db, location, "assets") if odd is None else odd, asset)


Wanting = dict[Office, set[str]]
"""The serial numbers that count at each office."""


class SeatCounter:
    """Counts the seats of every asset that is desired or in use, each at its location."""

    def __init__(
        self,
        db: Connection,
        look: Look,
        given_up: AbstractSet[PairName],
        names: Mapping[str, str | None],
        before: Sequence[Cohort],
        holders: Licensees,
        now: float,
    ) -> None:
        self._db = db
        self._look = look
        self._given_up = given_up
        self._names = names
        self._before = before
        self._to_hold = holders
        self._now = now
        self._owned: dict[Office, AbstractSet[str]] = {}
        self._asked: dict[Office, AbstractSet[str]] = {}
        self._cohorts: dict[Asset, list[Cohort]] = {}
        self.reclaimable: dict[Office, AbstractSet[str]] = {}
        """Who holds a licence of ours that no wish needs, once the seats are counted."""

    def seats(self, after: Collection[Cohort], unable: AbstractSet[PairName]) -> tuple[Seats, ...]:
        """The sums for all assets, if `after` is desired and the `unable` take no seat.

        A device with several locations counts where it has a licence, then at the first that has a
        seat to spare, then at the first.
        """
        wanting: Wanting = {office: set() for office in seats.in_use(self._db)}
        others: dict[PairName, tuple[str, ...]] = {}
        for cohort in after:
            self._cohorts.setdefault(cohort.asset, []).append(cohort)
            self._place(cohort, unable, wanting)
            if cohort.fallbacks:
                names = (cohort.location, *cohort.fallbacks)
                adam_id = cohort.asset.adam_id
                others |= {(each, adam_id): names for each in self._holders_of(cohort)}
        found = {office: self._count(office, wanting[office]) for office in wanting}
        for office in sorted(found):
            for serial in found[office].waiting:
                names = others.get((serial, office[1].adam_id), ())
                self._move(serial, office, names, wanting, found)
        shown = [found[office] for office in sorted(found)]
        return tuple(each for each in shown if each.needs or each.reclaimable)

    def _place(self, cohort: Cohort, unable: AbstractSet[PairName], wanting: Wanting) -> None:
        barred = {serial for serial, adam_id in unable if adam_id == cohort.asset.adam_id}
        left = self._holders_of(cohort, barred)
        offices = [(name, cohort.asset) for name in (cohort.location, *cohort.fallbacks)]
        for office in offices:
            has = left & (self._holders(office) | self._askers(office))
            left -= has
            wanting.setdefault(office, set()).update(has)
        wanting[offices[0]] |= left

    def _holders_of(self, cohort: Cohort, without: AbstractSet[str] = frozenset()) -> set[str]:
        """Who is to hold the licences of a cohort: of a user's devices the user, once."""
        targets = set(cohort.serials) - without
        counts, _, _ = counts_of(self._db, cohort.location, cohort.asset, self._look)
        users = self._to_hold.of(cohort, counts)
        if not users:
            return targets
        return (targets - users.keys()) | {h for t, h in users.items() if h and t not in without}

    def _line(self, asset: Asset, serials: AbstractSet[str]) -> dict[str, tuple[int, float]]:
        """The priority of some holders' wishes for an asset, and since when they stand."""
        ages = seats.ages(self._db, asset.adam_id)
        return {
            holder: (cohort.priority, ages.get(holder, self._now))
            for cohort in self._cohorts[asset]
            for holder in self._holders_of(cohort) & serials
        }

    def _move(
        self,
        serial: str,
        office: Office,
        names: Sequence[str],
        wanting: Wanting,
        found: dict[Office, Seats],
    ) -> None:
        """Let a device that would wait have a seat that another of its locations has to spare."""
        for name in names:
            other = (name, office[1])
            if other != office and (found[other].spare is None or found[other].spare):
                wanting[office].remove(serial)
                wanting[other].add(serial)
                for each in (office, other):
                    found[each] = self._count(each, wanting[each])
                return

    def _holders(self, office: Office) -> AbstractSet[str]:
        if office not in self._owned:
            seen = self._look.owned.get(office[0])
            self._owned[office] = (
                seats.owned(self._db, *office) if seen is None else seen.get(office[1], frozenset())
            )
        return self._owned[office]

    def _askers(self, office: Office) -> AbstractSet[str]:
        if office not in self._asked:
            self._asked[office] = seats.asked(self._db, *office)
        return self._asked[office]

    def _count(self, office: Office, wanting: AbstractSet[str]) -> Seats:
        location, asset = office
        counts, free, is_counted = counts_of(self._db, location, asset, self._look)
        odd = None if counts is not None else odd_of(self._db, location, asset, self._look)
        spare = self._holders(office) - wanting
        reclaimable = spare & seats.ours(self._db, location, asset) if spare else frozenset()
        self.reclaimable[office] = reclaimable
        adam_id = asset.adam_id
        going = {each for each in reclaimable if (each, adam_id) in self._given_up}
        if self._given_up and any(user_of(each) is not None for each in reclaimable):
            leaving_by = seats.users_of(self._db, adam_id)
            gone = {user for t, user in leaving_by.items() if (t, adam_id) in self._given_up}
            going |= reclaimable & gone
        leaving = seats.leaving(self._db, location, asset) if reclaimable else frozenset()
        returning = going | (reclaimable & leaving)
        counted = count_seats(
            location,
            asset,
            wanting,
            Owners(self._holders(office), self._askers(office), reclaimable, returning),
            counts,
            free=free,
            counted=is_counted and odd is None,
            odd=odd,
            line=partial(self._line, asset),
            name=self._names.get(asset.adam_id),
        )
        days = usage.history(self._db, location, asset)
        if counts is not None:
            counted_at: float | None = counts.counted_at
        elif location in self._look.counts:
            counted_at = self._now
        else:
            counted_at = locations.get(self._db, location).assets_read_at
        last_at = last_seat_at(days, counted.free, self._now)
        for_good = 0
        if counts is not None and not counts.revocable:
            had = self._holders(office) | self._askers(office) | self._standing(asset)
            for_good = len(wanting - had)
        return replace(counted, last_seat_at=last_at, counted_at=counted_at, for_good=for_good)

    def _standing(self, asset: Asset) -> set[str]:
        """Who is to have a licence of an asset by what was applied before."""
        return {
            holder
            for cohort in self._before
            if cohort.asset == asset and cohort.on_hold is None
            for holder in self._holders_of(cohort)
        }
