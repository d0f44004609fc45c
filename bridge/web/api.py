"""The API below /v1, for the user `bridge` with the key as password; the read key may only GET."""

from __future__ import annotations

from flask import Blueprint, Flask, Response, jsonify, request
from werkzeug.datastructures import Headers
from werkzeug.exceptions import Forbidden, NotFound, RequestEntityTooLarge

from bridge.config import Config
from bridge.domain.model import INSTALL_STATES
from bridge.domain.views import Page
from bridge.web import credentials, pausing, query
from bridge.web.ports import Bridge, Lists
from bridge.web.problems import NotAuthorized
from bridge.web.query import Query

USER = "bridge"
PREFIX = "/v1"

EVENT_SOURCES = ("mdm", "apple")
EVENT_STATUSES = ("new", "done", "ignored", "set_aside")

_SAFE_METHODS = ("GET", "HEAD", "OPTIONS")


def register(app: Flask, bridge: Bridge) -> None:
    """Add the API to `app`, with its doorkeeper before every path below /v1, known or not."""
    app.before_request(lambda: _guard(bridge) if _is_api(request.path) else None)
    app.after_request(_finish)
    app.register_blueprint(_create_blueprint(bridge))
    app.register_blueprint(pausing.create_blueprint(bridge, PREFIX))


def _create_blueprint(bridge: Lists) -> Blueprint:
    blueprint = Blueprint("api", __name__, url_prefix=PREFIX)

    @blueprint.get("/installs")
    def installs() -> Response:
        asked = Query(request.args, ("serial", "adam_id", "state", "reason"))
        page = bridge.list_installs(
            serial=asked.take("serial", query.serial_number),
            adam_id=asked.take("adam_id", query.adam_id),
            state=asked.take("state", query.one_of("state", INSTALL_STATES)),
            reason=asked.take("reason", query.reason),
            limit=asked.limit,
            cursor=asked.cursor,
        )
        return _listed("installs", page)

    @blueprint.get("/installs/<serial>/<adam_id>")
    def install(serial: str, adam_id: str) -> Response:
        found = bridge.get_install(query.serial_number(serial), query.adam_id(adam_id))
        if found is None:
            raise NotFound("This app is not, and was not, wanted on this device.")
        return jsonify(found)

    @blueprint.get("/devices")
    def devices() -> Response:
        asked = Query(request.args, ("serial",))
        page = bridge.list_devices(
            serial=asked.take("serial", query.serial_number),
            limit=asked.limit,
            cursor=asked.cursor,
        )
        return _listed("devices", page)

    @blueprint.get("/events")
    def events() -> Response:
        asked = Query(request.args, ("source", "topic", "status"))
        page = bridge.list_events(
            source=asked.take("source", query.one_of("source", EVENT_SOURCES)),
            topic=asked.take("topic", query.topic),
            status=asked.take("status", query.one_of("status", EVENT_STATUSES)),
            limit=asked.limit,
            cursor=asked.cursor,
        )
        return _listed("events", page)

    return blueprint


def _listed(name: str, page: Page) -> Response:
    return jsonify({name: page.items, "next_cursor": page.next_cursor})


def _guard(bridge: Lists) -> None:
    """Let nobody in without a key, nor a browser that another site sends."""
    config = bridge.config
    changes = request.method not in _SAFE_METHODS
    if not _has_key(config, config.api.key):
        if not _has_key(config, config.api.read_key):
            bridge.count_refused("api.401")
            raise NotAuthorized("The API's user or key is missing or wrong.", credentials.BASIC)
        if changes:
            raise Forbidden("The read key may only be used with GET.")
    if changes and _is_foreign(request.headers, config.public_url):
        raise Forbidden("The request was sent by another site.")
    if (request.content_length or 0) > config.policy.limits.api_body:
        raise RequestEntityTooLarge(
            f"The body is longer than {config.policy.limits.api_body} bytes."
        )


def _has_key(config: Config, key: str | None) -> bool:
    """Whether the request carries `key`; nothing does while no api.key is configured."""
    offered = credentials.basic(request.headers.get("Authorization"))
    if offered is None or key is None or config.api.key is None:
        return False
    user, password = offered
    # Both are looked at, so that the time taken does not tell which of them was wrong.
    return all([credentials.matches(user, [USER]), credentials.matches(password, [key])])


def _is_foreign(headers: Headers, public_url: str | None) -> bool:
    """Whether a browser says that another site sends this request; other clients say nothing.

    Schemes are not compared: in front of us TLS has ended.
    """
    if headers.get("Sec-Fetch-Site", "none") not in ("same-origin", "none"):
        return True
    origin = headers.get("Origin")
    return origin is not None and _authority(origin) not in {
        headers.get("Host", ""),
        _authority(public_url or ""),
    } - {""}


def _authority(url: str) -> str:
    return url.partition("://")[2].partition("/")[0]


def _is_api(path: str) -> bool:
    return path == PREFIX or path.startswith(PREFIX + "/")


def _finish(response: Response) -> Response:
    if _is_api(request.path):
        response.headers["Cache-Control"] = "no-store"
        response.headers["X-Content-Type-Options"] = "nosniff"
    return response
