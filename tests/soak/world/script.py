"""A script: of what a world consists, and what happens in it when. One seed makes one script."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from random import Random
from typing import Literal

HOUR = 3600.0
DAY = 24 * HOUR

DAYS = 30.0
TROUBLE = 22 * DAY
"""Seconds in which things happen. What is left of the thirty days is calm."""

Kind = Literal["micromdm", "plain", "nanomdm", "nanohub"]


@dataclass(frozen=True, slots=True)
class Traits:
    """What does not change in a world. Times are seconds; shares are of the devices."""

    devices: int = 20
    apps: int = 3
    server: Kind = "micromdm"
    sql_queue: bool = False
    macs: float = 0.25
    unsupervised: float = 0.0
    unnamed: float = 0.0
    """The share that tells no serial number when it enrols."""
    seats: int = 30
    """Of each app in each of the two locations."""
    install_time: float = 5.0
    wake_latency: float = 0.3
    process_delay: float = 2.0
    licence_lag: float = 0.0
    spread: float = 0.0
    """By how much Apple's notifications overtake each other."""
    lag: float = 0.0
    reads_every: float = DAY
    reclaims_after: float | None = None


@dataclass(frozen=True, slots=True)
class Event:
    """What happens `at` (seconds since the world's begin); `number` is the seed of its chances, so
    that it is the same whatever else happens or does not."""

    at: float
    kind: str
    number: int


@dataclass(frozen=True, slots=True)
class Script:
    """A world and its events, in their order."""

    seed: int
    traits: Traits
    events: tuple[Event, ...]

    def with_events(self, events: tuple[Event, ...]) -> Script:
        """The same world, in which only these happen."""
        return replace(self, events=events)


def made(seed: int, weights: Mapping[str, float], count: int = 60) -> Script:
    """The script of a seed: about `count` events, by their weights; the first is an apply."""
    chance = Random(seed)
    traits = _traits(chance)
    kinds, shares = list(weights), list(weights.values())
    times = sorted(chance.uniform(HOUR, TROUBLE) for _ in range(count))
    times = [_near(chance, before, at) for before, at in zip([0.0, *times], times, strict=False)]
    names = chance.choices(kinds, shares, k=count)
    drawn = zip(times, names, strict=True)
    events = [Event(at, name, chance.getrandbits(32)) for at, name in drawn]
    first = Event(60.0, "apply", chance.getrandbits(32))
    return Script(seed, traits, (first, *sorted(events, key=lambda event: event.at)))


def _near(chance: Random, before: float, at: float) -> float:
    """Much goes wrong together: a third of all events follow another within minutes."""
    return before + chance.expovariate(1 / 60.0) if chance.random() < 1 / 3 else at


def _traits(chance: Random) -> Traits:
    return Traits(
        server=chance.choices(["micromdm", "plain", "nanomdm", "nanohub"], [5, 1, 2, 1])[0],
        sql_queue=chance.random() < 0.5,
        macs=chance.choice([0.0, 0.25, 0.5]),
        unsupervised=chance.choice([0.0, 0.0, 0.2]),
        unnamed=chance.choice([0.0, 0.0, 0.3]),
        seats=chance.choice([8, 15, 30]),
        install_time=chance.choice([1.0, 5.0, 60.0, 900.0]),
        wake_latency=chance.choice([0.1, 0.3, 5.0, 40.0]),
        process_delay=chance.choice([0.5, 2.0, 20.0, 400.0]),
        licence_lag=chance.choice([0.0, 0.0, 30.0]),
        spread=chance.choice([0.0, 5.0, 60.0]),
        lag=chance.choice([0.0, 0.0, 20.0]),
        reads_every=chance.choice([6 * HOUR, DAY]),
        reclaims_after=chance.choice([None, None, 3 * DAY]),
    )
