"""What becomes of an app that is not desired any more."""

from __future__ import annotations

from typing import Final

from bridge.domain.reasons.reason import Reason

REMOVAL_REASONS: Final[dict[str, Reason]] = {
    "NOT_REVOCABLE": Reason(
        "the licence for {app} cannot be taken back",
        "the admin",
        "leave it where it is",
        ("failed",),
    ),
    "RELEASE_WAITS": Reason(
        "the licence for {app} on {device} is given back as soon as Apple has confirmed it",
        "Apple",
        "the bridge gives it back by itself",
        ("removing",),
    ),
    "RELEASING": Reason(
        "the licence for {app} on {device} is being given back",
        "Apple",
        "a notification or the event's status confirms it, whichever comes first",
        ("removing", "waiting"),
    ),
    "RELEASE_RETRY": Reason(
        "Apple did not take the licence for {app} on {device} back: {detail}",
        "nobody",
        "the bridge asks again",
        ("removing",),
    ),
    "RELEASE_REFUSED": Reason(
        "Apple does not take the licence for {app} on {device} back: {detail}",
        "the admin",
        "take it back in Apple's portal",
        ("failed",),
    ),
    "RELEASED": Reason(
        "the licence for {app} on {device} was given back",
        "nobody",
        "nothing: this is the end; an app that stays on the device stops working after 30 days",
        ("removed",),
        is_end=True,
    ),
    "NOT_LICENSED": Reason(
        "{app} is no longer wanted on {device}, and the bridge got no licence for it there that "
        "could be given back",
        "nobody",
        "nothing: this is the end",
        ("removed",),
        is_end=True,
    ),
    "NOT_FOR_DEVICE": Reason(
        "{app} is not for {device}: {detail}",
        "nobody",
        "nothing: this is the end",
        ("removed",),
        is_end=True,
    ),
    "LICENSE_NOT_OURS": Reason(
        "{app} is no longer wanted on {device}; its licence stays, since others assigned it",
        "nobody",
        "nothing: this is the end",
        ("removed",),
        is_end=True,
    ),
    "REMOVAL_WAITS": Reason(
        "{app} is removed from {device} when the device has answered its install",
        "nobody",
        "the bridge goes on by itself",
        ("removing",),
    ),
    "REMOVING": Reason(
        "{app} is being removed from {device}: {detail}",
        "nobody",
        "the device removes it when it connects",
        ("removing", "waiting"),
    ),
    "REMOVE_FAILED": Reason(
        "{device} would not remove {app}: {detail}",
        "the admin",
        "remove it on the device",
        ("failed",),
    ),
    "REMOVED": Reason(
        "{app} was removed from {device}, and its licence given back if it was ours",
        "nobody",
        "nothing: this is the end",
        ("removed",),
        is_end=True,
    ),
    "NOTHING_REMOVED": Reason(
        "{app} was not managed on {device}, so it was not the bridge's to remove, and its licence "
        "was given back if it was ours: {detail}",
        "nobody",
        "nothing: this is the end; a copy that somebody else installed stays",
        ("removed",),
        is_end=True,
    ),
    "RECLAIMING": Reason(
        "the licence for {app} on {device} is being given back: {detail}",
        "Apple",
        "a notification or the event's status confirms it; when the device is back, the bridge "
        "asks for a licence anew",
    ),
    "RECLAIMED": Reason(
        "the licence for {app} was given back, since {device} is gone: {detail}",
        "nobody",
        "when the device is back, the bridge asks for a licence anew, and so does vpp-bridge retry",
        when="as soon as the device is heard of again",
    ),
    "RECLAIM_HELD": Reason(
        "the licence for {app} on {device} is not given back without a person's word: {detail}",
        "the admin",
        "if it is true, run vpp-bridge reclaim with --unenrolled or --silent and --allow-removals "
        "N; if not, look for what keeps the devices from their MDM server",
    ),
    "KEPT": Reason(
        "{app} is no longer wanted on {device}; app and licence stay: {detail}",
        "nobody",
        "nothing: this is the end; vpp-bridge reclaim --serial {serial} --app {adam_id} gives the "
        "licence back",
        ("removed",),
        is_end=True,
    ),
}
