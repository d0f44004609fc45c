"""One location's apps and licences as Apple keeps them: no HTTP, no time of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

UNLIMITED = 2147483647
"""What Apple writes as totalCount of an app without a limit."""

SERIAL = "serialNumber"
USER = "clientUserId"

AssetKey = tuple[str, str]
"""(adam_id, pricing_param)"""


class Target(NamedTuple):
    """Who holds a licence: `kind` is "serialNumber" or "clientUserId"."""

    kind: str
    name: str


class Pair(NamedTuple):
    """A licence of one asset for one target."""

    adam_id: str
    pricing_param: str
    target: Target

    def as_json(self) -> dict[str, str]:
        """As in assignments and notifications."""
        return {
            "adamId": self.adam_id,
            "pricingParam": self.pricing_param,
            self.target.kind: self.target.name,
        }


class Held(NamedTuple):
    """When an assignment was made: the library's write number, and epoch seconds."""

    write: int
    at: float


@dataclass
class Asset:
    """An app or book that the location owns, with its counts and flags."""

    adam_id: str
    total: int = 100
    pricing_param: str = "STDQ"
    product_type: str = "App"
    platforms: tuple[str, ...] = ("iOS",)
    device_assignable: bool = True
    revocable: bool = True
    unlimited: bool = False
    retired: int = 0
    assigned: int = 0

    @property
    def key(self) -> AssetKey:
        return self.adam_id, self.pricing_param

    @property
    def available(self) -> int:
        return (UNLIMITED if self.unlimited else self.total) - self.assigned - self.retired

    def as_json(self) -> dict[str, object]:
        """As in `assets` of GET /assets."""
        return self.as_unlimited_json() | {
            "availableCount": self.available,
            "retiredCount": self.retired,
            "totalCount": UNLIMITED if self.unlimited else self.total,
        }

    def as_unlimited_json(self) -> dict[str, object]:
        """As in `unlimitedAssets`, which knows no counts but the assigned ones."""
        return {
            "adamId": self.adam_id,
            "assignedCount": self.assigned,
            "deviceAssignable": self.device_assignable,
            "pricingParam": self.pricing_param,
            "productType": self.product_type,
            "revocable": self.revocable,
            "supportedPlatforms": list(self.platforms),
        }


@dataclass
class Failure:
    """Why some pairs of an event could not be done."""

    number: int
    pairs: list[Pair]


@dataclass
class Event:
    """An asynchronous operation: `kind` is ASSOCIATE, DISASSOCIATE or REVOKE."""

    event_id: str
    kind: str
    assets: tuple[AssetKey, ...]
    targets: tuple[Target, ...]
    submitted_at: float
    pairs: list[Pair]
    status: str = "PENDING"
    done: list[Pair] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)


@dataclass
class Page:
    """Rows of one page, with the members that every page carries."""

    rows: list[Mapping[str, object]]
    frame: dict[str, object]


