"""The API below /v1, for the user `bridge` with the key as password; the read key may only GET."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Flask, Response, request
from werkzeug.datastructures import Headers
from werkzeug.exceptions import Forbidden, RequestEntityTooLarge

from bridge.config import Config
from bridge.web import credentials
from bridge.web.ports import Bridge, Counting
from bridge.web.problems import NotAuthorized
from bridge.web.v1.endpoint import Endpoint
from bridge.web.v1.endpoints import ENDPOINTS
from bridge.web.v1.responses import as_json

USER = "bridge"
PREFIX = "/v1"

_SAFE_METHODS = ("GET", "HEAD", "OPTIONS")


def register(app: Flask, bridge: Bridge) -> None:
    """Add the API to `app`, with its doorkeeper before every path below /v1, known or not."""
    app.before_request(lambda: _guard(bridge) if _is_api(request.path) else None)
    app.after_request(_finish)
    for call in ENDPOINTS:
        app.add_url_rule(rule(call), call.name, _view(bridge, call), methods=[call.method])


def _view(bridge: Bridge, call: Endpoint[Any]) -> Callable[..., Response]:
    def view(**in_path: str) -> Response:
        reply = call.answer(bridge, request, in_path, bridge.config.policy.limits.api_body)
        if reply.body is None:
            return _without_body(reply.status)
        return Response(as_json(reply.body), reply.status, mimetype="application/json")

    return view


def _without_body(status: int) -> Response:
    response = Response(status=status)
    del response.headers["Content-Type"]
    return response


def rule(call: Endpoint[Any]) -> str:
    """The path of a call in Flask's notation."""
    return call.path.replace("{", "<").replace("}", ">")


def _guard(bridge: Counting) -> None:
    """Let nobody in without a key, nor a browser that another site sends."""
    config = bridge.config
    changes = request.method not in _SAFE_METHODS
    if not _has_key(config, config.api.key):
        if not _has_key(config, config.api.read_key):
            bridge.count_refused("api.401")
            raise NotAuthorized("The API's user or key is missing or wrong.", credentials.BASIC)
        if changes:
            raise Forbidden("The read key may only be used with GET.")
    request.environ[credentials.KNOWN] = True
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
        if request.method == "OPTIONS" and response.status_code == 200:
            allowed = response.headers["Allow"]
            response = _without_body(204)  # Flask's own answer is an empty page of HTML
            response.headers["Allow"] = allowed
        response.headers["Cache-Control"] = "no-store"
        response.headers["X-Content-Type-Options"] = "nosniff"
    return response
