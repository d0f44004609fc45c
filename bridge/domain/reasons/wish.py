"""What was wished for, and what holds a wish up."""

from __future__ import annotations

from typing import Final

from bridge.domain.reasons.reason import Reason

WISH_REASONS: Final[dict[str, Reason]] = {
    "HELD_BACK": Reason(
        "{app} on {device} is held back: the last apply had a limit",
        "the admin",
        "run vpp-bridge apply without a limit, or with a higher one",
    ),
    "NOT_PLANNED": Reason(
        "{device} was enrolled before the last apply, which did not know enough of it to show that "
        "it gets {app}",
        "the admin",
        "run vpp-bridge apply again: it shows the device, and {app} goes ahead",
    ),
    "PLATFORM_UNKNOWN": Reason(
        "how {app} is wanted on {device} depends on its platform, which is not known yet: {detail}",
        "nobody",
        "an enrolled device is asked what it is; the file's entry for its platform goes ahead when "
        "it has told",
    ),
    "WRONG_PLATFORM": Reason(
        "{app} does not run on {device}: {detail}",
        "the admin",
        "take the serial number out of the groups that get {app}, or withdraw the one-off wish",
        ("failed",),
    ),
}
