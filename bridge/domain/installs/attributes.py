"""The attributes that Apple defines for a managed app, and where each of them exists.

Source: Apple, device-management schema, mdm/commands/application.install.yaml and
application.managed.attributes.yaml (iOS 18.1). No attribute exists on macOS.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

Kind = Literal["text", "boolean", "texts"]


@dataclass(frozen=True, slots=True)
class Attribute:
    """One attribute: the type of its value, and since which version it exists where.

    A platform that is not in `since` does not have it.
    """

    kind: Kind
    since: Mapping[str, str]


ATTRIBUTES: Final[Mapping[str, Attribute]] = {
    "VPNUUID": Attribute("text", {"iOS": "7", "tvOS": "10.2", "visionOS": "1.1", "watchOS": "10"}),
    "ContentFilterUUID": Attribute("text", {"iOS": "16", "visionOS": "1.1"}),
    "DNSProxyUUID": Attribute("text", {"iOS": "16", "visionOS": "1.1"}),
    "RelayUUID": Attribute("text", {"iOS": "17", "visionOS": "1.1"}),
    "AssociatedDomains": Attribute("texts", {"iOS": "13", "visionOS": "1.1", "watchOS": "10"}),
    "AssociatedDomainsEnableDirectDownloads": Attribute(
        "boolean", {"iOS": "14", "visionOS": "1.1", "watchOS": "10"}
    ),
    "Removable": Attribute(
        "boolean", {"iOS": "14", "tvOS": "14", "visionOS": "1.1", "watchOS": "10"}
    ),
    "TapToPayScreenLock": Attribute("boolean", {"iOS": "16.4"}),
    "CellularSliceUUID": Attribute("text", {"iOS": "17"}),
    "Hideable": Attribute("boolean", {"iOS": "18.1"}),
    "Lockable": Attribute("boolean", {"iOS": "18.1"}),
}
