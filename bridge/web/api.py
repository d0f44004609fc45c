"""The API below /v1, for the user `bridge` with a key as password, whose role says what it may."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Flask, Response, g, request

from bridge.web.doorkeeper import SEES_SECRETS, called, declare, let_in
from bridge.web.ports import Bridge
from bridge.web.v1.endpoint import Endpoint
from bridge.web.v1.endpoints import ENDPOINTS
from bridge.web.v1.responses import as_json

PREFIX = "/v1"

MEASURES = ("/metrics", "/version")
"""Paths that `api.open_metrics` opens to everybody."""


def register(app: Flask, bridge: Bridge) -> None:
    """Add the API to `app`, with its doorkeeper before every path below /v1, known or not, and
    before what is measured where the file wants that."""

    def guard() -> None:
        shut = not bridge.config.api.open_metrics and request.path.rstrip("/") in MEASURES
        if shut or _is_api(request.path):
            g.caller = let_in(bridge, request)

    app.before_request(guard)
    app.after_request(_finish)
    for call in ENDPOINTS:
        declare(app, call.name, call.role)
        app.add_url_rule(rule(call), call.name, _view(bridge, call), methods=[call.method])


def _view(bridge: Bridge, call: Endpoint[Any]) -> Callable[..., Response]:
    def view(**in_path: str) -> Response:
        acting = bridge if call.action is None else bridge.acting(g.caller.via(called(request)))
        reply = call.answer(acting, request, in_path, bridge.config.policy.limits.api_body)
        if reply.body is None:
            return _without_body(reply.status)
        body = reply.body
        if call.secrets and not g.caller.may(SEES_SECRETS):
            body = call.without_secrets(body)
        return Response(as_json(body), reply.status, mimetype="application/json")

    return view


def _without_body(status: int) -> Response:
    response = Response(status=status)
    del response.headers["Content-Type"]
    return response


def rule(call: Endpoint[Any]) -> str:
    """The path of a call in Flask's notation."""
    return call.path.replace("{", "<").replace("}", ">")


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
