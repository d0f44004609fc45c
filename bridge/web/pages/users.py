"""The users that are registered at Apple, where there are any."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any, get_args

from bridge.domain.users.facts import UserState
from bridge.domain.wording import named
from bridge.web.doorkeeper import SEES_SECRETS
from bridge.web.pages import asked, paths
from bridge.web.pages.table import Column, Link, Row, paged
from bridge.web.pages.view import SHOWN, Asker, View
from bridge.web.v1.request import as_dict

_COLUMNS = (
    Column("user"),
    Column("location"),
    Column("state", "state"),
    Column("what is so", "words"),
    Column("what is next", "words"),
    Column("who must act"),
    Column("e-mail"),
    Column("devices"),
    Column("since", "time"),
)
_CODE = Column("invite code")
"""For who may invite alone: whoever has it may accept in the user's place."""


def page(asker: Asker, wanted: asked.Users) -> View:
    """All users, each in each location."""
    filters = as_dict(wanted, "csv", "cursor", "limit")
    with_code = asker.caller.may(SEES_SECRETS)
    table = paged(
        "users",
        "Users",
        (*_COLUMNS, _CODE) if with_code else _COLUMNS,
        partial(asker.bridge.list_users, **filters),
        partial(_user, with_code=with_code),
        limit=SHOWN,
        cursor=wanted.cursor,
        empty="No user is so.",
    )
    config = asker.bridge.config
    context = {
        "users": table,
        "filters": filters,
        "states": get_args(UserState),
        "locations": sorted(config.locations),
    }
    return View("users.html", "Users", [table], context, filters)


def _user(user: Mapping[str, Any], *, with_code: bool) -> Row:
    row = (
        user["client_user_id"],
        Link(user["location"], paths.location(user["location"])),
        user["state"],
        user["sentence"],
        user["next"],
        user["who_must_act"],
        user["email"],
        named(user["devices"]) or None,
        user["since"],
    )
    return (*row, user["invite_code"]) if with_code else row
