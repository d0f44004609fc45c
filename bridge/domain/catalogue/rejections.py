"""What the `RejectionReason` of an InstallApplication's answer means.

Source: Apple, device-management schema, mdm/commands/application.install.yaml (a Mac says nothing
but Other) and media.install.yaml.
"""

from __future__ import annotations

from typing import Final

from bridge.domain.catalogue.meaning import Meaning

REJECTIONS: Final[dict[str, Meaning]] = {
    "AppAlreadyInstalled": Meaning("copy", "a copy that is not managed is already installed"),
    "AppAlreadyQueued": Meaning("in_progress", "the device is already installing it"),
    "AppStoreDisabled": Meaning("impossible", "the App Store is switched off on the device"),
    "CouldNotVerifyAppID": Meaning("impossible", "the App Store does not know this adam id"),
    "ManagementChangeNotSupported": Meaning(
        "copy_stays", "the copy on the device cannot be made managed"
    ),
    "NotAnApp": Meaning("impossible", "this adam id is not an app"),
    "NotSupported": Meaning("impossible", "the device does not support this app"),
    "CouldNotVerifyITunesStoreID": Meaning("impossible", "the store does not know this adam id"),
    "PurchaseNotFound": Meaning(
        "license_not_visible", "the account that is signed in has no licence for the book"
    ),
    "WrongMediaType": Meaning("impossible", "this adam id is not a book"),
    "EnterpriseBooksNotSupportedInMultiUser": Meaning(
        "impossible", "a shared device does not take this book"
    ),
    "Other": Meaning("unknown", "the device gave no reason"),
    "PurchaseMethodNotSupported": Meaning("impossible", "the device does not take apps by licence"),
    "PurchaseMethodNotSupportedInMultiUser": Meaning(
        "impossible", "a shared device does not take this app by licence"
    ),
}

UNKNOWN_REJECTION: Final = Meaning("unknown", "the device gave a reason that is not known")


def rejection(reason: str) -> Meaning:
    """What a RejectionReason means; `unknown` for one that Apple adds tomorrow."""
    return REJECTIONS.get(reason, UNKNOWN_REJECTION)
