"""The two hooks: MDM servers and Apple tell here what happened.

In this order: unknown name 404, credentials 401, too large 413, too slow 408, not a JSON object (or
one that broke off) 400; where a signature over the body is among the credentials, 401 comes after
413 and 408; a database that cannot be used 503 with Retry-After; anything else is
stored and answered with an empty 200. MicroMDM closes a response body unread, so with any body it
would open a new connection for each event; and it sends every event once, so whatever else it is
answered, that event is lost. Sources: MicroMDM, workflow/webhook/http_post.go; NanoMDM,
service/webhook.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from flask import Blueprint, Response, request
from werkzeug.exceptions import NotFound

from bridge.web import credentials
from bridge.web.body import read_body
from bridge.web.doctor_requests import is_probe
from bridge.web.ports import Hooks
from bridge.web.problems import NotAuthorized, to_http
from bridge.web.strays import Strays
from bridge.web.webhooks import PROBLEM, Webhooks


def create_blueprint(bridge: Hooks, webhooks: Webhooks | None) -> Blueprint:
    """The routes below /hooks; without `webhooks` those for Apple alone."""
    limits = bridge.config.policy.limits
    strays = Strays(bridge, known_alone=webhooks is None)

    def count(kind: str, server: str | None = None) -> None:
        if not is_probe(bridge, request):
            bridge.count_refused(kind, server=server)

    def mdm(webhooks: Webhooks, server: str) -> Response:
        known = bridge.config.servers.get(server)
        if known is None:
            count("mdm.404", strays.whose(request))
            raise NotFound("No MDM server of this name is configured.")
        try:
            if problem_before := request.environ.pop(PROBLEM, None):
                raise problem_before
            webhooks.take(request, known)
        except NotAuthorized:
            count("mdm.401", server)
            raise
        except Exception as error:
            problem = to_http(error)
            if request.environ.get(credentials.KNOWN):
                bridge.webhook_refused(server, problem.code or 500)
            else:  # a stranger's, as far as is known: it makes nobody look
                count(f"mdm.{problem.code}", server)
            raise problem from error
        return Response(status=200)

    def apple(location: str) -> Response:
        if location not in bridge.config.locations:
            count("apple.404")
            raise NotFound("No location of this name is configured.")
        token = credentials.bearer(request.headers.get("Authorization"))
        if token is None or not bridge.notification_token_ok(location, token):
            count("apple.401")
            raise NotAuthorized("The notification token is missing or wrong.", credentials.BEARER)
        request.environ[credentials.KNOWN] = True
        try:
            bridge.receive_notification(location, read_body(request, limits.apple_body))
        except Exception as error:
            problem = to_http(error)
            raise problem from error
        return Response(status=200)

    def elsewhere(response: Response) -> Response:
        """A webhook that came to no hook is lost as well."""
        server = strays.strayed(request, response.status_code)
        if server is not None:
            count("mdm.404", server)
        return response

    blueprint = Blueprint("hooks", __name__, url_prefix="/hooks")
    views: dict[str, Callable[..., Response]] = {"/apple/<location>": apple}
    if webhooks is not None:
        views["/mdm/<server>"] = partial(mdm, webhooks)
    for rule, view in views.items():
        endpoint = rule.split("/")[1]
        blueprint.add_url_rule(
            rule, endpoint, view, methods=["POST"], provide_automatic_options=False
        )
    blueprint.after_app_request(elsewhere)
    return blueprint
