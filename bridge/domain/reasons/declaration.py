"""What a declaration makes of an app, by the device's declarative status."""

from __future__ import annotations

from typing import Final

from bridge.domain.reasons.reason import Reason

DECLARATION_REASONS: Final[dict[str, Reason]] = {
    "MANAGED_BY_DECLARATION": Reason(
        "{app} is installed on {device}, where a declaration manages it",
        "nobody",
        "the device tells by itself when that changes; the bridge neither sends nor removes it",
        ("installed",),
    ),
    "DECLARATION_PENDING": Reason(
        "a declaration brings {app} to {device}, and it is not there yet: {detail}",
        "nobody",
        "the device tells by itself what comes of it; the bridge sends nothing",
        ("installing", "unconfirmed"),
    ),
    "DECLARATION_ASKS": Reason(
        "{device} asks its user about {app}, which a declaration brings: {detail}",
        "somebody at the device",
        "accept the question on the device",
        ("installing", "needs_user"),
    ),
    "DECLARATION_OFFERS": Reason(
        "a declaration manages {app} on {device}, and it is not there: {detail}",
        "somebody at the device",
        "install it on the device, or have the declaration require it (InstallBehavior.Install)",
        ("needs_user",),
    ),
    "DECLARATION_FAILED": Reason(
        "a declaration manages {app} on {device}, which could not install it: {detail}",
        "the admin",
        "look for the cause in the tool that sends the declaration; the bridge sends nothing while "
        "a declaration manages it",
        ("failed",),
    ),
}
