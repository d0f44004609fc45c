"""Which platform a device is of, and whether an app runs there.

Names as in Apple's `supportedPlatforms` ("Get Assets"): iOS, macOS, tvOS, watchOS, visionOS; there
is no iPadOS.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Final, Literal

PLATFORMS: Final = ("iOS", "macOS", "tvOS", "visionOS", "watchOS")

_PREFIXES: Final = (
    ("iPhone", "iOS"),
    ("iPad", "iOS"),
    ("iPod", "iOS"),
    ("Mac", "macOS"),
    ("iMac", "macOS"),
    ("VirtualMac", "macOS"),
    ("AppleTV", "tvOS"),
    ("Watch", "watchOS"),
    ("RealityDevice", "visionOS"),
)

_PLATFORMS: Final = {
    name.casefold(): name for name in ("iOS", "macOS", "tvOS", "watchOS", "visionOS")
}

Fit = Literal["listed", "untold", "impossible"]
"""Whether Apple lists an app for a device. `untold`: not listed, but it may run there all the same,
which only the device can tell."""

_LAST_INTEL: Final[Mapping[str, int]] = {
    "iMac": 20,
    "iMacPro": 1,
    "MacBook": 10,
    "MacBookAir": 9,
    "MacBookPro": 16,
    "Macmini": 8,
    "MacPro": 7,
}
"""The last model of each family without Apple's chip. Source: Apple, "Mac computers with Apple
silicon" and "Identify your … model"; since Mac13,1 all are called Mac."""

_FAMILY: Final = re.compile(r"([A-Za-z]+)(\d+),")


@lru_cache(maxsize=1024)
def platform_of(product_name: str | None) -> str | None:
    """The platform of a product like `iPad14,1`; None where nobody said, or for a new product."""
    name = product_name or ""
    return next((platform for prefix, platform in _PREFIXES if name.startswith(prefix)), None)


_FAMILIES: Final = (
    ("iPhone", "iphone"),
    ("iPad", "ipad"),
    ("iPod", "ipod"),
    ("AppleTV", "tvos"),
    ("Watch", "watch"),
    ("RealityDevice", "vision"),
)


@lru_cache(maxsize=1024)
def family_of(product_name: str | None) -> str | None:
    """The family of devices of a product, as `deviceFamilies` of Apple's metadata names them; None
    where nobody said, or for a new product."""
    if platform_of(product_name) == "macOS":
        return "mac"
    name = product_name or ""
    return next((family for prefix, family in _FAMILIES if name.startswith(prefix)), None)


@lru_cache(maxsize=1024)
def listed(platforms: str | None) -> frozenset[str]:
    """Platforms from their stored form (`iOS,macOS`); empty where they are not known.

    That is so if a word among them is no platform that is known here: the app may run anywhere.
    """
    words = [word.strip().casefold() for word in (platforms or "").split(",") if word.strip()]
    known = [_PLATFORMS.get(word) for word in words]
    return frozenset(name for name in known if name is not None) if all(known) else frozenset()


def fit(product_name: str | None, platforms: frozenset[str]) -> Fit:
    """Whether Apple lists an app for a product, by the app's `platforms`.

    A product or an app of which nothing is known is given the benefit of the doubt. Apps for iOS
    may run beyond what is listed: on Apple Vision Pro, on Macs with Apple's chip, and on a watch if
    the app holds one for it (see "Platforms" in docs/design.md for the sources).
    """
    platform = platform_of(product_name)
    if platform is None or not platforms or platform in platforms:
        return "listed"
    if "iOS" not in platforms or platform == "tvOS":
        return "impossible"
    return "impossible" if _is_intel_mac(product_name or "") else "untold"


def _is_intel_mac(product_name: str) -> bool:
    found = _FAMILY.match(product_name)
    return found is not None and int(found[2]) <= _LAST_INTEL.get(found[1], 0)
