"""The simulated MDM server as a Flask application: MicroMDM's API, and its ways of failing."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from flask import Flask, Response, request
from werkzeug.exceptions import MethodNotAllowed, NotFound

from bridge.errors import PlistError
from bridge.simulator.mdm import commands
from bridge.simulator.mdm.commands import Malformed
from bridge.simulator.mdm.mdm import PushFailed, Record, Repeated
from bridge.simulator.mdm.nano_http import nano_app
from bridge.simulator.mdm.views import Views
from bridge.simulator.wsgi import Droppable, drop, json_response, loses

if TYPE_CHECKING:
    from bridge.simulator.world import World


def mdm_app(world: World) -> Flask:
    """A WSGI application for the world's MDM server.

    Every failure but wrong credentials is HTTP 500 with `{"error": text}`, as MicroMDM does it.
    It raises ConnectionDropped where a fault loses a request or a reply.
    """
    if world.mdm.settings.kind != "micromdm":
        return nano_app(world)
    app = Flask("bridge.simulator.mdm.mdm")
    server = _Server(world)
    for methods, path, view in (
        (["GET"], "/version", server.version),
        (["POST"], "/v1/commands", server.post_json_command),
        (["POST", "PUT"], "/v1/commands/<key>", server.post_raw_command),
        (["GET"], "/v1/commands/<key>", server.view_queue),
        (["DELETE"], "/v1/commands/<key>", server.clear_queue),
        (["POST"], "/v1/devices", server.list_devices),
        (["POST"], "/v1/push/<key>", server.push),
        (["GET"], "/push/<key>", server.push),
    ):
        app.add_url_rule(path, path + view.__name__, view, methods=methods)
    app.register_error_handler(Malformed, lambda error: _failed(str(error)))
    app.register_error_handler(PushFailed, lambda error: _failed(str(error)))
    app.register_error_handler(Repeated, lambda error: _failed(str(error)))
    app.register_error_handler(
        PlistError, lambda error: _failed(f"parse payload as plist: {error}")
    )
    app.register_error_handler(MethodNotAllowed, lambda _: Response("", 405))
    app.register_error_handler(NotFound, lambda _: _no_such_page())
    app.wsgi_app = Droppable(app.wsgi_app)  # type: ignore[method-assign]
    return app


def _no_such_page() -> Response:
    return Response("404 page not found\n", 404)


def _failed(message: str) -> Response:
    return json_response({"error": message}, 500, indent=2)


def _ok(body: object, status: int = 200) -> Response:
    return json_response(body, status, indent=2)


def _json_body() -> dict[str, object]:
    """Go's decoder: the Content-Type does not matter, an empty body is EOF."""
    content = request.get_data()
    if not content:
        raise Malformed("EOF")
    try:
        body = json.loads(content)
    except ValueError as error:
        raise Malformed(f"invalid character: {error}") from None
    if not isinstance(body, dict):
        raise Malformed("json: cannot unmarshal array into Go value")
    return body


class _Server(Views):
    """The views. Bodies are decoded before credentials are looked at, as MicroMDM does it."""

    def post_json_command(self) -> Response:
        body = _json_body()

        def process() -> Response:
            key, command_uuid, payload = commands.from_json(body, self._world.kernel.uuid())
            self._mdm.accept(key, payload, lose=loses())
            return _ok(commands.echo(body, command_uuid), 201)

        return self._guarded("command", process)

    def post_raw_command(self, key: str) -> Response:
        payload = request.get_data()
        command_uuid, request_type, _ = commands.from_raw(payload)

        def process() -> Response:
            self._mdm.accept(key, payload, lose=loses())
            return _ok(
                {
                    "payload": {
                        "udid": key,
                        "command_uuid": command_uuid,
                        "command": {"request_type": request_type},
                        "payload": base64.b64encode(payload).decode(),
                    }
                },
                201,
            )

        return self._guarded("command", process)

    def view_queue(self, key: str) -> Response:
        def process() -> Response:
            waiting = [
                {
                    "uuid": command.command_uuid,
                    "payload": base64.b64encode(command.payload).decode(),
                }
                for command in self._mdm.queued(key)
            ]
            return _ok({"commands": waiting} if waiting else {})

        if self._mdm.settings.plain:
            return _no_such_page()
        if not self._mdm.settings.queue_view:
            return Response("", 405)
        return self._guarded("queue", process)

    def clear_queue(self, key: str) -> Response:
        def process() -> Response:
            self._mdm.clear(key)
            return _ok({})

        return self._guarded("clear", process)

    def list_devices(self) -> Response:
        """Only `filter_serial` is looked at; other options are ignored."""
        if self._mdm.settings.plain:
            return _no_such_page()
        serials = _json_body().get("filter_serial")

        def process() -> Response:
            wanted = set(serials) if isinstance(serials, list) else set()
            records = [
                _record(record, self._mdm.webhook.clock_ahead)
                for record in self._mdm.records
                if not wanted or record.serial_number in wanted
            ]
            return _ok({"devices": records or None})

        return self._guarded("devices", process)

    def push(self, key: str) -> Response:
        def process() -> Response:
            if not self._mdm.settings.push_certificate:
                return drop()  # MicroMDM panics without a push certificate
            expiration = request.args.get("expiration", type=float)
            push_id = self._mdm.push(key, expiration, lose=loses())
            return _ok({"status": "success", "push_notification_id": push_id})

        return self._guarded("push", process)


def _record(record: Record, clock_ahead: float) -> dict[str, object]:
    seen = None
    if record.last_seen is not None:
        seen = datetime.fromtimestamp(record.last_seen + clock_ahead, UTC)
    return {
        "serial_number": record.serial_number,
        "udid": record.udid,
        "enrollment_status": record.enrolled,
        "last_seen": f"{seen:%Y-%m-%dT%H:%M:%SZ}" if seen else "0001-01-01T00:00:00Z",
        "dep_profile_status": "" if record.udid else "assigned",
    }
