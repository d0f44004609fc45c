"""What the simulated Apple and MDM servers have in common as WSGI applications."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from flask import Response, g, request
from werkzeug.wsgi import ClosingIterator

from bridge.simulator.faults import Fault, Faults

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

    from bridge.simulator.world import World

_DROP = "bridge.simulator.drop"
_GATEWAY_PAGE = "<html><body><h1>502 Bad Gateway</h1></body></html>"


class ConnectionDropped(ConnectionError):
    """The server closes the connection without a reply; nothing says whether it did its work.

    An in-process client sees it raised by the WSGI application; a real client loses its socket.
    """


class Droppable:
    """WSGI middleware that turns `drop()` inside a view into ConnectionDropped."""

    def __init__(self, app: WSGIApplication) -> None:
        self._app = app

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        body = self._app(environ, start_response)
        if _DROP in environ:
            ClosingIterator(body).close()
            raise ConnectionDropped("the simulated server dropped the connection")
        return body


def drop() -> Response:
    """Answer this request by closing the connection."""
    request.environ[_DROP] = True
    return Response()


def json_response(body: object, status: int = 200, *, indent: int | None = None) -> Response:
    """A JSON reply, its keys in the order given."""
    text = json.dumps(body, indent=indent)
    return Response(text, status, content_type="application/json; charset=utf-8")


def with_faults(
    world: World,
    where: str,
    process: Callable[[], Response],
    refuse: Callable[[Fault], Response],
) -> Response:
    """The reply of `process`, unless a planned fault spoils the request or the reply.

    `refuse` makes the definite no of a fault "error"; nothing was done then. In a hasty world all
    that is due happens before the reply leaves.
    """
    reply = _spoilt(world.faults, where, process, refuse)
    if world.hasty:
        world.kernel.advance(world.now)
    return reply


def _spoilt(
    faults: Faults,
    where: str,
    process: Callable[[], Response],
    refuse: Callable[[Fault], Response],
) -> Response:
    fault = faults.strike(where, f"{request.full_path} {request.get_data(as_text=True)}")
    g.loses = fault is not None and fault.what == "lose"
    if fault is None:
        return process()
    if fault.what == "request_lost":
        return drop()
    if fault.what == "error":
        return refuse(fault)
    if fault.what == "gateway":
        return _gateway(fault)
    reply = process()
    if fault.what == "reply_lost":
        return drop()
    if fault.what == "gateway_after":
        return _gateway(fault)
    if fault.what == "odd" and reply.is_json:
        return json_response(fault.edit(json.loads(reply.get_data())), reply.status_code)
    if fault.what == "garbled":
        return Response("\x00\x1f{not json", 200, content_type="application/json")
    return reply


def loses() -> bool:
    """Whether a fault "lose" wants this request to be answered well and forgotten."""
    return bool(g.loses)


def _gateway(fault: Fault) -> Response:
    headers: dict[str, Any] = {}
    if fault.retry_after is not None:
        headers["Retry-After"] = f"{fault.retry_after:g}"
    return Response(_GATEWAY_PAGE, fault.status or 502, headers, content_type="text/html")
