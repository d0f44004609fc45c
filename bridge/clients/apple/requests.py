"""What Apple is told of users. Source: Apple, "Managing Users"."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class RequestedUser:
    """A user as Apple is to have it; what is None is not told."""

    client_user_id: str
    email: str | None = field(default=None, repr=False)
    managed_apple_id: str | None = field(default=None, repr=False)


def users_body(users: Sequence[RequestedUser]) -> dict[str, object]:
    """The body of a request about users."""
    return {"users": [_members(user) for user in users]}


def _members(user: RequestedUser) -> dict[str, str]:
    found = {
        "clientUserId": user.client_user_id,
        "email": user.email,
        "managedAppleId": user.managed_apple_id,
    }
    return {name: value for name, value in found.items() if value is not None}
