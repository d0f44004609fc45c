"""Pairs of asset and holder become as few requests as possible.

A request to Apple is a rectangle: every asset in it times every holder in it, which are all devices
or all users. The rectangles are disjoint and cover exactly the needed pairs, so that nobody ever
gets a licence that nobody wants.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from bridge.domain.model import Asset, Pair

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Rectangle:
    """One request: these assets for each of these holders."""

    assets: tuple[Asset, ...]
    holders: tuple[str, ...]

    def pairs(self) -> Iterable[Pair]:
        """Every pair that the request asks for."""
        return (Pair(a, s) for a in self.assets for s in self.holders)

    def __len__(self) -> int:
        return len(self.assets) * len(self.holders)


def rectangles(
    pairs: Iterable[Pair],
    *,
    max_assets: int,
    max_serial_numbers: int,
    max_client_user_ids: int = 1000,
) -> list[Rectangle]:
    """Cut `pairs` into requests within Apple's limits (service config: 25 and 1,000 today).

    Who needs the same set of assets is in one rectangle, cut to the limits; where that gives more
    requests than one asset at a time, the latter.
    """
    needs: dict[str, set[Asset]] = defaultdict(set)
    of_users: dict[str, set[Asset]] = defaultdict(set)
    for pair in pairs:
        (needs if pair.client_user_id is None else of_users)[pair.holder].add(pair.asset)
    found = _fewest(needs, max_assets, max_serial_numbers)
    return found + (_fewest(of_users, max_assets, max_client_user_ids) if of_users else [])


def _fewest(needs: Mapping[str, set[Asset]], max_assets: int, max_holders: int) -> list[Rectangle]:
    by_set = _by_set(needs, max_assets, max_holders)
    by_asset = _by_asset(needs, max_holders)
    return by_set if len(by_set) <= len(by_asset) else by_asset


def _by_set(needs: Mapping[str, set[Asset]], max_assets: int, max_holders: int) -> list[Rectangle]:
    alike: dict[tuple[Asset, ...], list[str]] = defaultdict(list)
    for holder, assets in needs.items():
        alike[tuple(sorted(assets))].append(holder)
    return [
        Rectangle(tuple(some_assets), tuple(some_holders))
        for assets, holders in sorted(alike.items())
        for some_assets in _chunks(assets, max_assets)
        for some_holders in _chunks(sorted(holders), max_holders)
    ]


def _by_asset(needs: Mapping[str, set[Asset]], max_holders: int) -> list[Rectangle]:
    wanting: dict[Asset, list[str]] = defaultdict(list)
    for holder, assets in needs.items():
        for asset in assets:
            wanting[asset].append(holder)
    return [
        Rectangle((asset,), tuple(some_holders))
        for asset, holders in sorted(wanting.items())
        for some_holders in _chunks(sorted(holders), max_holders)
    ]


def _chunks(values: Sequence[T], size: int) -> list[Sequence[T]]:
    return [values[start : start + size] for start in range(0, len(values), size)]
