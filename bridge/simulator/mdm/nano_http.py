"""The simulated NanoMDM and NanoHUB as Flask applications: their API, and its answers.

Source: NanoMDM 0.9.0, http/api and api; seen of the real ones in tests/real.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from flask import Flask, Response, request

from bridge.errors import PlistError
from bridge.simulator.faults import Fault
from bridge.simulator.mdm.commands import Malformed, from_raw
from bridge.simulator.mdm.mdm import PushFailed, Repeated
from bridge.simulator.mdm.nano import NanoMdm, NotEnrolledThere
from bridge.simulator.mdm.views import Views
from bridge.simulator.wsgi import Droppable, json_response, loses

if TYPE_CHECKING:
    from bridge.simulator.world import World

PREFIXES = {"nanomdm": "/v1", "nanohub": "/api/v1/nanomdm"}


def nano_app(world: World) -> Flask:
    """A WSGI application for the world's NanoMDM or NanoHUB.

    It raises ConnectionDropped where a fault loses a request or a reply.
    """
    app = Flask("bridge.simulator.mdm.nano")
    kind = world.mdm.settings.kind
    views = _NanoHub(world) if kind == "nanohub" else _NanoMdm(world)
    every = ["GET", "PUT", "POST"]
    app.add_url_rule("/version", "version", views.version, methods=["GET"])
    for name, view in (("enqueue", views.enqueue), ("push", views.push)):
        app.add_url_rule(f"{PREFIXES[kind]}/{name}/<ids>", name, view, methods=every)
    app.add_url_rule(f"{PREFIXES[kind]}/pushcert", "push_cert", views.push_cert, methods=every)
    app.register_error_handler(404, lambda _: Response("404 page not found\n", 404))
    app.wsgi_app = Droppable(app.wsgi_app)  # type: ignore[method-assign]
    return app


class _NanoMdm(Views):
    """The views. A body that is wrong comes after wrong credentials."""

    user: ClassVar[str] = "nanomdm"

    def __init__(self, world: World) -> None:
        super().__init__(world)
        assert isinstance(world.mdm, NanoMdm), "build_world makes one for these kinds"
        self._nano = world.mdm

    def enqueue(self, ids: str) -> Response:
        """PUT …/enqueue/{ids}: store a command, then push. The method is not looked at."""
        payload = request.get_data()

        def process() -> Response:
            names, result = ids.split(","), {}
            try:
                command_uuid, request_type, _ = from_raw(payload)
            except (Malformed, PlistError) as error:
                return _reply({"command_error": f"decoding command: {error}"}, 500)
            try:
                self._nano.accept_for(names, payload, lose=loses())
            except (Repeated, NotEnrolledThere) as error:
                result["command_error"] = str(error)
            named = {"command_uuid": command_uuid, "request_type": request_type}
            if "command_error" in result:
                return _reply(result | named, 500)
            if request.args.get("nopush"):  # whatever its value
                return _reply({"no_push": True} | named, 200)
            pushed, status = self._pushed(names)
            return _reply(pushed | named, status)

        return self._guarded("command", process)

    def push(self, ids: str) -> Response:
        """GET …/push/{ids}. The method is not looked at."""

        def process() -> Response:
            return _reply(*self._pushed(ids.split(",")))

        return self._guarded("push", process)

    def push_cert(self) -> Response:
        """…/pushcert, which stores what it gets, whatever the method; here it gets nothing."""
        said = "tls: failed to find any PEM data in certificate input"
        return self._guarded("push_cert", lambda: _reply({"error": said}, 400))

    def _pushed(self, names: list[str]) -> tuple[dict[str, Any], int]:
        """The result of a push, and its status: the worst, or 207 where some arrived."""
        told: dict[str, dict[str, str]] = {}
        for name in names:
            try:
                told[name] = {"push_result": self._mdm.push(name, lose=loses())}
            except PushFailed:
                told[name] = {"push_error": "push data missing for id"}
        if not self._mdm.settings.push_certificate:
            unknown = {name: each for name, each in told.items() if "push_error" in each}
            error = "retrieving push cert for topic: key not found"
            return ({"status": unknown} if unknown else {}) | {"push_error": error}, 500
        failed = sum("push_error" in each for each in told.values())
        status = 200 if not failed else 500 if failed == len(names) else 207
        return {"status": told}, status

    def _refused(self, fault: Fault) -> Response:
        said = "decoding command: simulated failure"
        return _reply({"command_error": said, "push_error": said}, fault.status or 500)

    def _unauthorized(self) -> Response:
        reply = Response("Unauthorized\n", 401)
        reply.headers["WWW-Authenticate"] = f'Basic realm="{self.user}"'
        return reply


class _NanoHub(_NanoMdm):
    user: ClassVar[str] = "nanohub"


def _reply(body: dict[str, Any], status: int) -> Response:
    return json_response(body, status, indent=1)
