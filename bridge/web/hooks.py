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

from flask import Blueprint, Response, request
from werkzeug.exceptions import HTTPException, NotFound

from bridge.clients.listener import MARK_HEADER
from bridge.config import ServerConfig
from bridge.web import credentials
from bridge.web.body import read_body
from bridge.web.doctor_requests import is_probe
from bridge.web.ports import Hooks
from bridge.web.problems import NotAuthorized, to_http
from bridge.web.strays import Strays


def create_blueprint(bridge: Hooks, *, apple_alone: bool = False) -> Blueprint:
    """The routes below /hooks; with `apple_alone` without those for MDM servers."""
    limits = bridge.config.policy.limits
    strays = Strays(bridge, known_alone=apple_alone)

    def count(kind: str, server: str | None = None) -> None:
        if not is_probe(bridge, request):
            bridge.count_refused(kind, server=server)

    def mdm(server: str) -> Response:
        known = bridge.config.servers.get(server)
        if known is None:
            count("mdm.404", strays.whose(request))
            raise NotFound("No MDM server of this name is configured.")
        has_password = not known.webhook_keys or _has_password(known)

        def admit(is_theirs: bool) -> None:
            if not is_theirs:
                count("mdm.401", server)
                raise NotAuthorized("The webhook's key is missing or wrong.", credentials.BASIC)
            request.environ[credentials.KNOWN] = True

        def store(body: bytes) -> None:
            if known.webhook_hmac_keys:
                admit(has_password and _is_signed(known, body))
            headers = request.headers.get("Content-Type"), request.headers.get(MARK_HEADER)
            bridge.receive_webhook(server, body, *headers)

        if not known.webhook_hmac_keys:
            admit(bool(known.webhook_keys) and has_password)
        try:
            return _take_in(store, limits.mdm_body)
        except NotAuthorized:
            raise
        except HTTPException as error:
            if request.environ.get(credentials.KNOWN):
                bridge.webhook_refused(server, error.code or 500)
            else:  # a stranger's, as far as is known: it makes nobody look
                count(f"mdm.{error.code}", server)
            raise

    def apple(location: str) -> Response:
        if location not in bridge.config.locations:
            count("apple.404")
            raise NotFound("No location of this name is configured.")
        token = credentials.bearer(request.headers.get("Authorization"))
        if token is None or not bridge.notification_token_ok(location, token):
            count("apple.401")
            raise NotAuthorized("The notification token is missing or wrong.", credentials.BEARER)
        request.environ[credentials.KNOWN] = True
        return _take_in(lambda body: bridge.receive_notification(location, body), limits.apple_body)

    def elsewhere(response: Response) -> Response:
        """A webhook that came to no hook is lost as well."""
        server = strays.strayed(request, response.status_code)
        if server is not None:
            count("mdm.404", server)
        return response

    blueprint = Blueprint("hooks", __name__, url_prefix="/hooks")
    views: dict[str, Callable[..., Response]] = {"/apple/<location>": apple}
    if not apple_alone:
        views["/mdm/<server>"] = mdm
    for rule, view in views.items():
        blueprint.add_url_rule(
            rule, view_func=view, methods=["POST"], provide_automatic_options=False
        )
    blueprint.after_app_request(elsewhere)
    return blueprint


def _has_password(server: ServerConfig) -> bool:
    offered = credentials.basic(request.headers.get("Authorization"))
    return offered is not None and credentials.matches(offered[1], server.webhook_keys)


def _is_signed(server: ServerConfig, body: bytes) -> bool:
    signature = request.headers.get(credentials.SIGNATURE_HEADER)
    return credentials.signed(signature, body, server.webhook_hmac_keys)


def _take_in(store: Callable[[bytes], None], limit: int) -> Response:
    try:
        store(read_body(request, limit))
    except Exception as error:
        problem = to_http(error)
        raise problem from error
    return Response(status=200)
