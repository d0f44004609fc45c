"""The calls that change what everybody shall have, as the file does."""

from __future__ import annotations

from werkzeug.exceptions import Conflict, UnprocessableEntity

from bridge.config import read_document
from bridge.domain.desired.desired import Wanted
from bridge.domain.plan.blind import blind_refusal
from bridge.domain.wording import as_sentence
from bridge.errors import ConfigError, WishError
from bridge.web.ports import Bridge
from bridge.web.v1 import results, values
from bridge.web.v1.endpoint import Answer, Asked, Body, Endpoint, Parameter, Reply

MISTAKES_SHOWN = 10

_REFUSED = (
    "It would remove more installs than are allowed, or it is blind: an MDM server's devices are "
    "not known, and a group with `all` or `match` is used."
)
_WHO = (
    Parameter("groups", values.OBJECT, "All groups, as under `groups:` in the file.", True),
    Parameter("apps", values.LIST, "All apps, as under `apps:` in the file.", True),
    Parameter("limit", values.COUNT, "Let so many installs go, and hold the rest back."),
)
_EXAMPLE = {
    "groups": {"kiosks": {"serials": ["C02XL0GYJGH5"]}},
    "apps": [{"adam_id": "361309726", "groups": ["kiosks"]}],
}
_AS_IN_THE_FILE = (
    "Groups and apps are written as in the file, but name no `serials_file` and no `${VARIABLE}`."
)


def _plan(bridge: Bridge, asked: Asked) -> Reply:
    return Reply(200, bridge.plan(_wanted(bridge, asked), limit=asked["limit"]).as_json())


def _apply(bridge: Bridge, asked: Asked) -> Reply:
    wanted = _wanted(bridge, asked)
    blind = bridge.blind(wanted)
    if blind and not asked["offline"]:
        why = blind_refusal(blind, '"offline": true')
        raise Conflict(as_sentence(f"nothing was stored: {why}"))
    try:
        done = bridge.apply(
            wanted, limit=asked["limit"], allow_removals=asked["allow_removals"], unseen=blind
        )
    except WishError as error:
        raise Conflict(as_sentence(str(error))) from error
    return Reply(200, done.counts())


def _wanted(bridge: Bridge, asked: Asked) -> Wanted:
    try:
        return read_document(asked["groups"], asked["apps"], bridge.config.locations)
    except ConfigError as error:
        shown = error.mistakes[:MISTAKES_SHOWN]
        more = len(error.mistakes) - len(shown)
        text = "; ".join(shown) + (f"; and {more} more mistakes" if more else "")
        raise UnprocessableEntity(as_sentence(f"this cannot be wanted: {text}")) from error


APPLYING = (
    Endpoint(
        "POST",
        "/v1/plan",
        "plan",
        "Shows what an apply would change, and what it would cost in licences.",
        _plan,
        (Answer(200, "The plan. Seats that are short are no error.", results.PLAN),),
        body=Body(_WHO, example=_EXAMPLE),
        more=f"{_AS_IN_THE_FILE} Nothing is stored, and nothing is read outside: it is planned "
        "with what is known; /v1/sync reads anew. It is `blind` where a group with `all` or "
        "`match` is used and an MDM server's list of devices was not read within `policy.sync."
        "devices_every`.",
    ),
    Endpoint(
        "POST",
        "/v1/apply",
        "apply",
        "Stores what everybody shall have, in place of what the last apply stored.",
        _apply,
        (Answer(200, "It is stored.", results.APPLIED),),
        body=Body(
            (
                *_WHO,
                Parameter(
                    "allow_removals",
                    values.COUNT,
                    "Remove up to so many; else 10, or one in twenty if that is more.",
                ),
                Parameter(
                    "offline",
                    values.YES_OR_NO,
                    "Store it though it is blind; what could not be shown waits (NOT_PLANNED).",
                ),
            ),
            example=_EXAMPLE,
        ),
        refusals={409: _REFUSED},
        more=f"{_AS_IN_THE_FILE} One-off wishes stay.",
    ),
)
