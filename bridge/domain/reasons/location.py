"""Why a location holds installs up."""

from __future__ import annotations

from typing import Final

from bridge.domain.reasons.reason import Reason

LOCATION_REASONS: Final[dict[str, Reason]] = {
    "LOCATION_STARTING": Reason(
        "the content token of {location} is being set up: {detail}",
        "nobody",
        "the bridge goes on when Apple's counts and assignments have been read",
    ),
    "RESTART_NEEDED": Reason(
        "the running bridge was started without {location}",
        "the admin",
        "restart vpp-bridge serve, which reads the file at its start; {location} must be in it",
    ),
    "LOCATION_BUSY": Reason(
        "Apple cannot be asked about {location} now: {detail}",
        "Apple",
        "the bridge tries again by itself",
    ),
    "LOCATION_TROUBLE": Reason(
        "the content token of {location} cannot be set up: {detail}",
        "the admin",
        "mend the cause; the bridge tries again by itself",
    ),
    "TOKEN_EXPIRED": Reason(
        "the content token of {location} has expired",
        "the admin",
        "download a new token for the same location and put it in the token file",
    ),
    "TOKEN_REVOKED": Reason(
        "the content token of {location} was revoked",
        "the admin",
        "download a new token for the same location and put it in the token file",
    ),
    "TOKEN_INVALID": Reason(
        "Apple does not accept the content token of {location}: {detail}",
        "the admin",
        "download a new token for the same location and put it in the token file",
    ),
    "TOKEN_READ_ONLY": Reason(
        "the content token of {location} may only read",
        "the admin",
        "have it downloaded by a person with the content manager's rights",
    ),
    "FOREIGN_MDM": Reason(
        "another MDM manages {location}: {detail}",
        "the admin",
        "stop the other MDM's use of this location, or take it over with vpp-bridge claim",
    ),
    "SHARED_LIBRARY": Reason(
        "{location} has the same library as another location: {detail}",
        "the admin",
        "put the token of a location of its own in its file, or leave one of the two out",
    ),
    "TOKEN_OTHER_LIBRARY": Reason(
        "the token file of {location} holds a token of another location: {detail}",
        "the admin",
        "put a token of the same location as before in the file, or give it another name",
    ),
    "APPLE_MANAGED": Reason(
        "Apple's own device management holds {location} and lets nobody else write",
        "the admin",
        "use a location of its own for the bridge, and its content token",
    ),
    "SERVICE_REMOVED": Reason(
        "Apple has removed the service that the bridge uses for {location}: {detail}",
        "the admin",
        "install a newer version of the bridge",
    ),
}
