"""What a device says of one app: `State` of an InstallApplication's answer, and `Status` in a
ManagedApplicationList, which share their words; and of one book, which has a few of its own.

Source: Apple, device-management schema, mdm/commands/application.install.yaml,
application.managed.list.yaml and media.install.yaml.
"""

from __future__ import annotations

from typing import Final

from bridge.domain.catalogue.meaning import AnswerKind, Meaning

STATUSES: Final[dict[str, Meaning]] = {
    "Queued": Meaning("on_its_way", "it waits for its turn on the device"),
    "NeedsRedemption": Meaning("license_not_visible", "the device saw no licence for the app"),
    "Redeeming": Meaning("on_its_way", "the device is redeeming a code"),
    "Prompting": Meaning("asks", "the person at the device is asked whether to install it"),
    "PromptingForLogin": Meaning(
        "asks_for_login", "the person at the device is asked to sign in to the App Store"
    ),
    "ValidatingPurchase": Meaning("on_its_way", "the device is checking the licence"),
    "Installing": Meaning("on_its_way", "it is being installed"),
    "Managed": Meaning("there", "it is installed and managed"),
    "ManagedButUninstalled": Meaning("deleted", "somebody deleted it from the device"),
    "UserInstalledApp": Meaning("copy", "the person at the device installed it first"),
    "UserRejected": Meaning("rejected", "the person at the device said no"),
    "PromptingForUpdate": Meaning("asks", "the person at the device is asked about an update"),
    "PromptingForUpdateLogin": Meaning(
        "asks_for_login", "the person at the device is asked to sign in for an update"
    ),
    "ValidatingUpdate": Meaning("on_its_way", "the device is checking an update"),
    "Updating": Meaning("on_its_way", "it is being updated"),
    "UpdateRejected": Meaning("on_its_way", "somebody said no to an update; the app stays"),
    "PromptingForManagement": Meaning(
        "asks", "the person at the device is asked to let the app be managed"
    ),
    "ManagementRejected": Meaning("rejected", "the person at the device refused management"),
    "Failed": Meaning("passing", "the device reported that it failed"),
    "Installed": Meaning("there", "the book is installed"),
    "Uninstalled": Meaning("deleted", "somebody deleted the book from the device"),
    "Unknown": Meaning("unclear", "the device does not know how the app stands"),
}

SAID_ONCE: Final = frozenset(
    {"UserInstalledApp", "UserRejected", "UpdateRejected", "ManagementRejected", "Failed"}
)
"""Statuses that a device reports one time only (Apple, "Managed Application List")."""

MANAGED: Final = "Managed"

DELETED: Final = "ManagedButUninstalled"

NOT_ARRIVED: Final = Meaning(
    "not_arrived", "it accepted the app, and lists it as managed and not there"
)
"""What `DELETED` means of an app that was not Managed since it was sent."""

UNKNOWN_STATUS: Final = Meaning("unclear", "the device used a word that is not known")


def app_status(status: str | None) -> Meaning:
    """What a State or Status means; `unclear` for one that Apple adds tomorrow."""
    return STATUSES.get(status or "", UNKNOWN_STATUS)


def statuses_of(*kinds: AnswerKind) -> frozenset[str]:
    """The words of these kinds."""
    return frozenset(word for word, meaning in STATUSES.items() if meaning.kind in kinds)
