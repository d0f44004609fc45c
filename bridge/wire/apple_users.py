"""What Apple's notifications say of users: registered, changed, retired, and tied to an account.

Source: Apple, "Subscribing to notifications".
"""

from __future__ import annotations

from dataclasses import dataclass

from bridge.domain.users.facts import ToldUser
from bridge.wire.json_text import Members

USER_MANAGEMENT = "USER_MANAGEMENT"
USER_ASSOCIATED = "USER_ASSOCIATED"
USER_TYPES = (USER_MANAGEMENT, USER_ASSOCIATED)


@dataclass(frozen=True, slots=True)
class UserManagement:
    """The outcome of a create, update or retire for at most 100 users: one event may come in
    several, of either result. `type` and `result` stay Apple's words."""

    type: str | None
    result: str | None
    apple_event_id: str | None
    users: tuple[ToldUser, ...]
    error_number: int | None


@dataclass(frozen=True, slots=True)
class UserAssociated:
    """Users who accepted their invitation; it belongs to no event. `result` is FAILURE in a form of
    which Apple has published none."""

    users: tuple[ToldUser, ...]
    result: str | None = None


def read_management(content: Members) -> UserManagement | None:
    """Read a USER_MANAGEMENT; None where it tells of no users."""
    users = _users(content, "users")
    if users is None:
        return None
    error = content.child("error") or Members({}, [])
    return UserManagement(
        type=content.text("type", required=True),
        result=content.text("result", required=True),
        apple_event_id=content.identifier("eventId"),
        users=users,
        error_number=error.integer("errorNumber"),
    )


def read_associated(content: Members) -> UserAssociated | None:
    """Read a USER_ASSOCIATED; None where it tells of no users."""
    users = _users(content, "associatedUsers")
    return None if users is None else UserAssociated(users, content.text("result"))


def _users(content: Members, key: str) -> tuple[ToldUser, ...] | None:
    found = content.children(key, required=True)
    if found is None:
        return None
    return tuple(user for user in map(_user, found) if user is not None)


def _user(content: Members) -> ToldUser | None:
    client_user_id = content.identifier("clientUserId", required=True)
    if client_user_id is None:
        return None
    return ToldUser(
        client_user_id,
        status=content.text("status"),
        id_hash=content.text("idHash"),
        invite_code=content.identifier("inviteCode"),
    )


def kept(payload: UserManagement | UserAssociated, *, whole: bool) -> dict[str, object]:
    """What may be kept of one, in Apple's form: with `whole` all that it takes to handle it, else
    nothing of the users but who they are and their status. Addresses are not kept at all: those of
    whom the file names stand there, and an error's text may quote one, so that its number has to
    do."""
    users = [_kept_user(user, whole=whole) for user in payload.users]
    if isinstance(payload, UserAssociated):
        result = {} if payload.result is None else {"result": payload.result}
        return {"associatedUsers": users, **result}
    number = payload.error_number
    found: dict[str, object | None] = {
        "type": payload.type,
        "result": payload.result,
        "eventId": payload.apple_event_id,
        "error": None if number is None else {"errorNumber": number},
        "users": users,
    }
    return {name: value for name, value in found.items() if value is not None}


def _kept_user(user: ToldUser, *, whole: bool) -> dict[str, str]:
    found = {"clientUserId": user.client_user_id, "status": user.status}
    if whole:
        found |= {"idHash": user.id_hash, "inviteCode": user.invite_code}
    return {name: value for name, value in found.items() if value is not None}
