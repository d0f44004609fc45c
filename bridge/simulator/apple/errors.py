"""Apple's refusals: errorNumber, HTTP status and a text.

Source: Apple, "Handling Error Responses" and "Interpreting Error Codes" (9622 is of the older
table, and comes with HTTP 200).
"""

from __future__ import annotations

from collections.abc import Mapping

ERRORS: dict[int, tuple[int, str]] = {
    9601: (401, "Login required."),
    9602: (400, "Invalid argument."),
    9603: (500, "Internal error."),
    9609: (400, "Unable to find the registered user."),
    9621: (401, "The token has expired."),
    9622: (200, "Invalid authentication token."),
    9625: (401, "The server revoked the sToken."),
    9634: (410, "The service is removed."),
    9635: (400, "The Apple Account cannot be associated with the user."),
    9637: (403, "The user is not allowed to do this."),
    9641: (400, "The Apple Account is already associated with another user."),
    9644: (503, "The service is in maintenance mode. Try again later."),
    9646: (429, "There are too many requests for the current organization."),
    9647: (403, "Legacy tokens are not supported."),
    9650: (400, "The page index is out of range."),
    9700: (400, "The number of assets exceeds the maximum."),
    9701: (400, "The number of client user ids exceeds the maximum."),
    9702: (400, "The number of serial numbers exceeds the maximum."),
    9703: (400, "Duplicate assets."),
    9704: (400, "Duplicate client user ids."),
    9705: (400, "Duplicate serial numbers."),
    9706: (400, "The asset cannot be revoked."),
    9707: (400, "The asset cannot be assigned to a device."),
    9708: (400, "The event id was not found."),
    9709: (400, "There are not enough assets available."),
    9710: (400, "The notification URL and the notification token are both required."),
    9711: (400, "The notification URL or token is too long."),
    9712: (400, "The notification URL is invalid."),
    9713: (400, "The MDM metadata is too long."),
    9714: (400, "The number of users exceeds the maximum."),
    9715: (400, "Duplicate users."),
    9716: (400, "The user already exists."),
    9717: (400, "The email is invalid."),
    9718: (400, "Assets are a required argument."),
    9719: (400, "Client user ids or serial numbers are required."),
    9720: (400, "Users are a required argument."),
    9721: (400, "The version id is invalid."),
    9722: (401, "The Authorization header must be: Bearer {sToken}."),
    9723: (400, "The MDM info needs id, name and metadata."),
    9724: (400, "The MDM id is too long."),
    9725: (400, "The MDM name is too long."),
    9726: (405, "The HTTP method is not supported."),
    9727: (415, "The Content-Type is not supported."),
    9728: (400, "The notification URL is unreachable."),
    9729: (503, "The service is temporarily unavailable."),
    9811: (400, "Bad subscription request."),
    9812: (400, "Invalid cursor."),
    9813: (400, "Invalid Adam ID."),
    9814: (400, "There is no associated user."),
    9815: (400, "The subscription is not assigned to the user."),
    9816: (400, "The number of subscriptions or users exceeds the maximum."),
    9817: (400, "The subscription is assigned through a group."),
    9818: (400, "Subscription management cannot be disabled."),
}


def message(number: int) -> str:
    """Apple's text for an errorNumber."""
    return ERRORS.get(number, (400, "Unknown error."))[1]


class Refusal(Exception):
    """Apple says no, with an errorNumber: how an endpoint of the simulated service ends early."""

    def __init__(
        self,
        number: int,
        info: Mapping[str, object] | None = None,
        *,
        status: int = 0,
        retry_after: float | None = None,
    ) -> None:
        self.number = number
        self.info = info
        self.status = status or ERRORS.get(number, (400, ""))[0]
        self.retry_after = retry_after
        super().__init__(f"{number}: {message(number)}")

    def as_json(self) -> dict[str, object]:
        """The body of the reply."""
        body: dict[str, object] = {
            "errorNumber": self.number,
            "errorMessage": message(self.number),
        }
        if self.info:
            body["errorInfo"] = dict(self.info)
        return body
