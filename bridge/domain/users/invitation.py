"""The link by which a person ties an Apple Account to a registered user.

Source: Apple, "Service Config": `invitationEmail`, whose `%25inviteCode%25` is to be replaced.
"""

from __future__ import annotations

from typing import Final
from urllib.parse import quote, urlsplit

PLACES: Final = ("%25inviteCode%25", "%inviteCode%")
"""What stands for the code: as Apple documents it, and as it reads once it is decoded."""

_APPLE: Final = ".apple.com"
_SIMULATED: Final = ("127.0.0.1", "localhost", "::1")


def link(template: str | None, invite_code: str | None) -> str | None:
    """The invitation's link; None without a code, and where the template is none of Apple's, or of
    a simulated Apple on this machine: what an answer names is not passed on to people whatever it
    is."""
    if template is None or invite_code is None:
        return None
    place = next((each for each in PLACES if each in template), None)
    try:
        parts = urlsplit(template)
        host = parts.hostname or ""
    except ValueError:
        return None
    is_apples = parts.scheme == "https" and f".{host}".endswith(_APPLE)
    if place is None or not (is_apples or host in _SIMULATED):
        return None
    return template.replace(place, quote(invite_code, safe=""))
