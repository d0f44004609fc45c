"""Taking webhooks in: one way, which those that are as they should be go past Flask.

In Flask a webhook costs as much as in all the Python behind it, and a fleet sends hundreds of
thousands. So what is posted to the very path of a hook is taken in before Flask is asked. Whatever
is wrong with it stands in the request's environ then, for Flask's view to word, count and tell.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from werkzeug.wrappers import Request

from bridge.clients.listener import MARK_HEADER, SIGNATURE_HEADER
from bridge.config import ServerConfig
from bridge.web import credentials
from bridge.web.body import read_body
from bridge.web.patience import WEBHOOKS_WAIT, check
from bridge.web.ports import Hooks
from bridge.web.problems import NotAuthorized

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

PROBLEM = "bridge.problem"
"""The key under which a request's environ has what kept its webhook from being taken in."""

PREFIX = "/hooks/mdm/"


class Webhooks:
    """The hooks of all MDM servers."""

    def __init__(self, bridge: Hooks) -> None:
        self._bridge = bridge
        self._by_path = {PREFIX + name: server for name, server in bridge.config.servers.items()}

    def at(self, environ: WSGIEnvironment) -> ServerConfig | None:
        """The server to whose hook a request is posted, if it is plain which."""
        if environ["REQUEST_METHOD"] != "POST":
            return None
        return self._by_path.get(environ["PATH_INFO"])

    def take(self, request: Request, server: ServerConfig) -> None:
        """Store and commit one. From when its sender is known its environ says so (`KNOWN`).

        Raises NotAuthorized before anything is read, but for a signature, which is over the body;
        Overloaded; what `read_body` and `receive_webhook` raise.
        """
        has_password = not server.webhook_keys or _has_password(request, server)
        if not server.webhook_hmac_keys:
            _admit(request, bool(server.webhook_keys) and has_password)
        check(request.environ, WEBHOOKS_WAIT)
        body = read_body(request, self._bridge.config.policy.limits.mdm_body)
        if server.webhook_hmac_keys:
            _admit(request, has_password and _is_signed(request, server, body))
        headers = ("Content-Type", MARK_HEADER, SIGNATURE_HEADER)
        self._bridge.receive_webhook(server.name, body, *map(request.headers.get, headers))


class PastFlask:
    """The WSGI application `app`, which webhooks reach only where something is wrong with them.

    `stored` is called when one was stored.
    """

    def __init__(
        self, app: WSGIApplication, webhooks: Webhooks, stored: Callable[[], None] | None
    ) -> None:
        self._app = app
        self._webhooks = webhooks
        self._stored = stored

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        server = self._webhooks.at(environ)
        if server is None:
            return self._app(environ, start_response)
        try:
            self._webhooks.take(Request(environ, populate_request=False), server)
        except Exception as error:  # noqa: BLE001 - the view raises it
            environ[PROBLEM] = error
            return self._app(environ, start_response)
        if self._stored is not None:
            self._stored()
        start_response("200 OK", [("Content-Length", "0")])
        return ()


def _admit(request: Request, is_theirs: bool) -> None:
    if not is_theirs:
        raise NotAuthorized("The webhook's key is missing or wrong.", credentials.BASIC)
    request.environ[credentials.KNOWN] = True


def _has_password(request: Request, server: ServerConfig) -> bool:
    offered = credentials.basic(request.headers.get("Authorization"))
    return offered is not None and credentials.matches(offered[1], server.webhook_keys)


def _is_signed(request: Request, server: ServerConfig, body: bytes) -> bool:
    signature = request.headers.get(SIGNATURE_HEADER)
    return credentials.signed(signature, body, server.webhook_hmac_keys)
