"""Doing again what was undone as a whole, since another transaction stood in its way.

That is rare: all who write take turns. It takes somebody else in the same database, such as a
person who changes a table by hand.
"""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from bridge.errors import StoreConflict

log = logging.getLogger(__name__)

TIMES = 4
"""How often something is done at most before who asked for it is told."""

P = ParamSpec("P")
R = TypeVar("R")


def repeated(act: Callable[P, R]) -> Callable[P, R]:
    """`act`, whose one write is its last step, done again when that was undone for another
    transaction. Raises StoreConflict after the last time."""

    @functools.wraps(act)
    def again(*args: P.args, **kwargs: P.kwargs) -> R:
        for _ in range(TIMES - 1):
            try:
                return act(*args, **kwargs)
            except StoreConflict as error:
                log.info("done again: %s", error)
        return act(*args, **kwargs)

    return again
