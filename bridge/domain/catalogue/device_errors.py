"""What the links of a device's ErrorChain mean, by domain and code.

Numbers and domains decide, never texts: those are localised and change (Apple says so of both).
"""

from __future__ import annotations

from typing import Final

from bridge.domain.catalogue.meaning import Meaning

MDM_ERRORS: Final[dict[int, Meaning]] = {
    12021: Meaning("impossible", "the device does not know this command"),
    12023: Meaning("impossible", "the App Store does not know this adam id"),
    12024: Meaning("impossible", "the device could not read the app's manifest"),
    12025: Meaning("copy", "a copy that is not managed is already installed"),
    12026: Meaning("license_not_visible", "the device cannot find the app's licence"),
    12027: Meaning("impossible", "this adam id is not an app"),
    12028: Meaning("passing", "the app does not wait for a redemption code"),
    12029: Meaning("not_managed", "the app is not managed"),
    12030: Meaning("impossible", "the device was given an invalid URL"),
    12031: Meaning("impossible", "installing apps is switched off on the device"),
    12035: Meaning("impossible", "the app cannot be bought for this device"),
    12036: Meaning("passing", "the app is in a state that forbids this now"),
    12037: Meaning("impossible", "the device was given an invalid redemption code"),
    12038: Meaning("not_managed", "the app is not managed"),
    12040: Meaning("login_required", "the device asks for an Apple Account to be signed in"),
    12047: Meaning("license_not_visible", "the device cannot find the licence's assignment"),
    12063: Meaning("rejected", "the person at the device said no"),
    12064: Meaning("license_not_visible", "the device could not fetch the app's licence"),
    12065: Meaning("impossible", "this is an app of the system"),
    12081: Meaning("passing", "the device is not tethered to a network"),
}
"""Apple, MDM Protocol Reference (archived); newer systems say MDMErrorDomain instead."""

MDM_DOMAINS: Final = ("MCMDMErrorDomain", "MDMErrorDomain")

STORE_ERRORS: Final[dict[tuple[str, int], Meaning]] = {
    ("ASDServerErrorDomain", 9610): Meaning(
        "license_not_visible", "the App Store did not find the licence for the device yet"
    ),
    ("ASDErrorDomain", 506): Meaning("in_progress", "the device is already installing it"),
    ("ASDErrorDomain", 509): Meaning(
        "login_required", "no Apple Account is signed in to the App Store on the device"
    ),
    ("ASDErrorDomain", 850): Meaning("impossible", "the app's manifest is not at a public URL"),
    ("DeviceManagement.error", 1407): Meaning(
        "busy", "the device shows a single app (a kiosk), and nobody there can answer"
    ),
}
"""What Macs, and newer systems, pass on from the App Store. Source: reports of administrators."""

DOMAINS: Final[dict[str, Meaning]] = {
    "NSURLErrorDomain": Meaning("network", "the device could not reach the App Store"),
}
"""Domains of which every number means the same. Source: Apple, Foundation, NSURLError: all are
failures of a connection."""

UNKNOWN_ERROR: Final = Meaning("unknown", "the device gave a reason that is not known")


def device_error(domain: str | None, code: int | None) -> Meaning:
    """What one link of an ErrorChain means; `unknown` for what nobody has written down."""
    if code is not None and domain in MDM_DOMAINS and code in MDM_ERRORS:
        return MDM_ERRORS[code]
    if code is not None and domain is not None and (domain, code) in STORE_ERRORS:
        return STORE_ERRORS[domain, code]
    if domain is not None and domain in DOMAINS:
        return DOMAINS[domain]
    return UNKNOWN_ERROR
