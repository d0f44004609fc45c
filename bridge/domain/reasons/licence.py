"""Where the licence stands."""

from __future__ import annotations

from typing import Final

from bridge.domain.reasons.reason import Reason

LICENCE_REASONS: Final[dict[str, Reason]] = {
    "LICENSE_GONE": Reason(
        "the licence for {app} is gone: {detail}",
        "the admin",
        "buy it again for this location, then run vpp-bridge retry",
        ("failed",),
    ),
    "APPLE_REFUSED": Reason(
        "Apple refused the licence for {app}: {detail}",
        "the admin",
        "mend the cause, then run vpp-bridge retry",
        ("failed",),
    ),
    "APPLE_BUSY": Reason(
        "Apple asked the bridge to wait: {detail}",
        "Apple",
        "the bridge asks again by itself",
    ),
    "APPLE_AWAY": Reason(
        "Apple has not taken the request for {app} on {device} yet: {detail}",
        "Apple",
        "the bridge sends it again by itself",
    ),
    "LICENSE_RETRY": Reason(
        "Apple did not give {device} the licence for {app}: {detail}",
        "nobody",
        "the bridge looks at Apple's assignments and asks again",
    ),
    "NOT_PURCHASED": Reason(
        "no licence for {app} is owned at {location}",
        "the admin",
        "buy it for this location; the bridge goes on when Apple counts it",
    ),
    "ASSET_UNREADABLE": Reason(
        "Apple's row of {app} at {location} cannot be read: {detail}",
        "the admin",
        "report it to Apple and to this project; the bridge reads the list again every hour",
    ),
    "ASSIGNMENT_UNREADABLE": Reason(
        "a row of Apple's assignments at {location} cannot be read, and may be the licence of"
        " {device} for {app}: {detail}",
        "the admin",
        "report it to Apple and to this project; the bridge looks at this device's licences again",
    ),
    "NOT_DEVICE_ASSIGNABLE": Reason(
        "{app} cannot be assigned to devices",
        "the admin",
        "take it out of the file; Apple offers it to users only",
        ("failed",),
    ),
    "SEAT_PENDING": Reason(
        "{app} on {device} is next in line for a seat",
        "nobody",
        "the bridge allocates the free seats within seconds",
    ),
    "NO_SEAT": Reason(
        "no licence for {app} is free at {location}: {detail}",
        "the admin",
        "buy more or free some; the bridge goes on when Apple counts them",
        when="as soon as Apple counts a free one",
    ),
    "ASSOCIATE_COLLECTING": Reason(
        "the licence for {app} on {device} goes out with the next request",
        "nobody",
        "the request is sent as soon as no more pairs are coming",
        ("associating",),
    ),
    "ASSOCIATE_REQUESTED": Reason(
        "Apple was asked for the licence for {app} on {device} and has not confirmed it yet",
        "Apple",
        "a notification or the event's status confirms it, whichever comes first",
        ("associating",),
    ),
    "ASSOCIATE_IN_DOUBT": Reason(
        "it is not known whether Apple got the request for {app} on {device}",
        "Apple",
        "the bridge reads Apple's assignments, and asks again only if it is still missing later",
        ("associating",),
    ),
    "LICENSED": Reason(
        "{device} holds a licence for {app}, and no more is wanted",
        "nobody",
        "nothing: this is the end",
        ("licensed",),
        is_end=True,
    ),
    "LICENSE_TAKEN": Reason(
        "somebody else took the licence for {app} away from {device}",
        "nobody",
        "the bridge asks for it again later, twice at most",
    ),
    "TAKEN_AWAY": Reason(
        "somebody else takes the licence for {app} away from {device} again and again",
        "the admin",
        "find out which other tool or person manages {location}, then run vpp-bridge retry",
        ("needs_user",),
    ),
}
