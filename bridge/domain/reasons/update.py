"""New versions of an app that is there."""

from __future__ import annotations

from typing import Final

from bridge.domain.reasons.reason import Reason

UPDATE_REASONS: Final[dict[str, Reason]] = {
    "UPDATE_WAITS": Reason(
        "{app} on {device} is not the newest version, which waits: {detail}",
        "nobody",
        "the newest version is sent once the device comes in its window; "
        "vpp-bridge update {adam_id} --now --serial {serial} does not wait for that",
        ("installed",),
        when="until the device comes in its window",
    ),
    "UPDATING": Reason(
        "{app} on {device} is being brought to its newest version: {detail}",
        "nobody",
        "the device is asked which version it has; it is not sent the same one again",
        ("installed",),
    ),
    "UPDATE_FAILED": Reason(
        "{app} is on {device}, which did not take its newest version: {detail}",
        "the admin",
        "it is tried in three windows at most; look at the device, then run "
        "vpp-bridge update {adam_id} --serial {serial}",
        ("installed",),
    ),
    "OS_TOO_OLD": Reason(
        "{app} is on {device}, whose system is too old for the newest version: {detail}",
        "the admin",
        "nothing is sent; update the system of the device, and the newest version follows",
        ("installed",),
        when="until the device tells of a newer system",
    ),
    "OUTSIDE_WINDOW_POSSIBLE": Reason(
        "{device} was sent the newest version of {app} in its window and has not taken it, so that "
        "it may come outside of the window: {detail}",
        "nobody",
        "an MDM server keeps a command until the device answers; the bridge waits for the answer",
        ("installed",),
        when="until the device answers",
    ),
}
