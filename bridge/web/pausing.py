"""`POST /v1/pause` and `/v1/resume`: a person or a script stops the bridge from sending.

The body is one of `{"all": true}`, `{"app": …}`, `{"location": …}` and `{"serial": …}`.
"""

from __future__ import annotations

from flask import Blueprint, Response, jsonify, request
from werkzeug.exceptions import BadRequest, UnprocessableEntity

from bridge.domain.pauses import Scope
from bridge.errors import ShapeError
from bridge.web import query
from bridge.web.body import read_body
from bridge.web.ports import Pausing
from bridge.wire.json_text import read_object

FORMS = '{"all": true}, {"app": …}, {"location": …} or {"serial": …}'


def create_blueprint(bridge: Pausing, prefix: str) -> Blueprint:
    """The two routes below `prefix`, which the API's doorkeeper guards."""
    blueprint = Blueprint("pausing", __name__, url_prefix=prefix)

    @blueprint.post("/pause")
    def pause() -> Response:
        """200 with all that is paused now; `paused` is false where it was paused already."""
        scope, name = _chosen(bridge)
        if scope == "location" and name not in bridge.config.locations:
            raise UnprocessableEntity(f"The location {name[:64]!r} is not configured.")
        return jsonify(paused=bridge.pause(scope, name), pauses=bridge.paused())

    @blueprint.post("/resume")
    def resume() -> Response:
        """200 with what is still paused; `resumed` is false where nothing was."""
        return jsonify(resumed=bridge.resume(*_chosen(bridge)), pauses=bridge.paused())

    return blueprint


def _chosen(bridge: Pausing) -> tuple[Scope, str]:
    content = read_body(request, bridge.config.policy.limits.api_body)
    try:
        body = read_object(content)
    except ShapeError as error:
        raise BadRequest(f"The body must be JSON, one of {FORMS}.") from error
    match list(body.items()):
        case [("all", True)]:
            return "all", ""
        case [("app", str(name))]:
            return "app", query.adam_id(name)
        case [("location", str(name))]:
            return "location", name
        case [("serial", str(name))]:
            return "serial", query.serial_number(name)
    raise UnprocessableEntity(f"The body must be one of {FORMS}.")
