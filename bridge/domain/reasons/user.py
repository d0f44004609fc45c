"""What an install waits for that takes the licence of a user."""

from __future__ import annotations

from typing import Final

from bridge.domain.reasons.reason import Reason

USER_REASONS: Final[dict[str, Reason]] = {
    "USER_LICENSE_NEEDED": Reason(
        "{app} on {device} needs the licence of a user: {detail}",
        "the admin",
        "write license_to: auto (or user) at {app} in the file, name the device under users:, and "
        "apply",
        ("failed",),
    ),
    "NO_USER": Reason(
        "{app} on {device} takes the licence of a user, and nobody knows whose device it is",
        "the admin",
        "name the device at its user under users: in the file (serials, enrollment_ids), and apply",
    ),
    "USER_NOT_REGISTERED": Reason(
        "the user of {device} is not registered at {location} yet, who is to get the licence for "
        "{app}: {detail}",
        "nobody",
        "the bridge registers whom the file names; vpp-bridge users shows how far it is",
    ),
    "USER_ASSOCIATING": Reason(
        "Apple has not associated the user of {device} with the Managed Apple Account yet: "
        "{detail}",
        "Apple",
        "Apple does so by itself, and the licence for {app} is asked for then",
    ),
    "USER_NOT_ASSOCIATED": Reason(
        "the user of {device} has not accepted the invitation yet, so that a licence for {app} "
        "would reach no Apple Account: {detail}",
        "somebody at the device",
        "have the user open the invitation with any Apple Account: vpp-bridge users invite "
        "{detail} has the device show it, or gives the link to hand over; the bridge goes on by "
        "itself",
        ("needs_user",),
    ),
    "NO_USER_CHANNEL": Reason(
        "{app} goes to the user of {device}, and no user of this Mac is known to its MDM server",
        "somebody at the device",
        "log in at the Mac with the account that is managed; the bridge goes on when the user's "
        "channel is heard of",
    ),
    "USER_LIBRARY": Reason(
        "{app} for {device} is in the user's own library: {detail}",
        "nobody",
        "nothing: the user gets it in Books or the App Store with the associated account",
        ("licensed",),
        is_end=True,
    ),
    "BOOK_INSTALLED": Reason(
        "{app} is on {device}: the device lists it as Installed",
        "nobody",
        "the bridge looks again in every list, at least once a week",
        ("installed",),
    ),
    "BOOK_NOT_LISTED": Reason(
        "{device} took {app}, and a Mac lists no books, so that nothing shows it there: {detail}",
        "nobody",
        "nothing: the user finds it in Books",
        ("unconfirmed",),
        is_end=True,
    ),
    "LICENSE_SHARED": Reason(
        "{app} is no longer wanted on {device}, and the licence stays, since other devices of its "
        "user need it: {detail}",
        "nobody",
        "nothing: it goes back when the last of them is without the app",
        ("removed",),
        is_end=True,
    ),
}
