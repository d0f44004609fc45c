"""The calls that change what everybody shall have, as the file does."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, ClassVar

from werkzeug.exceptions import Conflict, UnprocessableEntity

from bridge.domain.desired.desired import Desired
from bridge.domain.plan.blind import blind_refusal
from bridge.domain.views.desired import Applied, Plan
from bridge.domain.wording import as_sentence
from bridge.errors import ConfigError, WishError
from bridge.web.ports import Bridge
from bridge.web.v1 import advice, forms
from bridge.web.v1.endpoint import Answer, Endpoint, Reply
from bridge.web.v1.request import Request

MISTAKES_SHOWN = 10

_REFUSED = (
    "It would remove more installs than are allowed, or ask for more licences that Apple never "
    "takes back, or it is blind: an MDM server's devices are not known, and a group with `all` or "
    "`match` is used."
)
_AS_IN_THE_FILE = (
    "Groups, apps and users are written as in the file, but name no file and no `${VARIABLE}`."
)


class DesiredState(Request, frozen=True):
    """What everybody shall have."""

    example: ClassVar = {
        "groups": {"kiosks": {"serials": ["C02XL0GYJGH5"]}},
        "apps": [{"adam_id": "361309726", "groups": ["kiosks"]}],
    }

    groups: Annotated[forms.Groups, "All groups, as under `groups:` in the file."]
    apps: Annotated[forms.Apps, "All apps, as under `apps:` in the file."]
    users: Annotated[
        forms.Users | None, "All users, as under `users:` in the file; without it they stay."
    ] = None
    limit: Annotated[forms.Count | None, "Let so many installs go, and hold the rest back."] = None


class Apply(DesiredState, frozen=True):
    """The same, to be stored."""

    allow_removals: Annotated[
        forms.Count | None, "Remove up to so many; else 10, or one in twenty if that is more."
    ] = None
    allow_irrevocable: Annotated[
        forms.Count | None, "Ask for up to so many licences that Apple never takes back; else none."
    ] = None
    offline: Annotated[
        forms.YesOrNo | None,
        "Store it though it is blind; what could not be shown waits (NOT_PLANNED).",
    ] = None


def _plan(bridge: Bridge, asked: DesiredState) -> Reply:
    return Reply(200, bridge.plan(_desired(bridge, asked), limit=asked.limit).as_json())


def _apply(bridge: Bridge, asked: Apply) -> Reply:
    desired = _desired(bridge, asked)
    blind = bridge.blind(desired)
    if blind and not asked.offline:
        why = blind_refusal(blind, advice.OFFLINE)
        raise Conflict(as_sentence(f"nothing was stored: {why}"))
    try:
        done = bridge.apply(
            desired,
            limit=asked.limit,
            allow_removals=asked.allow_removals,
            unseen=blind,
            allow_irrevocable=asked.allow_irrevocable,
            anyway=advice.ANYWAY,
        )
    except WishError as error:
        raise Conflict(as_sentence(str(error))) from error
    return Reply(200, done.counts())


def _desired(bridge: Bridge, asked: DesiredState) -> Desired:
    try:
        desired = bridge.read_desired(asked.groups, asked.apps, asked.users)
    except ConfigError as error:
        raise _unwantable(error.mistakes) from error
    if found := bridge.mistakes(desired):
        raise _unwantable([f"apps.{each.entry}.{each.key}: {each.sentence}" for each in found])
    return desired


def _unwantable(mistakes: Sequence[str]) -> UnprocessableEntity:
    shown = mistakes[:MISTAKES_SHOWN]
    more = len(mistakes) - len(shown)
    text = "; ".join(shown) + (f"; and {more} more mistakes" if more else "")
    return UnprocessableEntity(as_sentence(f"this cannot be wanted: {text}"))


APPLYING: tuple[Endpoint[Any], ...] = (
    Endpoint(
        "POST",
        "/v1/plan",
        "plan",
        "read",
        None,
        "Shows what an apply would change, and what it would cost in licences.",
        DesiredState,
        _plan,
        (Answer(200, "The plan. Seats that are short are no error.", Plan),),
        more=f"{_AS_IN_THE_FILE} Nothing is stored, and nothing is read outside: it is planned "
        "with what is known; /v1/sync reads anew. It is `blind` where a group with `all` or "
        "`match` is used and an MDM server's list of devices was not read within `policy.sync."
        "devices_every`.",
    ),
    Endpoint(
        "POST",
        "/v1/apply",
        "apply",
        "apply",
        "apply",
        "Stores what everybody shall have, in place of what the last apply stored.",
        Apply,
        _apply,
        (Answer(200, "It is stored.", Applied),),
        refusals={409: _REFUSED},
        more=f"{_AS_IN_THE_FILE} One-off wishes stay.",
    ),
)
