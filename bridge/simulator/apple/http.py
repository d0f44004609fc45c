"""The simulated Apple service as a Flask application."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING

from flask import Flask, Response, request
from werkzeug.exceptions import MethodNotAllowed, NotFound
from werkzeug.http import http_date

from bridge.simulator.apple import config, endpoints, notifications
from bridge.simulator.apple.apple import ContentToken, Location
from bridge.simulator.apple.errors import Refusal
from bridge.simulator.faults import Fault
from bridge.simulator.wsgi import Droppable, json_response, with_faults

if TYPE_CHECKING:
    from bridge.simulator.world import World

Work = Callable[[Location], dict[str, object]]


def apple_app(world: World) -> Flask:
    """A WSGI application for the world's Apple, under /mdm/v2 as the real one.

    It raises ConnectionDropped where a fault loses a request or a reply.
    """
    app = Flask("bridge.simulator.apple.apple")
    service = _Service(world)
    for method, path, view in (
        ("GET", "service/config", service.service_config),
        ("GET", "client/config", service.client_config),
        ("POST", "client/config", service.set_client_config),
        ("GET", "assets", service.assets),
        ("POST", "assets/associate", service.associate),
        ("POST", "assets/disassociate", service.disassociate),
        ("POST", "assets/revoke", service.revoke),
        ("GET", "assignments", service.assignments),
        ("GET", "status", service.status),
        ("GET", "users", service.users),
        ("POST", "users/create", service.create_users),
        ("POST", "users/update", service.update_users),
        ("POST", "users/retire", service.retire_users),
        ("GET", "subscriptions", service.subscriptions),
        ("GET", "subscriptions/assignments", service.subscription_assignments),
    ):
        app.add_url_rule(f"/mdm/v2/{path}", view.__name__, view, methods=[method])
    app.add_url_rule(config.LOOKUP_PATH, "lookup", service.lookup, methods=["GET"])
    app.add_url_rule(config.INVITATION_PATH, "accept", service.accept, methods=["GET"])
    app.register_error_handler(Refusal, refused)
    app.register_error_handler(MethodNotAllowed, lambda _: refused(Refusal(9726)))
    app.register_error_handler(NotFound, lambda _: Response("Not Found", 404))
    app.after_request(service.dated)
    app.wsgi_app = Droppable(app.wsgi_app)  # type: ignore[method-assign]
    return app


def refused(refusal: Refusal) -> Response:
    """The reply that carries an errorNumber."""
    reply = json_response(refusal.as_json(), refusal.status)
    if refusal.retry_after is not None:
        reply.headers["Retry-After"] = f"{refusal.retry_after:g}"
    return reply


def _refusal_of(fault: Fault) -> Response:
    return refused(Refusal(fault.number, status=fault.status, retry_after=fault.retry_after))


def _body() -> dict[str, object]:
    if request.mimetype != "application/json":
        raise Refusal(9727)
    try:
        body = json.loads(request.get_data())
    except ValueError:
        raise Refusal(9602) from None
    if not isinstance(body, dict):
        raise Refusal(9602)
    return body


class _Service:
    """The views. Each takes the world's lock only while it computes."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._apple = world.apple

    def _answer(self, name: str, process: Callable[[], Response]) -> Response:
        where = f"apple.{name}"
        with self._world.lock:
            self._world.ledger.request(where)
        return with_faults(self._world, where, process, _refusal_of)

    def _work(self, name: str, work: Work, *, write: bool = False) -> Response:
        def process() -> Response:
            with self._world.lock:
                location, token = self._location(name, write=write)
                return json_response(work(location) | self._apple.envelope(location, token))

        return self._answer(name, process)

    def _location(self, name: str, *, write: bool) -> tuple[Location, ContentToken]:
        location, token = self._apple.authenticate(
            request.headers.get("Authorization"), write=write
        )
        self._apple.count_call(location, f"apple.{name}")
        return location, token

    def dated(self, reply: Response) -> Response:
        """The reply with Apple's time in it."""
        ahead = self._apple.settings.clock_ahead
        reply.headers["Date"] = http_date(self._world.now + ahead)
        return reply

    def service_config(self) -> Response:
        def process() -> Response:
            root, settings = request.host_url.rstrip("/"), self._apple.settings
            return json_response(config.service_config(root, settings.limits, settings.hidden_keys))

        return self._answer("service_config", process)

    def client_config(self) -> Response:
        return self._work("client_config", endpoints.client_config)

    def set_client_config(self) -> Response:
        """Apple posts a TEST_NOTIFICATION meanwhile, and the lock is free while it does."""
        return self._answer("set_client_config", self._set_client_config)

    def _set_client_config(self) -> Response:
        limits = self._apple.settings.limits
        with self._world.lock:
            location, token = self._location("set_client_config", write=True)
            wish = _body()
            client = config.changed(location.client, wish, limits)
            test = location.notifier.envelope("TEST_NOTIFICATION", {})
        if wish.get("notificationUrl"):
            letter = notifications.letter(client, test)
            if not notifications.delivered(self._world.outgoing.send_now(letter)):
                raise Refusal(9728)
        with self._world.lock:
            location.client = client
            answer = endpoints.client_config(location)
            return json_response(answer | self._apple.envelope(location, token))

    def assets(self) -> Response:
        return self._work("assets", lambda at: endpoints.assets(self._apple, at, _query()))

    def assignments(self) -> Response:
        return self._work(
            "assignments", lambda at: endpoints.assignments(self._apple, at, _query())
        )

    def status(self) -> Response:
        return self._work("status", lambda at: endpoints.status(self._apple, at, _query()))

    def users(self) -> Response:
        size = self._apple.settings.page_size
        return self._work("users", lambda at: at.users.listed(_query(), size))

    def create_users(self) -> Response:
        return self._manage_users("create_users", "CREATE")

    def update_users(self) -> Response:
        return self._manage_users("update_users", "UPDATE")

    def retire_users(self) -> Response:
        return self._manage_users("retire_users", "RETIRE")

    def _manage_users(self, name: str, kind: str) -> Response:
        def work(location: Location) -> dict[str, object]:
            event = location.users.asked(_body(), self._apple.settings.limits["maxUsers"], kind)
            return {"eventId": self._apple.submit_users(location, event).event_id}

        return self._work(name, work, write=True)

    def accept(self) -> Response:
        """A person opens the link of an invitation, and signs in."""
        code = request.args.get("inviteCode", "")
        with self._world.lock:
            found = any(each.users.accept_by(code) for each in self._apple.locations)
        text = "The invitation is accepted." if found else "The invitation is not valid any more."
        return Response(f"{text}\n", 200 if found else 404, mimetype="text/plain")

    def associate(self) -> Response:
        return self._work(
            "associate", lambda at: endpoints.associate(self._apple, at, _body()), write=True
        )

    def disassociate(self) -> Response:
        return self._work(
            "disassociate", lambda at: endpoints.disassociate(self._apple, at, _body()), write=True
        )

    def revoke(self) -> Response:
        return self._work(
            "revoke", lambda at: endpoints.revoke(self._apple, at, _body()), write=True
        )

    def subscriptions(self) -> Response:
        size = self._apple.settings.page_size
        return self._work("subscriptions", lambda at: at.subscriptions.listed(_query(), size))

    def subscription_assignments(self) -> Response:
        size = self._apple.settings.page_size
        return self._work(
            "subscription_assignments", lambda at: at.subscriptions.assignments(_query(), size)
        )

    def lookup(self) -> Response:
        names = self._world.catalogue
        settings = self._world.apple.settings
        return self._answer(
            "lookup", lambda: json_response(endpoints.lookup(names, settings, _query()))
        )


def _query() -> dict[str, str]:
    return request.args.to_dict()
