"""What Apple's errorNumbers mean: plain cause, and what the bridge does about it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

AppleErrorClass = Literal[
    "stop",
    "back_off",
    "no_seat",
    "split",
    "look",
    "event_gone",
    "restart_walk",
    "impossible",
    "configuration",
    "bug",
    "way",
    "unknown",
]


@dataclass(frozen=True, slots=True)
class AppleError:
    """One of Apple's errorNumbers: its class, the cause in plain words, and a reason's name."""

    kind: AppleErrorClass
    cause: str
    reason: str = "APPLE_REFUSED"


APPLE_ERRORS: Final[dict[int, AppleError]] = {
    9600: AppleError("bug", "Apple missed an argument"),
    9601: AppleError("stop", "Apple asks for a content token", "TOKEN_INVALID"),
    9602: AppleError("bug", "Apple found an argument invalid"),
    9603: AppleError("back_off", "Apple had an internal error", "APPLE_BUSY"),
    9604: AppleError("unknown", "Apple did not find what was asked for"),
    9607: AppleError("impossible", "the licence cannot be taken back", "NOT_REVOCABLE"),
    9609: AppleError("look", "Apple knows no such user"),
    9610: AppleError("look", "Apple did not find the licence"),
    9616: AppleError("look", "Apple says that the licence is already assigned"),
    9618: AppleError("look", "Apple says that the user is retired"),
    9619: AppleError("look", "Apple says that the licence is not assigned"),
    9620: AppleError("look", "Apple says that the user is retired"),
    9621: AppleError("stop", "the content token has expired", "TOKEN_EXPIRED"),
    9622: AppleError("stop", "the content token is not valid", "TOKEN_INVALID"),
    9623: AppleError("configuration", "Apple does not take the APNs token"),
    9624: AppleError("impossible", "the licence was refunded", "LICENSE_GONE"),
    9625: AppleError("stop", "the content token was revoked", "TOKEN_REVOKED"),
    9626: AppleError("look", "Apple says that somebody else holds the licence"),
    9628: AppleError(
        "impossible", "the app cannot be assigned to devices", "NOT_DEVICE_ASSIGNABLE"
    ),
    9630: AppleError("back_off", "Apple was asked too often for what is assigned", "APPLE_BUSY"),
    9631: AppleError("back_off", "Apple was asked too often for what is assigned", "APPLE_BUSY"),
    9632: AppleError("back_off", "Apple was asked the same too often", "APPLE_BUSY"),
    9634: AppleError("stop", "Apple has removed this service", "SERVICE_REMOVED"),
    9635: AppleError("impossible", "the Apple Account cannot be tied to the user"),
    9636: AppleError("look", "Apple knows no such user"),
    9637: AppleError("stop", "the content token may only read", "TOKEN_READ_ONLY"),
    9641: AppleError("impossible", "the Apple Account is tied to another user"),
    9643: AppleError("back_off", "the licence is locked by a pending transfer", "APPLE_BUSY"),
    9644: AppleError("back_off", "Apple's service is in maintenance", "APPLE_BUSY"),
    9645: AppleError("stop", "Apple's own device management holds the location", "APPLE_MANAGED"),
    9646: AppleError("back_off", "Apple asks for fewer requests", "APPLE_BUSY"),
    9647: AppleError("stop", "the content token is of a kind no longer served", "TOKEN_INVALID"),
    9650: AppleError("restart_walk", "a page was out of range"),
    9700: AppleError("split", "too many assets in one request"),
    9701: AppleError("split", "too many users in one request"),
    9702: AppleError("split", "too many serial numbers in one request"),
    9703: AppleError("bug", "an asset stood twice in one request"),
    9704: AppleError("bug", "a user stood twice in one request"),
    9705: AppleError("bug", "a serial number stood twice in one request"),
    9706: AppleError("impossible", "the licence cannot be taken back", "NOT_REVOCABLE"),
    9707: AppleError(
        "impossible", "the app cannot be assigned to devices", "NOT_DEVICE_ASSIGNABLE"
    ),
    9708: AppleError("event_gone", "Apple no longer knows the event"),
    9709: AppleError("no_seat", "Apple has no licence left", "NO_SEAT"),
    9710: AppleError("configuration", "notification URL and token belong together"),
    9711: AppleError("configuration", "the notification URL or token is too long"),
    9712: AppleError("configuration", "the notification URL is not valid https"),
    9713: AppleError("configuration", "the MDM's metadata is too long"),
    9714: AppleError("split", "too many users in one request"),
    9715: AppleError("bug", "a user stood twice in one request"),
    9716: AppleError("look", "Apple says that the user exists already"),
    9717: AppleError("impossible", "Apple does not take the e-mail address"),
    9718: AppleError("bug", "no asset stood in the request"),
    9719: AppleError("bug", "no serial number and no user stood in the request"),
    9720: AppleError("configuration", "Apple cannot reach the notification URL"),
    9721: AppleError("restart_walk", "Apple no longer knows the version"),
    9722: AppleError("stop", "the content token is malformed", "TOKEN_INVALID"),
    9723: AppleError("configuration", "the MDM's id, name and metadata belong together"),
    9724: AppleError("configuration", "the MDM's id is too long"),
    9725: AppleError("configuration", "the MDM's name is too long"),
    9726: AppleError("bug", "Apple does not know this method"),
    9727: AppleError("bug", "Apple does not take this content type"),
    9728: AppleError("configuration", "Apple cannot reach the notification URL"),
    9729: AppleError("back_off", "Apple's service is unavailable for now", "APPLE_BUSY"),
    9811: AppleError("bug", "Apple found a request about subscriptions invalid"),
    9812: AppleError("restart_walk", "a cursor of a list of subscriptions was not valid"),
    9813: AppleError("impossible", "Apple knows no subscription of this Adam ID"),
    9814: AppleError("impossible", "the user has not associated an Apple Account"),
    9815: AppleError("look", "Apple says that the subscription is not assigned"),
    9816: AppleError("split", "too many subscriptions or users in one request"),
    9817: AppleError("impossible", "the subscription is assigned through a group"),
    9818: AppleError("impossible", "subscriptions cannot be disabled while there are any"),
}
"""Apple, "Handling Error Responses" and "Interpreting Error Codes"; 9622 comes from practice."""


def apple_error(number: int | None, status: int | None = None) -> AppleError:
    """What one of Apple's errorNumbers means.

    Without one, a 429 is Apple asking for fewer requests, and any other 4xx comes from something on
    the way: it says nothing of the token.
    """
    if number is not None and number in APPLE_ERRORS:
        return APPLE_ERRORS[number]
    if number is None and status == 429:
        return APPLE_ERRORS[9646]
    if number is None and status is not None and 400 <= status < 500:
        return AppleError("way", "something on the way answered in Apple's stead", "APPLE_AWAY")
    return AppleError("unknown", "Apple gave a reason that is not known")
