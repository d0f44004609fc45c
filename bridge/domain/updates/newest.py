"""Which of two versions of an app is the newer one, where that can be told at all.

ExternalVersionIdentifier numbers the versions of one app in one storefront for one family of
devices: numbers of others are never compared with it. A version that is not known, or that cannot
be compared, is never newer.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from bridge.domain.desired.versions import fulfils

_VERSION = re.compile(r"[0-9]{1,9}(?:\.[0-9]{1,9}){0,5}")

Standing = Literal["current", "outdated", "unknown"]


@dataclass(frozen=True, slots=True)
class Version:
    """A version as people read it (14.2), and by its external id; either may be missing."""

    shown: str | None = None
    external: int | None = None

    @property
    def label(self) -> str:
        """For people."""
        if self.shown is not None:
            return self.shown
        return "a newer version" if self.external is None else f"version id {self.external}"

    @property
    def is_known(self) -> bool:
        """Whether anything is known of it."""
        return self.shown is not None or self.external is not None


def is_older(one: str | None, other: str | None) -> bool | None:
    """Whether a version is older than another; None where that cannot be told."""
    if one is None or other is None or not (_is_version(one) and _is_version(other)):
        return None
    return fulfils(one, f"<{other}")


def stands(has: Version, newest: Version) -> Standing:
    """How a device's version stands to the newest; both are of one storefront and family."""
    if has.external is not None and newest.external is not None:
        return "outdated" if has.external < newest.external else "current"
    older = is_older(has.shown, newest.shown)
    if older is None:
        return "unknown"
    return "outdated" if older else "current"


def supersedes(new: Version, known: Version) -> bool:
    """Whether a version that was told is newer than the newest that is known."""
    if not known.is_known:
        return new.is_known
    return stands(known, new) == "outdated"


def _is_version(text: str) -> bool:
    return _VERSION.fullmatch(text.strip()) is not None
