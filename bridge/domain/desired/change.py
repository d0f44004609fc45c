"""What an apply changes: pure, from what is desired now and what shall be desired.

A fleet has few ways in which apps are desired and many devices, so both come as cohorts.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from bridge.domain.desired.anyway import BY_OPTIONS
from bridge.domain.installs.options import Options
from bridge.domain.model import Asset, OnHold
from bridge.domain.views.desired import Applied
from bridge.domain.wording import counted

PairName = tuple[str, str]
"""A serial number and an adam id: there is one install for each."""

FEW_REMOVALS = 10
PART_OF_REMOVALS = 20
"""One in how many installs may be removed without a word, if that is more than a few."""


@dataclass(frozen=True, slots=True)
class Cohort:
    """Devices on which one app is desired in the same way.

    The licences come from `location`, or from the first of `fallbacks` that has a seat.
    `desired_by` is the file, a one-off wish or both; `on_hold` the reason why they wait.
    """

    asset: Asset
    location: str
    priority: int
    options: Options
    desired_by: str
    serials: frozenset[str]
    on_hold: OnHold | None = None
    fallbacks: tuple[str, ...] = ()

    @property
    def way(self) -> tuple[Asset, tuple[str, ...], int, Options]:
        """How it is desired; a cohort that differs in this is desired otherwise."""
        return self.asset, (self.location, *self.fallbacks), self.priority, self.options

    def pairs(self) -> Iterable[PairName]:
        """The installs of the cohort."""
        return ((serial, self.asset.adam_id) for serial in self.serials)


@dataclass(frozen=True, slots=True)
class Change:
    """What an apply changes.

    `added` is what no apply has shown yet. `otherwise` are installs that stay desired in another
    way. `let_go` were held back by a limit and go now; `held_back` are all that wait after it.
    `stored` is how many installs were desired before.
    """

    added: frozenset[PairName]
    removed: frozenset[PairName]
    otherwise: frozenset[PairName]
    kept: int
    let_go: frozenset[PairName]
    held_back: frozenset[PairName]
    stored: int

    @property
    def unchanged(self) -> int:
        """How many installs stay desired as they are."""
        return self.kept - len(self.otherwise)

    def counts(self) -> Applied:
        """How many installs it is about in each way, for programs."""
        return {
            "added": len(self.added),
            "removed": len(self.removed),
            "changed": len(self.otherwise),
            "unchanged": self.unchanged,
            "let_go": len(self.let_go),
            "held_back": len(self.held_back),
        }

    @property
    def touches_installs(self) -> bool:
        """Whether any install is another one afterwards."""
        return bool(self.added or self.removed or self.otherwise or self.let_go)


def compare(
    before: Sequence[Cohort], after: Sequence[Cohort], *, limit: int | None = None, gone: int = 0
) -> Change:
    """The change from `before` to `after`.

    With a `limit`, no more than that many installs go, `gone` of which went already; the others
    that are new, or were held back, are held back.
    """
    old, new = _by_app(before), _by_app(after)
    unplanned = _by_app(cohort for cohort in before if cohort.on_hold == "NOT_PLANNED")
    waiting = _both(_by_app(cohort for cohort in before if cohort.on_hold == "HELD_BACK"), new)
    added = _without(new, _without(old, unplanned))
    go, held_back = _within(after, _joined(added, waiting), limit, gone)
    return Change(
        added=_pairs(added),
        removed=_pairs(_without(old, new)),
        otherwise=frozenset(_otherwise(before, after)) - _pairs(added),
        kept=sum(map(len, new.values())) - sum(map(len, added.values())),
        let_go=_pairs(waiting) & go,
        held_back=held_back,
        stored=sum(map(len, old.values())),
    )


ByApp = dict[str, set[str]]
"""Serial numbers by adam id: sets of few large ones are much faster than one of pairs."""


def _by_app(cohorts: Iterable[Cohort]) -> ByApp:
    found: ByApp = {}
    for cohort in cohorts:
        found.setdefault(cohort.asset.adam_id, set()).update(cohort.serials)
    return found


def _without(some: ByApp, others: ByApp) -> ByApp:
    return {adam_id: serials - others.get(adam_id, set()) for adam_id, serials in some.items()}


def _both(some: ByApp, others: ByApp) -> ByApp:
    return {adam_id: serials & others.get(adam_id, set()) for adam_id, serials in some.items()}


def _joined(some: ByApp, others: ByApp) -> ByApp:
    return {a: some.get(a, set()) | others.get(a, set()) for a in some.keys() | others.keys()}


def _pairs(by_app: ByApp) -> frozenset[PairName]:
    return frozenset((serial, adam_id) for adam_id, some in by_app.items() for serial in some)


def _otherwise(before: Sequence[Cohort], after: Sequence[Cohort]) -> Iterable[PairName]:
    ways: dict[str, list[Cohort]] = {}
    for cohort in before:
        ways.setdefault(cohort.asset.adam_id, []).append(cohort)
    for cohort in after:
        adam_id = cohort.asset.adam_id
        for old in ways.get(adam_id, ()):
            if old.way != cohort.way:
                yield from ((serial, adam_id) for serial in old.serials & cohort.serials)


def _within(
    after: Sequence[Cohort], could_go: ByApp, limit: int | None, gone: int
) -> tuple[frozenset[PairName], frozenset[PairName]]:
    """Who goes and who is held back: the highest priority first, then by serial number."""
    if limit is None:
        return _pairs(could_go), frozenset()
    order = sorted(
        (-cohort.priority, (serial, cohort.asset.adam_id))
        for cohort in after
        for serial in cohort.serials & could_go.get(cohort.asset.adam_id, set())
    )
    first = max(limit - gone, 0)
    return frozenset(p for _, p in order[:first]), frozenset(p for _, p in order[first:])


def refusal(
    change: Change,
    allowed: int | None,
    anyway: str = BY_OPTIONS.removals,
    *,
    of_users: int = 0,
) -> str | None:
    """Why a change is not stored without a word more: it removes too much. None if it may be.

    `allowed` is how many installs it may remove; None is `removals_allowed`. `anyway` is how to ask
    for it, with `{}` for the number. `of_users` is as how many removals the retirement of users
    counts, each with its licences.
    """
    most = removals_allowed(change.stored) if allowed is None else allowed
    removed = len(change.removed) + of_users
    if removed <= most:
        return None
    what = f"{len(change.removed)} of {change.stored} installs"
    if of_users:
        what += f" and {counted(of_users, 'licence')} of users who are retired"
    return f"it would remove {what}, but no more than {most} without {anyway.format(removed)}"


def removals_allowed(stored: int) -> int:
    """How many of the `stored` installs an apply may remove without being told so.

    An emptied file of serial numbers must not wipe a fleet.
    """
    return max(FEW_REMOVALS, stored // PART_OF_REMOVALS)
