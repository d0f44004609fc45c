"""Rows of Apple's lists that cannot be read: each may be about whatever it does not rule out."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from bridge.domain.model import Asset, Pair


@dataclass(frozen=True, slots=True)
class OddRow:
    """A row that is left out; `what` says what is odd about it, `place` where it stood.

    The other fields are what can be read of it, None where it may be any. A row without any of
    them also stands for rows that were not shown at all, as when a list ends too early.
    """

    what: str
    place: str = ""
    adam_id: str | None = None
    pricing_param: str | None = None
    holder: str | None = None

    @property
    def shown(self) -> str:
        """For people: what is odd, where, and what the row is known to be about."""
        known = (self.adam_id and f"app {self.adam_id}", self.holder)
        about = ", ".join(filter(None, (self.place, *known)))
        return f"{self.what} ({about})" if about else self.what

    def may_be_of(self, asset: Asset) -> bool:
        """Whether the row may be about this asset."""
        return self.adam_id in (None, asset.adam_id) and (
            self.pricing_param in (None, asset.pricing_param)
        )

    def may_be(self, pair: Pair) -> bool:
        """Whether the row may be about this pair."""
        return self.may_be_of(pair.asset) and self.holder in (None, pair.holder)


def of_asset(odd: Iterable[OddRow], asset: Asset) -> str | None:
    """What is odd about a row that may be an asset's, None if none may be; for an asset that no
    other row is of."""
    found = [row for row in odd if row.may_be_of(asset)]
    return min(found, key=_vagueness).shown if found else None


def of_pair(odd: Iterable[OddRow], pair: Pair) -> str | None:
    """What is odd about a row that may be a pair's, None if none may be."""
    found = [row for row in odd if row.may_be(pair)]
    return min(found, key=_vagueness).shown if found else None


def _vagueness(row: OddRow) -> int:
    return (row.adam_id, row.holder).count(None)
