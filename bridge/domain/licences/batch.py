"""Pairs of asset and serial number become as few requests as possible.

A request to Apple is a rectangle: every asset in it times every serial number in it. The
rectangles are disjoint and cover exactly the needed pairs, so that no device ever gets a licence
that nobody wants.
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
    """One request: these assets for each of these serial numbers."""

    assets: tuple[Asset, ...]
    serial_numbers: tuple[str, ...]

    def pairs(self) -> Iterable[Pair]:
        """Every pair that the request asks for."""
        return (Pair(a, s) for a in self.assets for s in self.serial_numbers)

    def __len__(self) -> int:
        return len(self.assets) * len(self.serial_numbers)


def rectangles(
    pairs: Iterable[Pair], *, max_assets: int, max_serial_numbers: int
) -> list[Rectangle]:
    """Cut `pairs` into requests within Apple's limits (service config: 25 and 1,000 today).

    Serial numbers that need the same set of assets form one rectangle, cut to the limits; where
    that gives more requests than one asset at a time, the latter.
    """
    needs: dict[str, set[Asset]] = defaultdict(set)
    for pair in pairs:
        needs[pair.holder].add(pair.asset)
    by_set = _by_set(needs, max_assets, max_serial_numbers)
    by_asset = _by_asset(needs, max_serial_numbers)
    return by_set if len(by_set) <= len(by_asset) else by_asset


def _by_set(
    needs: Mapping[str, set[Asset]], max_assets: int, max_serial_numbers: int
) -> list[Rectangle]:
    alike: dict[tuple[Asset, ...], list[str]] = defaultdict(list)
    for serial_number, assets in needs.items():
        alike[tuple(sorted(assets))].append(serial_number)
    return [
        Rectangle(tuple(some_assets), tuple(some_serials))
        for assets, serial_numbers in sorted(alike.items())
        for some_assets in _chunks(assets, max_assets)
        for some_serials in _chunks(sorted(serial_numbers), max_serial_numbers)
    ]


def _by_asset(needs: Mapping[str, set[Asset]], max_serial_numbers: int) -> list[Rectangle]:
    wanting: dict[Asset, list[str]] = defaultdict(list)
    for serial_number, assets in needs.items():
        for asset in assets:
            wanting[asset].append(serial_number)
    return [
        Rectangle((asset,), tuple(some_serials))
        for asset, serial_numbers in sorted(wanting.items())
        for some_serials in _chunks(sorted(serial_numbers), max_serial_numbers)
    ]


def _chunks(values: Sequence[T], size: int) -> list[Sequence[T]]:
    return [values[start : start + size] for start in range(0, len(values), size)]
