"""The calls that change something."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from werkzeug.exceptions import Conflict, NotFound

from bridge.domain.pauses import by_request
from bridge.domain.views.installs import ExplainedInstall
from bridge.domain.views.licences import Claimed
from bridge.domain.views.traffic import Replay
from bridge.domain.views.updates import AskedUpdates
from bridge.domain.vocabulary import PricingParam
from bridge.domain.wording import as_sentence
from bridge.errors import UnknownName, WishError
from bridge.web.ports import Bridge
from bridge.web.v1 import forms
from bridge.web.v1.endpoint import Answer, Endpoint, Reply
from bridge.web.v1.forms import words
from bridge.web.v1.read import UNKNOWN_PAIR, OfPair
from bridge.web.v1.request import Request
from bridge.web.v1.responses import AskedReads, Invitations, Retried

_NO_EVENT = "There is no message with this id: it never came in, or it is too old to be kept."
_NO_CALL = "There is no call with this id: it never was, or it is too old to be kept."
_NO_LOCATION = "No location of this name is configured."
_NOTHING_TO_READ = "Nothing is configured, or named, that could be read."


What = Literal["assets", "assignments", "users", "subscriptions", "devices", "all"]


class PutInstall(OfPair, frozen=True):
    """A wish."""

    example: ClassVar = {"location": "hq", "pricing_param": "STDQ"}

    location: Annotated[forms.Name | None, "Whose licence; needed if there are several."] = None
    pricing_param: Annotated[
        PricingParam | None,
        "As the file has it for the app, else STDQ.",
        words("pricing parameter", PricingParam),
    ] = None


class Update(Request, frozen=True):
    """To whom the newest version of an app is sent ahead."""

    example: ClassVar = {"group": "kiosks", "now": False}

    adam_id: Annotated[forms.AdamId, "The app's number in the App Store."]
    serial: Annotated[forms.Serial | None, "Only this device; else all."] = None
    group: Annotated[forms.Name | None, "Only this group's devices; else all."] = None
    now: Annotated[forms.YesOrNo | None, "Do not wait for the devices' windows; else false."] = None


class OfEvent(Request, frozen=True):
    """A message to handle again."""

    example: ClassVar = {"dry_run": True}

    id: Annotated[forms.Id, "The bridge's own id, as in the list."]
    dry_run: Annotated[forms.YesOrNo | None, "Change nothing; else false."] = None


class OfCall(Request, frozen=True):
    """An outside call."""

    id: Annotated[forms.Id, "The bridge's own id, as in the list."]


class Sync(Request, frozen=True):
    """What to read anew."""

    example: ClassVar = {"what": "devices"}

    what: Annotated[What | None, "What to read; else all.", words("what", What)] = None


class Claim(Request, frozen=True):
    """From whom to take a location over."""

    example: ClassVar = {"mdm_name": "Other MDM"}

    name: Annotated[forms.Name, "The location, as in the configuration."]
    mdm_name: Annotated[forms.MdmName, "The other MDM's name, exactly as /v1/locations has it."]


class Invite(Request, frozen=True):
    """Whom to invite."""

    example: ClassVar = {"location": "hq"}

    client_user_id: Annotated[forms.ClientUserId, "The user, as the file names it."]
    location: Annotated[forms.Name | None, "Only there; else wherever the user is."] = None


def _put(bridge: Bridge, asked: PutInstall) -> Reply:
    serial, adam_id = asked.serial, asked.adam_id
    new = bridge.assign(
        [serial],
        adam_id,
        location=asked.location,
        pricing_param=asked.pricing_param,
    )
    found = bridge.get_install(serial, adam_id, by_request)
    assert found is not None, "a wish makes an install"
    return Reply(201 if new else 200, found)


def _delete(bridge: Bridge, asked: OfPair) -> Reply:
    bridge.unassign([asked.serial], asked.adam_id)
    return Reply(204)


def _retry(bridge: Bridge, asked: OfPair) -> Reply:
    if bridge.get_install(asked.serial, asked.adam_id, by_request) is None:
        raise NotFound(UNKNOWN_PAIR)
    return Reply(200, {"retried": bridge.retry(asked.serial, asked.adam_id)})


def _update(bridge: Bridge, asked: Update) -> Reply:
    serials = [] if asked.serial is None else [asked.serial]
    try:
        number = bridge.update(asked.adam_id, serials, asked.group, now=bool(asked.now))
    except UnknownName as error:
        raise NotFound(as_sentence(str(error))) from error
    return Reply(200, {"asked": number})


def _replay(bridge: Bridge, asked: OfEvent) -> Reply:
    done = bridge.replay_event(asked.id, bool(asked.dry_run))
    if done is None:
        raise NotFound(_NO_EVENT)
    return Reply(200, done)


def _call_again(bridge: Bridge, asked: OfCall) -> Reply:
    done = bridge.call_again(asked.id)
    if done is None:
        raise NotFound(_NO_CALL)
    if done["why_not"] is not None:
        raise Conflict(as_sentence(done["why_not"]))
    return Reply(200, {"retried": 1})


def _invite(bridge: Bridge, asked: Invite) -> Reply:
    try:
        done = bridge.invite([asked.client_user_id], asked.location, by_request)
    except WishError as error:
        raise NotFound(as_sentence(str(error))) from error
    return Reply(200, {"invitations": done})


def _claim(bridge: Bridge, asked: Claim) -> Reply:
    try:
        done = bridge.claim(asked.name, asked.mdm_name)
    except WishError as error:
        raise Conflict(as_sentence(str(error))) from error
    if done is None:
        raise NotFound(_NO_LOCATION)
    return Reply(202 if done["asked"] else 200, done)


def _sync(bridge: Bridge, asked: Sync) -> Reply:
    reads = bridge.sync(asked.what or "all")
    if not reads:
        raise Conflict(_NOTHING_TO_READ)
    return Reply(202, {"reads": reads})


CHANGING: tuple[Endpoint[Any], ...] = (
    Endpoint(
        "PUT",
        "/v1/installs/{serial}/{adam_id}",
        "put_install",
        "apply",
        "assign",
        "Wishes for one app on one device, beside the file.",
        PutInstall,
        _put,
        (
            Answer(201, "The wish is new.", ExplainedInstall),
            Answer(200, "It was wished for already.", ExplainedInstall),
        ),
        more="A device that no server has shown yet is accepted, and gets the app when it enrols. "
        "What the file wants stays as the file has it.",
    ),
    Endpoint(
        "DELETE",
        "/v1/installs/{serial}/{adam_id}",
        "delete_install",
        "apply",
        "unassign",
        "Withdraws such a wish.",
        OfPair,
        _delete,
        (Answer(204, "There is no such wish (any more)."),),
        more="What the file wants stays. What nobody wants then is treated as the app's "
        "`on_unwanted` says.",
    ),
    Endpoint(
        "POST",
        "/v1/installs/{serial}/{adam_id}/retry",
        "retry_install",
        "operate",
        "retry",
        "Gives an install that failed, or waits for a person, another round.",
        OfPair,
        _retry,
        (Answer(200, "How many got another round.", Retried),),
        refusals={404: UNKNOWN_PAIR},
    ),
    Endpoint(
        "POST",
        "/v1/apps/{adam_id}/update",
        "update_app",
        "apply",
        "update",
        "Sends the newest version of an app ahead of its ring, to devices that do not have it.",
        Update,
        _update,
        (Answer(200, "How many devices will be sent it.", AskedUpdates),),
        refusals={404: "No group of this name was applied."},
        more="Each is sent it once it comes in its window, or with `now` at once; a version that "
        "was stopped goes on.",
    ),
    Endpoint(
        "POST",
        "/v1/events/{id}/replay",
        "replay_event",
        "operate",
        "replay",
        "Handles a message again, or says what that would change.",
        OfEvent,
        _replay,
        (Answer(200, "What came of it.", Replay),),
        refusals={404: _NO_EVENT},
    ),
    Endpoint(
        "POST",
        "/v1/outbox/{id}/retry",
        "retry_call",
        "operate",
        "retry_call",
        "Makes a failed call to Apple or an MDM server due again, where that does no harm.",
        OfCall,
        _call_again,
        (Answer(200, "It is due.", Retried),),
        refusals={404: _NO_CALL, 409: "It is not made again; the sentence says why."},
    ),
    Endpoint(
        "POST",
        "/v1/users/{client_user_id}/invite",
        "invite_user",
        "operate",
        "invite",
        "Has a device of a registered user show the invitation to accept licences.",
        Invite,
        _invite,
        (Answer(200, "What came of it; the sentences say it.", Invitations),),
        refusals={404: "There is no such user, or not at that location."},
        more="Where no device can show it, or it was shown lately, the answer has the link to hand "
        "over.",
    ),
    Endpoint(
        "POST",
        "/v1/locations/{name}/claim",
        "claim_location",
        "claim",
        "claim",
        "Takes a location over from the MDM that holds its content token.",
        Claim,
        _claim,
        (
            Answer(202, "The engine does it as soon as it can.", Claimed),
            Answer(200, "Nobody else holds it, as Apple last said: no claim is needed.", Claimed),
        ),
        refusals={404: _NO_LOCATION, 409: "Another MDM holds it than the one that was named."},
        more="It is done only if that MDM holds it still; how it ended, /v1/outbox tells. Then "
        "everything of the location is read anew. Stop the other MDM's use of the location first: "
        "Apple lets both write.",
    ),
    Endpoint(
        "POST",
        "/v1/sync",
        "sync",
        "operate",
        "sync",
        "Has everything, or one kind of it, read anew from Apple and the MDM servers.",
        Sync,
        _sync,
        (Answer(202, "What the engine reads as soon as it can.", AskedReads),),
        refusals={409: _NOTHING_TO_READ},
        more="How far a read is, /v1/outbox shows: its kind is read_assets, read_devices and so "
        "on. Users and subscriptions are read where the file names some.",
    ),
)
