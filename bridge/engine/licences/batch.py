"""Collected pairs become as few requests to Apple as possible."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from bridge.domain.devices.targets import user_of
from bridge.domain.licences.batch import Rectangle, rectangles
from bridge.domain.model import Pair
from bridge.engine.context import Context
from bridge.store.installs import installs
from bridge.store.licences import locations, request_pairs, requests
from bridge.store.licences.locations import Location
from bridge.store.licences.request_pairs import Collection

DEFAULT_MAX_ASSETS = 25
DEFAULT_MAX_SERIAL_NUMBERS = 1000
DEFAULT_MAX_CLIENT_USER_IDS = 1000

LOOK_AGAIN = 0.1
"""What part more of pairs must have come before full requests are looked for again: a look reads
them all."""

Left = dict[tuple[str, str], int]
"""By location and kind, how many pairs the last look for full requests left."""


@dataclass(frozen=True, slots=True)
class Batch:
    """One request to make."""

    location: str
    kind: str
    rectangle: Rectangle


@dataclass(frozen=True, slots=True)
class Plan:
    """What to do with what was collected: requests to make; and whether some of it is for a
    location that is `suspended`, which is cancelled first."""

    batches: Sequence[Batch]
    suspended: bool


def plan(context: Context, left: Left) -> Plan:
    """Which requests to make of what was collected; only reads, for it may look at many pairs.

    Full requests go while pairs keep coming, the rest when no more of the location are coming.
    `left` is kept up to date.
    """
    batches, suspended = list[Batch](), False
    for collection in request_pairs.collections(context.db):
        location = locations.get(context.db, collection.location)
        if location.suspended is not None:
            suspended = True
            continue
        quiet = context.now >= _quiet_at(context, collection)
        if quiet or _may_fill_one(location, collection, left):
            found = _batch(context, location, collection.kind, only_full=not quiet)
            taken = sum(len(each.rectangle) for each in found)
            left[collection.location, collection.kind] = collection.count - taken
            batches += found
    return Plan(batches, suspended)


def _may_fill_one(location: Location, collection: Collection, left: Left) -> bool:
    """Whether enough pairs wait for a full request, and not just those that did not make one."""
    before = left.get((collection.location, collection.kind), 0)
    if before > collection.count:  # some are gone, and others may have come in their place
        before = left[collection.location, collection.kind] = 0
    full = _max_assets(location) * max_serials(location)
    return collection.count >= max(full, before + LOOK_AGAIN * max(full, before))


def make(context: Context, batch: Batch) -> bool:
    """Make one request of those that were planned; False when a pair of it is gone since."""
    made = requests.make(context.db, batch.location, batch.kind, batch.rectangle, context.now)
    _touch(context, batch.rectangle.pairs())
    return made is not None


def cancel(context: Context) -> int:
    """Nothing is asked at a location that is suspended: what was collected for it is cancelled."""
    count = 0
    for collection in request_pairs.collections(context.db):
        if locations.get(context.db, collection.location).suspended is not None:
            gone = request_pairs.withdraw_collected(context.db, collection.location, context.now)
            _touch(context, gone)
            count += len(gone)
    return count


def next_at(context: Context) -> float | None:
    """When what was collected is next to be asked for, or None when nothing is."""
    collected = request_pairs.collections(context.db)
    return min((_quiet_at(context, collection) for collection in collected), default=None)


def _quiet_at(context: Context, collection: Collection) -> float:
    policy = context.policy.associate
    if installs.any_dirty(context.db, collection.location):
        return collection.oldest + policy.collect_at_most
    return min(collection.newest + policy.collect_for, collection.oldest + policy.collect_at_most)


def _batch(context: Context, location: Location, kind: str, *, only_full: bool) -> list[Batch]:
    collected = request_pairs.collecting(context.db, location.name, kind)
    found = rectangles(
        (wanted.pair for wanted in collected),
        max_assets=_max_assets(location),
        max_serial_numbers=max_serials(location),
        max_client_user_ids=max_users(location),
    )
    chosen = (r for r in found if not only_full or _is_full(location, r))
    return [Batch(location.name, kind, rectangle) for rectangle in chosen]


def _touch(context: Context, pairs: Iterable[Pair]) -> None:
    installs.touch_pairs(context.db, [(p.holder, p.asset.adam_id) for p in pairs], context.now)


def _is_full(location: Location, rectangle: Rectangle) -> bool:
    return len(rectangle.assets) == _max_assets(location) and (
        len(rectangle.holders) == _max_holders(location, rectangle)
    )


def _max_holders(location: Location, rectangle: Rectangle) -> int:
    is_of_devices = user_of(rectangle.holders[0]) is None
    return max_serials(location) if is_of_devices else max_users(location)


def _max_assets(location: Location) -> int:
    return location.max_assets or DEFAULT_MAX_ASSETS


def max_users(location: Location) -> int:
    """How many users a request may name there."""
    return location.max_client_user_ids or DEFAULT_MAX_CLIENT_USER_IDS


def max_serials(location: Location) -> int:
    """How many serial numbers a request may name there."""
    return location.max_serial_numbers or DEFAULT_MAX_SERIAL_NUMBERS
