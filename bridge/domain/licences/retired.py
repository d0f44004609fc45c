"""Licences that are counted and cannot be given to anybody, in words.

Source: Apple, "Get Assets": retiredCount is part of totalCount.
"""

from __future__ import annotations

from bridge.domain.facts import AssetFacts


def seats_left(asset: AssetFacts) -> str:
    """How many seats are left of an asset of which none is free."""
    return f"0 of {asset.total} free{retired_too(asset)}"


def retired_too(asset: AssetFacts | None) -> str:
    """`, 3 of them retired`, or nothing."""
    retired = asset.retired if asset is not None else None
    return f", {retired} of the {asset.total} retired" if asset is not None and retired else ""
