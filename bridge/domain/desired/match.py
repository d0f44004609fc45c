"""`match`: which devices are meant, by what they report of themselves."""

from __future__ import annotations

import fnmatch
import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, Protocol

from bridge.domain.desired.versions import fulfils

Answer = Literal["yes", "no", "unknown"]
"""`unknown`: a fact that decides was never reported."""


class Reported(Protocol):
    """What a device says of itself; None for what it never said."""

    @property
    def name(self) -> str | None: ...
    @property
    def product_name(self) -> str | None: ...
    @property
    def model(self) -> str | None: ...
    @property
    def os_version(self) -> str | None: ...


@dataclass(frozen=True, slots=True)
class Match:
    """Conditions on what a device reports; all that are given must hold.

    `product_name`, `model` and `name` are patterns: `*` stands for any characters, `?` for one,
    everything else for itself; the whole value must fit, and capital letters do not matter.
    `os_version` is what `versions.conditions` reads.
    """

    product_name: str | None = None
    model: str | None = None
    os_version: str | None = None
    name: str | None = None

    def answer(self, device: Reported) -> Answer:
        """Whether a device is meant. One condition that fails settles it, whatever is unknown."""
        answers = [
            _answer(getattr(device, key), condition, test)
            for key, test in _TESTS.items()
            if (condition := getattr(self, key)) is not None
        ]
        if "no" in answers:
            return "no"
        return "unknown" if "unknown" in answers else "yes"


@lru_cache(maxsize=4096)
def fits(value: str, pattern: str) -> bool:
    """Whether the whole of `value` fits `pattern`; a fleet has few different products."""
    return _compiled(pattern).match(_plain(value)) is not None


def _answer(value: str | None, condition: str, test: Callable[[str, str], bool]) -> Answer:
    if value is None:
        return "unknown"
    return "yes" if test(value, condition) else "no"


@lru_cache(maxsize=256)
def _compiled(pattern: str) -> re.Pattern[str]:
    # A name like "Lab [1]" means itself: only * and ? are special.
    return re.compile(fnmatch.translate(_plain(pattern).replace("[", "[[]")))


def _plain(text: str) -> str:
    """One form for all spellings: Macs write an umlaut as two characters, people as one."""
    return unicodedata.normalize("NFC", text).casefold()


_TESTS: Mapping[str, Callable[[str, str], bool]] = {
    "product_name": fits,
    "model": fits,
    "os_version": fulfils,
    "name": fits,
}

MATCH_KEYS = tuple(_TESTS)
