"""The calls that give licences back, and that have one device take another's place."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

from werkzeug.exceptions import Conflict, UnprocessableEntity

from bridge.config import values
from bridge.domain.devices.targets import shown
from bridge.domain.reclaim.selection import Selection
from bridge.domain.views.reclaim import Reclaimed, ReplacedDevice
from bridge.domain.wording import as_sentence
from bridge.engine.desired.reclaim import as_json
from bridge.errors import WishError
from bridge.web.ports import Bridge
from bridge.web.v1 import forms
from bridge.web.v1.endpoint import Answer, Endpoint, Reply
from bridge.web.v1.request import Request

_TOO_MANY = "It would be more licences than `allow_removals`."
_NOT_REPLACED = (
    "The old device was heard of within a day, or nothing is wanted on it; the sentence says why."
)
_NOTHING_NAMED = (
    "Say which: unwanted, unenrolled, silent, serials or adam_ids; without one nothing is given "
    "back."
)


class Reclaim(Request, frozen=True):
    """Which licences."""

    example: ClassVar = {"unenrolled": True, "dry_run": True}
    some_of: ClassVar = ("unwanted", "unenrolled", "silent", "serials", "adam_ids")

    unwanted: Annotated[forms.YesOrNo | None, "What nobody wants any more."] = None
    unenrolled: Annotated[forms.YesOrNo | None, "Those of devices that left."] = None
    silent: Annotated[
        forms.Silence | None, "Those of devices not heard of for so long, like 90d."
    ] = None
    serials: Annotated[forms.Serials | None, "Of these devices alone."] = None
    adam_ids: Annotated[forms.AdamIds | None, "Of these apps alone."] = None
    dry_run: Annotated[forms.YesOrNo | None, "Change nothing; else false."] = None
    allow_removals: Annotated[forms.Count | None, "Give back up to so many licences; else 10."] = (
        None
    )


class Replace(Request, frozen=True):
    """Which device takes whose place."""

    example: ClassVar = {"old": "C02XL0GYJGH5", "new": "C02YK1GZJGH6"}

    old: Annotated[forms.Serial, "The device that is gone."]
    new: Annotated[forms.Serial, "The one that takes its place."]
    force: Annotated[
        forms.YesOrNo | None, "Though the old one was heard of within a day; else false."
    ] = None


def _reclaim(bridge: Bridge, asked: Reclaim) -> Reply:
    chosen = Selection(
        unwanted=bool(asked.unwanted),
        unenrolled=bool(asked.unenrolled),
        silent=None if asked.silent is None else values.patience(asked.silent),
        targets=bridge.targets(asked.serials or ()),
        adam_ids=tuple(asked.adam_ids or ()),
    )
    if chosen.is_empty:
        raise UnprocessableEntity(_NOTHING_NAMED)
    if asked.dry_run:
        return Reply(200, as_json(bridge.reclaimable(chosen), dry_run=True))
    try:
        found = bridge.reclaim(chosen, asked.allow_removals, "allow_removals of {}")
    except WishError as error:
        raise Conflict(as_sentence(str(error))) from error
    return Reply(200, as_json(found, dry_run=False))


def _replace(bridge: Bridge, asked: Replace) -> Reply:
    if not asked.force and (why := bridge.replace_refusal(asked.old, asked.new)):
        raise Conflict(as_sentence(f"nothing was replaced: {why}; force: true replaces it anyway"))
    try:
        done = bridge.replace(asked.old, asked.new)
    except WishError as error:
        raise Conflict(as_sentence(f"nothing was replaced: {error}")) from error
    old, new = shown(done.old), shown(done.new)
    return Reply(200, {"old": old, "new": new, "adam_ids": list(done.adam_ids)})


RECLAIMING: tuple[Endpoint[Any], ...] = (
    Endpoint(
        "POST",
        "/v1/reclaim",
        "reclaim",
        "apply",
        "reclaim",
        "Gives back licences that are of no use any more, or says which these are.",
        Reclaim,
        _reclaim,
        (Answer(200, "Which go back, and which devices keep theirs, each with why.", Reclaimed),),
        refusals={409: _TOO_MANY},
        more="Only licences that the bridge got are meant. Without `unwanted`, `unenrolled` or "
        "`silent`, `serials` and `adam_ids` mean what nobody wants there. A device counts as gone "
        "only by what happened while its MDM server was heard of.",
    ),
    Endpoint(
        "POST",
        "/v1/replace",
        "replace",
        "apply",
        "replace",
        "Has one device take another's place: its apps, and then its licences.",
        Replace,
        _replace,
        (Answer(200, "The new device is to have these apps.", ReplacedDevice),),
        refusals={409: _NOT_REPLACED},
        more="Licences of the old device go back once the new one has its own. What was applied "
        "does not mean the old one any more, until an apply shows it again: change the file, too.",
    ),
)
