"""What a device's declarative status says of an app: its state, and the reasons behind it.

Source: Apple, device-management schema, declarative/status/app.managed.list.yaml.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from bridge.domain.reasons.reason import Actor

DeclaredKind = Literal["there", "on_its_way", "asks", "offered", "failed"]


@dataclass(frozen=True, slots=True)
class DeclaredState:
    """One state: its kind, and what it means in plain words."""

    kind: DeclaredKind
    cause: str


@dataclass(frozen=True, slots=True)
class DeclaredReason:
    """One reason code: the cause in plain words, who must act, and what to do."""

    cause: str
    actor: Actor
    next: str


DECLARED_STATES: Final[dict[str, DeclaredState]] = {
    "optional": DeclaredState("offered", "it is optional, and nobody has installed it"),
    "queued": DeclaredState("on_its_way", "its install has begun"),
    "not-present": DeclaredState("offered", "it is managed once somebody has installed it"),
    "prompting-for-consent": DeclaredState(
        "asks", "the person at the device is asked whether to install it"
    ),
    "prompting-for-login": DeclaredState(
        "asks", "the person at the device is asked to sign in to the App Store"
    ),
    "prompting-for-management": DeclaredState(
        "asks", "the person at the device is asked to let the app be managed"
    ),
    "downloading": DeclaredState("on_its_way", "it is being downloaded"),
    "installing": DeclaredState("on_its_way", "it is being installed"),
    "managed": DeclaredState("there", "it is installed and managed"),
    "managed-but-uninstalled": DeclaredState(
        "offered", "it is required and not there: somebody deleted it, or it never came"
    ),
    "failed": DeclaredState("failed", "the device reported that it failed"),
}

UNKNOWN_STATE: Final = DeclaredState("on_its_way", "the device used a word that is not known")

_WHERE_DECLARED = "in the tool that sends the declaration"

DECLARED_REASONS: Final[dict[str, DeclaredReason]] = {
    "Error.AppStoreDisabled": DeclaredReason(
        "the App Store is disabled on the device",
        "the admin",
        "allow the App Store on the device (the restriction allowAppInstallation); the device "
        "goes on by itself",
    ),
    "Error.DownloadFailed": DeclaredReason(
        "the download failed",
        "somebody at the device",
        "look at the device's network and storage; it tries again by itself",
    ),
    "Error.DuplicateConfiguredApp": DeclaredReason(
        "another declaration manages the app already",
        "the admin",
        f"leave one declaration for the app on the device, {_WHERE_DECLARED}",
    ),
    "Error.InstallFailed": DeclaredReason(
        "the install failed",
        "somebody at the device",
        "look at the device's storage and system version; it tries again by itself",
    ),
    "Error.InvalidAppID": DeclaredReason(
        "the app id in the declaration is not one that the App Store knows",
        "the admin",
        f"mend AppStoreID or BundleID {_WHERE_DECLARED}",
    ),
    "Error.InvalidCodeSignature": DeclaredReason(
        "the app's code signature is not the one that the declaration names",
        "the admin",
        f"mend AppComposedIdentifier {_WHERE_DECLARED}, or replace the copy on the device",
    ),
    "Error.IsSystemApp": DeclaredReason(
        "it is a system app, which cannot be managed",
        "the admin",
        f"leave the app out {_WHERE_DECLARED}",
    ),
    "Error.LicenseNotFound": DeclaredReason(
        "the device saw no licence for the app",
        "the admin",
        f"compare License.Assignment {_WHERE_DECLARED} with vpp-bridge assignments: a device "
        "licence is for Device, a user's for User",
    ),
    "Error.NotAnApp": DeclaredReason(
        "what was downloaded is no app",
        "the admin",
        f"mend ManifestURL {_WHERE_DECLARED}",
    ),
    "Error.NotSupported": DeclaredReason(
        "the app does not run on this device",
        "the admin",
        f"exclude the device in the file and {_WHERE_DECLARED}, or update it",
    ),
    "Error.UnmanagedAppAlreadyInstalled": DeclaredReason(
        "a copy that is not managed is in the way",
        "somebody at the device",
        "delete that copy on the device; it goes on by itself",
    ),
    "Error.UserRejected": DeclaredReason(
        "the person at the device said no",
        "somebody at the device",
        f"talk to them, then have the declaration sent anew {_WHERE_DECLARED}",
    ),
    "Info.UpdateAvailable": DeclaredReason(
        "there is a newer version of the app",
        "nobody",
        "the device updates it as the declaration's UpdateBehavior says",
    ),
    "Error.UpdateFailed": DeclaredReason(
        "an update of the app failed; the version that was there stays",
        "somebody at the device",
        "look at the device's network and storage; it tries again by itself",
    ),
}


def declared_state(state: str | None) -> DeclaredState:
    """What a state means; on its way for one that Apple adds tomorrow."""
    return DECLARED_STATES.get(state or "", UNKNOWN_STATE)


def declared_reason(code: str | None) -> DeclaredReason | None:
    """What a reason code means; one that is not known is given as it came, None for none."""
    if code is None:
        return None
    unknown = DeclaredReason(
        "the device gave a reason that is not known",
        "the admin",
        f"look for the reason {_WHERE_DECLARED}",
    )
    return DECLARED_REASONS.get(code, unknown)


def explained(reason: DeclaredReason, code: str) -> str:
    """The cause with the code, which `of_detail` finds again."""
    return f"{reason.cause} ({code})"


def of_detail(reason: str, detail: str) -> DeclaredReason | None:
    """The reason code that a decision's detail ends with, where that is what decided it: who must
    act, and what to do, is another thing for each."""
    if reason != "DECLARATION_FAILED" or not detail.endswith(")"):
        return None
    return declared_reason(detail.rpartition("(")[2].removesuffix(")"))
