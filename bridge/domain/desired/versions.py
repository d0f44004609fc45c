"""Conditions on versions: `>=17.2, <18`, or a bare `17` for every 17.

Versions compare part by part as numbers, so that 17.10 is newer than 17.9; missing parts are 0.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from functools import lru_cache

Version = tuple[int, ...]

_VERSION = re.compile(r"[0-9]{1,9}(?:\.[0-9]{1,9}){0,5}")
_TERM = re.compile(rf"(!=|<=|>=|=|<|>|)\s*({_VERSION.pattern})")
_COMPARE: dict[str, Callable[[Version, Version], bool]] = {
    "=": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


@lru_cache(maxsize=256)
def conditions(text: str) -> tuple[tuple[str, Version], ...]:
    """The (operator, version) that all must hold, "" for a bare version; raises ValueError."""
    found = [_TERM.fullmatch(term.strip()) for term in text.split(",")]
    terms = [(term[1], _parts(term[2])) for term in found if term is not None]
    if len(terms) < len(found):
        raise ValueError(text)
    return tuple(terms)


@lru_cache(maxsize=4096)
def fulfils(version: str, text: str) -> bool:
    """Whether a version that a device reported fulfils the conditions in `text`.

    What follows the number is left out (`16.4.1 (a)`); what is no version fulfils nothing.
    """
    found = _VERSION.match(version.strip())
    if found is None:
        return False
    parts = _parts(found[0])
    return all(_holds(parts, symbol, other) for symbol, other in conditions(text))


def _holds(parts: Version, symbol: str, other: Version) -> bool:
    if not symbol:
        return _padded(parts, len(other))[: len(other)] == other
    length = max(len(parts), len(other))
    return _COMPARE[symbol](_padded(parts, length), _padded(other, length))


def _parts(text: str) -> Version:
    return tuple(int(part) for part in text.split("."))


def _padded(parts: Version, length: int) -> Version:
    return parts + (0,) * (length - len(parts))
