"""The calls that stop the bridge from sending, and let it go on."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

from werkzeug.exceptions import UnprocessableEntity

from bridge.domain.pauses import SCOPES, Scope, by_request
from bridge.web.ports import Bridge
from bridge.web.v1 import forms
from bridge.web.v1.endpoint import Answer, Endpoint, Reply
from bridge.web.v1.request import Request
from bridge.web.v1.responses import Paused, Resumed


class OfScope(Request, frozen=True):
    """What to pause or to resume."""

    example: ClassVar = {"app": "361309726"}
    exactly_one: ClassVar = True

    all: Annotated[forms.OnlyTrue | None, "Everything."] = None
    app: Annotated[forms.AdamId | None, "This app."] = None
    location: Annotated[forms.Name | None, "This location, and the installs of it."] = None
    serial: Annotated[forms.Serial | None, "This device."] = None


def _pause(bridge: Bridge, asked: OfScope) -> Reply:
    scope, name = _chosen(asked)
    if scope == "location" and name not in bridge.config.locations:
        raise UnprocessableEntity(f"The location {name[:64]!r} is not configured.")
    return Reply(200, {"paused": bridge.pause(scope, name), "pauses": bridge.paused(by_request)})


def _resume(bridge: Bridge, asked: OfScope) -> Reply:
    return Reply(
        200, {"resumed": bridge.resume(*_chosen(asked)), "pauses": bridge.paused(by_request)}
    )


def _chosen(asked: OfScope) -> tuple[Scope, str]:
    ((scope, name),) = (
        (scope, getattr(asked, scope)) for scope in SCOPES if getattr(asked, scope) is not None
    )
    return scope, "" if scope == "all" else name


PAUSING: tuple[Endpoint[Any], ...] = (
    Endpoint(
        "POST",
        "/v1/pause",
        "pause",
        "operate",
        "pause",
        "Sends nothing for an app, a location, a device, or at all, until it is resumed.",
        OfScope,
        _pause,
        (Answer(200, "It is paused.", Paused),),
        more="From then on no POST leaves for it, save a new notification token for Apple; a call "
        "that had begun is finished.",
    ),
    Endpoint(
        "POST",
        "/v1/resume",
        "resume",
        "operate",
        "resume",
        "Ends a pause: what it held up is due at once, paced as ever.",
        OfScope,
        _resume,
        (Answer(200, "It is not paused (any more).", Resumed),),
    ),
)
