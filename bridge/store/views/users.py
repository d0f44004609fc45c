"""Registered users as people and programs page through them, each item ready for JSON."""

from __future__ import annotations

from bridge.domain.devices.targets import shown
from bridge.domain.times import rfc3339
from bridge.domain.users.facts import UserState
from bridge.domain.users.invitation import link
from bridge.domain.users.reasons import USER_REASONS, describe_user
from bridge.domain.views import Page
from bridge.domain.views.users import User
from bridge.domain.wording import as_sentence
from bridge.store.database import Connection
from bridge.store.devices.devices import target_of
from bridge.store.paging import Filters, Order, fetch
from bridge.store.users import invitations
from bridge.store.users import users as stored
from bridge.store.views.view import View

_USERS = View(
    User,
    "users u LEFT JOIN locations l ON l.name = u.location",
    "u.",
    {
        "email": "coalesce(u.email, u.told_email)",
        "by_us": "u.ours",
        "sentence": "u.detail",
        "next": "''",
        "who_must_act": "''",
        "invitation_url": "CASE WHEN u.state = 'registered' THEN l.invitation_url END",
        "invited_at": "NULL",
        "invitation": "NULL",
        "devices": "NULL",
    },
)
_HAS_DEVICE = (
    "EXISTS (SELECT 1 FROM user_devices d "
    "WHERE d.client_user_id = u.client_user_id AND d.target = ?)"
)


def users(
    db: Connection,
    *,
    location: str | None = None,
    client_user_id: str | None = None,
    state: UserState | None = None,
    serial: str | None = None,
    wanted: bool | None = None,
    limit: int = 100,
    cursor: str | None = None,
) -> Page[User]:
    """Users, ordered by location and clientUserId."""
    filters: Filters = {
        "u.location = ?": location,
        "u.client_user_id = ?": client_user_id,
        "u.state = ?": state,
        _HAS_DEVICE: serial and target_of(db, serial),
        "u.wanted = ?": None if wanted is None else int(wanted),
    }
    order = Order(("u.location", "u.client_user_id"), (str, str))
    page = fetch(db, _USERS, filters, order, limit, cursor)
    names = list(dict.fromkeys(item["client_user_id"] for item in page.items))
    devices = stored.devices_of(db, names)
    invited = invitations.newest(db, names)
    for item in page.items:
        _tell(item)
        if last := invited.get((item["location"], item["client_user_id"])):
            item["invited_at"], item["invitation"] = rfc3339(last.created_at), last.words
        item["devices"] = [shown(each) for each in devices[item["client_user_id"]]]
    return page


def _tell(item: User) -> None:
    """Say in words how the user stands."""
    sentence, next_ = describe_user(
        item["reason"],
        user=item["client_user_id"],
        location=item["location"],
        detail=item["sentence"],
    )
    item["sentence"], item["next"] = as_sentence(sentence), as_sentence(next_)
    item["who_must_act"] = USER_REASONS[item["reason"]].actor
    needs_none = item["managed_apple_id"] is not None
    template = None if needs_none else item["invitation_url"]
    item["invitation_url"] = link(template, item["invite_code"])
