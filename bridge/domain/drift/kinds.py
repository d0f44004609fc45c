"""The kinds of what disagrees: what each means, where it comes from, and what mends it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal, NamedTuple, get_args

DriftKind = Literal[
    "license_unwanted",
    "license_missing",
    "app_unmanaged",
    "app_unlicensed",
    "serial_unknown",
    "declaration",
    "two_servers",
    "queue_unknown",
]

DRIFT_KINDS: Final[tuple[DriftKind, ...]] = get_args(DriftKind)


class Meaning(NamedTuple):
    """What a kind means, where it comes from, and what mends it."""

    means: str
    comes_from: str
    mend: str


MEANINGS: Final[Mapping[DriftKind, Meaning]] = {
    "license_unwanted": Meaning(
        "a licence is in use where nobody wants its app",
        "an app that left the file under `on_unwanted: keep`, or whose location changed; with "
        "`--foreign` also what people and other tools assigned",
        "`vpp-bridge reclaim --serial S --app A` gives it back; others' stay: `vpp-bridge import "
        "apple LOCATION` prints them for the file",
    ),
    "license_missing": Meaning(
        "an app is wanted, its device had a licence, and Apple lists none any more",
        "a person in Apple's portal, or another tool, took it away",
        "`vpp-bridge retry --serial S --app A`; where a pause or the location is in the way, what "
        "ends that",
    ),
    "app_unmanaged": Meaning(
        "a copy that is not managed is in the way of a wanted app",
        "the person at the device installed it first",
        "`take_over: true` at the app in the file, then `vpp-bridge apply`; or delete the copy",
    ),
    "app_unlicensed": Meaning(
        "an app that nobody wants any more is managed on a device, and others took its licence: "
        "it stops working after 30 days",
        "a person in Apple's portal, or another tool, took it away",
        "`vpp-bridge assign S --app A` gets a licence again; or have the app deleted",
    ),
    "serial_unknown": Meaning(
        "an app is wanted for, or a licence of ours is held by, a serial number that no MDM "
        "server knows",
        "a typing error (the likely serial number is named), or a device that was sold",
        "`vpp-bridge assign --not S --app A` or `unassign`, and `vpp-bridge reclaim`; where "
        "another device took its place, `vpp-bridge replace S NEW`; devices that are still to "
        "come: `before_enrolment: true` at their group",
    ),
    "declaration": Meaning(
        "an app is wanted here, and a declaration manages it on the device",
        "another tool's app.managed declaration, of which the device tells",
        "`vpp-bridge assign --not S --app A` leaves it to the declaration; or take that back",
    ),
    "two_servers": Meaning(
        "a device is enrolled at two of the configured MDM servers",
        "a move of which the old server did not hear, or two devices with one serial number",
        "remove the record at the server that is past, then `vpp-bridge sync devices` twice: who "
        "is left out once may be a mishap",
    ),
    "queue_unknown": Meaning(
        "a command for an app waits in a device's queue that the bridge did not send",
        "another tool, a person, or this bridge before its database was restored",
        "clear the device's queue at its MDM server, then `vpp-bridge sync devices`; the bridge "
        "sends its own commands again",
    ),
}
