"""The calls that stop the bridge from sending, and let it go on."""

from __future__ import annotations

from werkzeug.exceptions import UnprocessableEntity

from bridge.domain.pauses import SCOPES, Scope
from bridge.web.ports import Bridge
from bridge.web.v1 import results, values
from bridge.web.v1.endpoint import Answer, Asked, Body, Endpoint, Parameter, Reply

_WHAT = Body(
    (
        Parameter("all", values.TRUE, "Everything."),
        Parameter("app", values.ADAM_ID, "This app."),
        Parameter("location", values.NAME, "This location, and the installs of it."),
        Parameter("serial", values.SERIAL, "This device."),
    ),
    example={"app": "361309726"},
    exactly_one=True,
)


def _pause(bridge: Bridge, asked: Asked) -> Reply:
    scope, name = _chosen(asked)
    if scope == "location" and name not in bridge.config.locations:
        raise UnprocessableEntity(f"The location {name[:64]!r} is not configured.")
    return Reply(200, {"paused": bridge.pause(scope, name), "pauses": bridge.paused()})


def _resume(bridge: Bridge, asked: Asked) -> Reply:
    return Reply(200, {"resumed": bridge.resume(*_chosen(asked)), "pauses": bridge.paused()})


def _chosen(asked: Asked) -> tuple[Scope, str]:
    (scope,) = (scope for scope in SCOPES if asked[scope] is not None)
    return scope, "" if scope == "all" else asked[scope]


PAUSING = (
    Endpoint(
        "POST",
        "/v1/pause",
        "pause",
        "Sends nothing for an app, a location, a device, or at all, until it is resumed.",
        _pause,
        (Answer(200, "It is paused.", results.PAUSED),),
        body=_WHAT,
        more="From then on no POST leaves for it, save a new notification token for Apple; a call "
        "that had begun is finished.",
    ),
    Endpoint(
        "POST",
        "/v1/resume",
        "resume",
        "Ends a pause: what it held up is due at once, paced as ever.",
        _resume,
        (Answer(200, "It is not paused (any more).", results.RESUMED),),
        body=_WHAT,
    ),
)
