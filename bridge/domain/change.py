"""What an apply changes: pure, from what is wanted now and what shall be wanted.

A fleet has few ways in which apps are wanted and many devices, so both come as batches.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from bridge.domain.model import Asset, Held
from bridge.domain.options import Options

PairName = tuple[str, str]
"""A serial number and an adam id: there is one install for each."""

FEW_REMOVALS = 10
PART_OF_REMOVALS = 20
"""One in how many installs may be removed without a word, if that is more than a few."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Devices on which one app is wanted in the same way.

    The licences come from `location`, or from the first of `fallbacks` that has a seat.
    `wanted_by` is the file, a one-off wish or both; `held` the reason why they wait for an apply.
    """

    asset: Asset
    location: str
    priority: int
    options: Options
    wanted_by: str
    serials: frozenset[str]
    held: Held | None = None
    fallbacks: tuple[str, ...] = ()

    @property
    def way(self) -> tuple[Asset, tuple[str, ...], int, Options]:
        """How it is wanted; a batch that differs in this is wanted otherwise."""
        return self.asset, (self.location, *self.fallbacks), self.priority, self.options

    def pairs(self) -> Iterable[PairName]:
        """The installs of the batch."""
        return ((serial, self.asset.adam_id) for serial in self.serials)


@dataclass(frozen=True, slots=True)
class Change:
    """What an apply changes.

    `added` is what no apply has shown yet. `otherwise` are installs that stay wanted in another
    way. `let_go` were held back by a limit and go now; `held` are all that it holds back after.
    """

    added: frozenset[PairName]
    removed: frozenset[PairName]
    otherwise: frozenset[PairName]
    kept: int
    let_go: frozenset[PairName]
    held: frozenset[PairName]

    @property
    def unchanged(self) -> int:
        """How many installs stay wanted as they are."""
        return self.kept - len(self.otherwise)

    def counts(self) -> dict[str, int]:
        """How many installs it is about in each way, for programs."""
        return {
            "added": len(self.added),
            "removed": len(self.removed),
            "changed": len(self.otherwise),
            "unchanged": self.unchanged,
            "let_go": len(self.let_go),
            "held_back": len(self.held),
        }

    @property
    def touches_installs(self) -> bool:
        """Whether any install is another one afterwards."""
        return bool(self.added or self.removed or self.otherwise or self.let_go)


def compare(
    before: Sequence[Batch], after: Sequence[Batch], *, limit: int | None = None, gone: int = 0
) -> Change:
    """The change from `before` to `after`.

    With a `limit`, no more than that many installs go, `gone` of which went already; the others
    that are new, or were held back, are held back.
    """
    old, new = _pairs(before), _pairs(after)
    unplanned = _pairs(batch for batch in before if batch.held == "NOT_PLANNED")
    waiting = _pairs(batch for batch in before if batch.held == "HELD_BACK") & new
    added = new - (old - unplanned)
    go, held = _cut(after, added | waiting, limit, gone)
    return Change(
        added=frozenset(added),
        removed=frozenset(old - new),
        otherwise=frozenset(_otherwise(before, after)) - added,
        kept=len(new) - len(added),
        let_go=frozenset(waiting & go),
        held=frozenset(held),
    )


def _pairs(batches: Iterable[Batch]) -> set[PairName]:
    return {pair for batch in batches for pair in batch.pairs()}


def _otherwise(before: Sequence[Batch], after: Sequence[Batch]) -> Iterable[PairName]:
    ways: dict[str, list[Batch]] = {}
    for batch in before:
        ways.setdefault(batch.asset.adam_id, []).append(batch)
    for batch in after:
        adam_id = batch.asset.adam_id
        for old in ways.get(adam_id, ()):
            if old.way != batch.way:
                yield from ((serial, adam_id) for serial in old.serials & batch.serials)


def _cut(
    after: Sequence[Batch], could_go: set[PairName], limit: int | None, gone: int
) -> tuple[set[PairName], set[PairName]]:
    """Who goes and who is held back: the highest priority first, then by serial number."""
    if limit is None:
        return could_go, set()
    order = sorted(
        (-batch.priority, pair) for batch in after for pair in batch.pairs() if pair in could_go
    )
    first = {pair for _, pair in order[: max(limit - gone, 0)]}
    return first, could_go - first


def removals_allowed(stored: int) -> int:
    """How many of the `stored` installs an apply may remove without being told so.

    An emptied file of serial numbers must not wipe a fleet.
    """
    return max(FEW_REMOVALS, stored // PART_OF_REMOVALS)