class Library:
    """Assets and assignments with Apple's version ids; every write makes a new version."""

    def __init__(self, new_id: Callable[[], str]) -> None:
        self.assets: dict[AssetKey, Asset] = {}
        self.assignments: dict[Pair, Held] = {}
        self._by_target: dict[Target, dict[Pair, None]] = {}
        self._new_id = new_id
        self._writes: dict[str, int] = {}
        self._cache: dict[object, list[Mapping[str, object]]] = {}
        self.version_id = ""
        self.touch()

    def touch(self) -> None:
        """Something was written: a new versionId."""
        self.version_id = self._new_id()
        self._writes[self.version_id] = len(self._writes) + 1
        self._cache.clear()

    def add(self, asset: Asset) -> Asset:
        """Own an asset from now on."""
        self.assets[asset.key] = asset
        self.touch()
        return asset

    def pairs_of(self, target: Target) -> list[Pair]:
        """What the target holds, in the order it got it."""
        return list(self._by_target.get(target, ()))

    def holds(self, adam_id: str, target: Target) -> Held | None:
        """Since when the target has the app under any pricing, or None."""
        for pair in self._by_target.get(target, ()):
            if pair.adam_id == adam_id:
                return self.assignments[pair]
        return None

    def assign(self, pair: Pair, now: float) -> int:
        """Give the target a licence; returns an errorNumber, or 0 (also when it has one)."""
        asset = self.assets[pair.adam_id, pair.pricing_param]
        if pair in self.assignments:
            return 0
        if asset.available <= 0:
            return 9709
        asset.assigned += 1
        self.assignments[pair] = Held(len(self._writes) + 1, now)
        self._by_target.setdefault(pair.target, {})[pair] = None
        return 0

    def release(self, pair: Pair) -> int:
        """Take a licence back; one that is not held is no error. Returns 0."""
        if self.assignments.pop(pair, None) is not None:
            self.assets[pair.adam_id, pair.pricing_param].assigned -= 1
            del self._by_target[pair.target][pair]
        return 0

    def carry_out(self, event: Event, now: float) -> None:
        """Do what the event asks, as far as seats allow, and set its outcome."""
        act = self.release if event.kind != "ASSOCIATE" else lambda pair: self.assign(pair, now)
        if event.kind == "REVOKE":
            event.pairs = [pair for target in event.targets for pair in self._revocable(target)]
        failed: dict[tuple[int, AssetKey], Failure] = {}
        for pair in event.pairs:
            number = act(pair)
            if number:
                key = (number, (pair.adam_id, pair.pricing_param))
                failed.setdefault(key, Failure(number, [])).pairs.append(pair)
            else:
                event.done.append(pair)
        event.failures = list(failed.values())
        event.status = "FAILED" if failed else "COMPLETE"
        self.touch()

    def _revocable(self, target: Target) -> list[Pair]:
        return [
            pair
            for pair in self.pairs_of(target)
            if self.assets[pair.adam_id, pair.pricing_param].revocable
        ]

    def write_of(self, version_id: str) -> int | None:
        """The number of the write that made `version_id`; None if it was never a version."""
        return self._writes.get(version_id)

    def rows_of_assets(
        self, key: object, wanted: Callable[[Asset], bool]
    ) -> list[Mapping[str, object]]:
        """The assets that are `wanted`; `key` names the filter for the cache."""
        return self._cached(
            ("assets", key),
            lambda: [asset.as_json() for asset in self.assets.values() if wanted(asset)],
        )

    def rows_of_assignments(
        self, wanted: Mapping[str, str], since: int = 0
    ) -> list[Mapping[str, object]]:
        """The assignments whose JSON members equal `wanted`, modified after write `since`."""
        targets = [Target(kind, wanted[kind]) for kind in (SERIAL, USER) if kind in wanted]
        candidates: Iterable[Pair] = (
            self._by_target.get(targets[0], ()) if targets else self.assignments
        )

        def matching() -> list[Mapping[str, object]]:
            return [
                pair.as_json()
                for pair in candidates
                if self.assignments[pair].write > since
                and all(target == pair.target for target in targets)
                and wanted.get("adamId", pair.adam_id) == pair.adam_id
                and wanted.get("pricingParam", pair.pricing_param) == pair.pricing_param
            ]

        return self._cached(("assignments", tuple(sorted(wanted.items())), since), matching)

    def _cached(
        self, key: object, make: Callable[[], list[Mapping[str, object]]]
    ) -> list[Mapping[str, object]]:
        if key not in self._cache:
            self._cache[key] = make()
        return self._cache[key]

    def page(self, rows: list[Mapping[str, object]], index: int, size: int) -> Page | None:
        """Page `index` (from 0) of `rows`; None if there is no such page.

        The last page has no nextPageIndex. Source: Apple, "Using Paginated Endpoints".
        """
        pages = max(1, -(-len(rows) // size))
        if not 0 <= index < pages:
            return None
        part = rows[index * size : (index + 1) * size]
        frame: dict[str, object] = {
            "currentPageIndex": index,
            "size": len(part),
            "totalPages": pages,
            "versionId": self.version_id,
        }
        if index + 1 < pages:
            frame["nextPageIndex"] = index + 1
        return Page(part, frame)
