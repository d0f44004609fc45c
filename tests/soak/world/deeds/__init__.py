"""What happens in a world. Each deed is done to a life with chances of its own, and tells in words
what it did."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

Deed = Callable[[Any, Random], str]

DEEDS: dict[str, Deed] = {}
WEIGHTS: dict[str, float] = {}


def deed(weight: float) -> Callable[[Deed], Deed]:
    """Register a deed by its name; of all events it is so large a part of all weights."""

    def register(function: Deed) -> Deed:
        DEEDS[function.__name__] = function
        WEIGHTS[function.__name__] = weight
        return function

    return register
