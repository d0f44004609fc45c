"""Which platform a device is of, and whether an app runs there.

Names as in Apple's `supportedPlatforms` ("Get Assets"): iOS, macOS, tvOS, watchOS, visionOS; there
is no iPadOS. A Mac with Apple's chip runs an iOS app only if Apple lists macOS for it.
"""

from __future__ import annotations

from typing import Final

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


def platform_of(product_name: str | None) -> str | None:
    """The platform of a product like `iPad14,1`; None where nobody said, or for a new product."""
    name = product_name or ""
    return next((platform for prefix, platform in _PREFIXES if name.startswith(prefix)), None)


def listed(platforms: str | None) -> frozenset[str]:
    """Platforms from their stored form (`iOS,macOS`); empty where none are known."""
    return frozenset(filter(None, (platforms or "").split(",")))


def runs_on(product_name: str | None, platforms: frozenset[str]) -> bool:
    """Whether an app for `platforms` runs on a product.

    A product or an app of which nothing is known is given the benefit of the doubt.
    """
    platform = platform_of(product_name)
    return platform is None or not platforms or platform in platforms
