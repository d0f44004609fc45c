"""In which ring, and by whose clock, a device is brought to the newest version of an app: pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import asdict

from bridge.domain.desired.desired import Desired
from bridge.domain.desired.roster import Roster
from bridge.domain.updates.rule import UpdateRule, UpdateWish


def placed(
    wish: UpdateWish,
    desired: Desired,
    groups: Collection[str],
    roster: Roster,
    serials: Iterable[str],
) -> dict[UpdateRule, frozenset[str]]:
    """These devices by the rule that holds for each of them.

    A ring is a group, and the first that means a device is its own; who is in none comes last. Its
    clock is that of the first of the app's `groups` that means it and names a time zone.
    """
    zones = {g.name: g.time_zone for g in desired.groups if g.time_zone is not None}
    clocks = [(name, zones[name]) for name in groups if name in zones]
    found: dict[UpdateRule, set[str]] = {}
    rules: dict[tuple[int, str | None], UpdateRule] = {}
    for serial in serials:
        ring = _first(roster, wish.rings, serial)
        clock = _first(roster, [name for name, _ in clocks], serial)
        where = clocks[clock][1] if clock < len(clocks) else None
        rule = rules.setdefault(
            (ring, where), UpdateRule(**asdict(wish), ring=ring, time_zone=where)
        )
        found.setdefault(rule, set()).add(serial)
    return {rule: frozenset(some) for rule, some in found.items()}


def in_no_ring(wish: UpdateWish) -> UpdateRule:
    """The rule of a device that is wished for beside the file: it comes last."""
    return UpdateRule(**asdict(wish), ring=len(wish.rings))


def _first(roster: Roster, names: Collection[str], serial: str) -> int:
    """The place of the first group that means a device; behind the last where none does."""
    return next((n for n, name in enumerate(names) if roster.means(name, serial)), len(names))
