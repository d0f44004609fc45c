"""How many connections a listener has, and which one goes when there are too many."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Generic, Protocol, TypeVar

PER_ADDRESS = 100
"""Connections of one address whose last request had no right credentials, or that sent none."""


class Peer(Protocol):
    """What is looked at of a connection."""

    @property
    def address(self) -> str:
        """Where it comes from."""

    @property
    def is_dispensable(self) -> bool:
        """Whether it may be closed for another: nobody serves it, and it never showed a key."""


P = TypeVar("P", bound=Peer)


class Door(Generic[P]):
    """The connections of one listener, the oldest first."""

    def __init__(self, limit: int, per_address: int = PER_ADDRESS) -> None:
        self._limit = limit
        self._per_address = per_address
        self._peers: dict[P, None] = {}

    def __iter__(self) -> Iterator[P]:
        return iter(tuple(self._peers))

    def __len__(self) -> int:
        return len(self._peers)

    def add(self, peer: P) -> None:
        """One more."""
        self._peers[peer] = None

    def remove(self, peer: P) -> None:
        """One less."""
        self._peers.pop(peer, None)

    def too_many(self, peer: P) -> P | None:
        """Who must go after `peer` came: the oldest that nobody misses, of its address where that
        has too many. `peer` itself, until it is served, where everybody else has shown a key."""
        if len(self._peers) > self._limit:
            return self.oldest()
        if len(self._peers) > self._per_address and peer.is_dispensable:
            same = [each for each in self._peers if each.address == peer.address]
            dispensable = [each for each in same if each.is_dispensable]
            if len(dispensable) > self._per_address:
                return dispensable[0]
        return None

    def oldest(self) -> P | None:
        """The oldest that nobody misses."""
        return next((each for each in self._peers if each.is_dispensable), None)
