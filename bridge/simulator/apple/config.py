"""What a location's content token is bound to: Apple's client configuration, and its limits."""

from __future__ import annotations

import ipaddress
from collections.abc import Container, Mapping
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from bridge.simulator.apple.errors import ERRORS, Refusal, message

NOTIFICATION_TYPES = (
    "TEST_NOTIFICATION",
    "ASSET_MANAGEMENT",
    "USER_MANAGEMENT",
    "USER_ASSOCIATED",
    "ASSET_COUNT",
    "SUBSCRIPTION_MANAGEMENT",
    "SUBSCRIPTION_COUNT",
    "UNLIMITED_ASSET",
)

LIMITS: dict[str, int] = {
    "maxAssets": 25,
    "maxUsers": 100,
    "maxNotificationLength": 512,
    "maxRevokeClientUserIds": 100,
    "maxClientUserIds": 1000,
    "maxSerialNumbers": 1000,
    "maxRevokeSerialNumbers": 100,
    "maxRequestPerSecond": 15,
    "maxSubscriptions": 25,
    "maxSubscriptionClientUserIds": 1000,
    "maxMdmNameLength": 100,
    "maxMdmMetadataLength": 255,
    "maxMdmIdLength": 100,
}

_PATHS = {
    "clientConfig": "client/config",
    "getAssets": "assets",
    "associateAssets": "assets/associate",
    "disassociateAssets": "assets/disassociate",
    "revokeAssets": "assets/revoke",
    "getAssignments": "assignments",
    "getUsers": "users",
    "createUsers": "users/create",
    "updateUsers": "users/update",
    "retireUsers": "users/retire",
    "eventStatus": "status",
}

INVITATION_PATH = "/WebObjects/MZFinance.woa/wa/associateVPPUserWithITSAccount"
LOOKUP_PATH = "/WebObjects/MZStorePlatform.woa/wa/lookup"


@dataclass(frozen=True)
class ClientConfig:
    """Who manages the location, and where notifications go. The token is a secret."""

    mdm_info: Mapping[str, str] | None = None
    notification_url: str = ""
    notification_token: str = ""
    notification_types: tuple[str, ...] = ()

    def as_json(self) -> dict[str, object]:
        """The members of a ClientConfigResponse that clients can set, mdmInfo aside."""
        if not self.notification_url:
            return {"subscribedNotificationTypes": list(self.notification_types)}
        return {
            "notificationUrl": self.notification_url,
            "notificationAuthToken": self.notification_token,
            "subscribedNotificationTypes": list(self.notification_types),
        }


def changed(
    config: ClientConfig, wish: Mapping[str, object], limits: Mapping[str, int]
) -> ClientConfig:
    """The configuration that a ClientConfigRequest asks for; raises Refusal.

    Members that are absent stay as they are; null for both URL and token clears them (Apple does
    not document either). Plain http is accepted for loopback addresses only, so that a
    demonstration needs no certificate; Apple wants https.
    """
    if wish.get("mdmInfo") is not None:
        config = replace(config, mdm_info=_mdm_info(wish["mdmInfo"], limits))
    if "notificationUrl" in wish or "notificationAuthToken" in wish:
        url, token = _endpoint(wish, limits)
        config = replace(config, notification_url=url, notification_token=token)
    types = wish.get("notificationTypes")
    if types is not None:
        if not isinstance(types, list) or any(kind not in NOTIFICATION_TYPES for kind in types):
            raise Refusal(9602)
        config = replace(config, notification_types=tuple(types))
    return config


def _mdm_info(wish: object, limits: Mapping[str, int]) -> Mapping[str, str]:
    info = wish if isinstance(wish, dict) else {}
    members = {name: info.get(name) for name in ("id", "name", "metadata")}
    values = {name: value for name, value in members.items() if isinstance(value, str) and value}
    if len(values) < len(members):
        raise Refusal(9723)
    for name, limit, number in (
        ("id", "maxMdmIdLength", 9724),
        ("name", "maxMdmNameLength", 9725),
        ("metadata", "maxMdmMetadataLength", 9713),
    ):
        if len(values[name]) > limits[limit]:
            raise Refusal(number)
    return values


def _endpoint(wish: Mapping[str, object], limits: Mapping[str, int]) -> tuple[str, str]:
    url, token = wish.get("notificationUrl"), wish.get("notificationAuthToken")
    if url is None and token is None:
        return "", ""
    if not (isinstance(url, str) and url and isinstance(token, str) and token):
        raise Refusal(9710)
    if max(len(url), len(token)) > limits["maxNotificationLength"]:
        raise Refusal(9711)
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:
        raise Refusal(9712) from None
    secure = parts.scheme == "https" or (parts.scheme == "http" and _is_loopback(host))
    if not (secure and host) or parts.query or parts.fragment:
        raise Refusal(9712)
    return url, token


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def service_config(
    root: str, limits: Mapping[str, int], hidden: Container[str] = ()
) -> dict[str, object]:
    """The ServiceConfigResponse of a service whose root URL is `root` (no slash at the end).

    `hidden` keys are left out, of the answer and of its limits: Apple promises none of them.
    """
    urls = {name: f"{root}/mdm/v2/{path}" for name, path in _PATHS.items()}
    config = {
        "errorCodes": [{"errorMessage": message(n), "errorNumber": n} for n in sorted(ERRORS)],
        "limits": {name: limit for name, limit in limits.items() if name not in hidden},
        "notificationTypes": list(NOTIFICATION_TYPES[1:5]),
        "urls": urls
        | {
            "contentMetadataLookup": root + LOOKUP_PATH,
            "invitationEmail": f"{root}{INVITATION_PATH}?inviteCode=%25inviteCode%25&mt=8",
        },
    }
    return {key: value for key, value in config.items() if key not in hidden}
