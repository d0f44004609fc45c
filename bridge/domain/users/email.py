"""The e-mail address that a user is registered with: Apple wants one, and sends nothing there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address
from types import MappingProxyType
from typing import Final, Literal
from urllib.parse import urlsplit

from bridge.domain.users.wish import UserWish

EmailSource = Literal["own", "managed_apple_id", "location", "host"]

SOURCES: Final[Mapping[EmailSource, str]] = MappingProxyType(
    {
        "own": "their own",
        "managed_apple_id": "their Managed Apple Account",
        "location": "that of the location",
        "host": "one made of public_url's host",
    }
)
"""By source, in words for a plan: `N users are registered with ...`."""

NOT_SET: Final = "email.not.set"


@dataclass(frozen=True, slots=True)
class Email:
    """An address, and where it comes from."""

    address: str
    source: EmailSource


@dataclass(frozen=True, slots=True)
class EmailRule:
    """What stands in for a user's own address: those of the locations, and the host of
    `public_url`, None where that is no host name."""

    locations: Mapping[str, str] = field(default_factory=dict)
    host: str | None = None

    def email(self, user: UserWish, location: str) -> Email | None:
        """The address of a user in a location: the user's own, else the Managed Apple Account, else
        the location's, else one made of the host's name; None without any."""
        if user.email is not None:
            return Email(user.email, "own")
        if user.managed_apple_id is not None:
            return Email(user.managed_apple_id, "managed_apple_id")
        if location in self.locations:
            return Email(self.locations[location], "location")
        return None if self.host is None else Email(f"{NOT_SET}@{self.host}", "host")


def host_name(public_url: str | None) -> str | None:
    """The name of the host of `public_url`; None without one, or where it is an address or a name
    that only this machine knows, since neither makes an e-mail address."""
    host = (urlsplit(public_url).hostname or "") if public_url is not None else ""
    if "." not in host.strip("."):
        return None
    try:
        ip_address(host)
    except ValueError:
        return host
    return None
