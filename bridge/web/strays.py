"""Webhooks that were posted to a wrong path: whose they are, told without reading them.

MicroMDM posts JSON, with the user and password of its webhook URL as Basic credentials. So the
right key at a wrong path says which server it is. What else looks like a webhook is the only
server's, if there is but one. Source: MicroMDM, workflow/webhook/http_post.go.
"""

from __future__ import annotations

from flask import Request

from bridge.domain.webhooks import NOBODY
from bridge.web import credentials
from bridge.web.ports import Hooks

_NOWHERE = (401, 404, 405)
"""How what is no hook answers a POST."""


class Strays:
    """Looks at requests that no hook takes; with `known_alone` only the right key tells anything,
    as where the whole world may post."""

    def __init__(self, bridge: Hooks, *, known_alone: bool) -> None:
        self._servers = bridge.config.servers
        self._known_alone = known_alone

    def whose(self, request: Request) -> str | None:
        """The server that posted this; `NOBODY` where that is not known, None if none did."""
        offered = credentials.basic(request.headers.get("Authorization"))
        named = self._by_key(offered[1]) if offered else []
        if len(named) == 1:
            return named[0]
        is_json = (request.content_type or "").lower().startswith("application/json")
        if not (offered or is_json) or not self._servers:
            return None
        return next(iter(self._servers)) if len(self._servers) == 1 else NOBODY

    def strayed(self, request: Request, status: int) -> str | None:
        """As `whose`, for a request that was answered `status` and did not come to a hook.

        Outside /hooks only the right key counts.
        """
        views = ("hooks.mdm", "hooks.apple")
        if request.method != "POST" or status not in _NOWHERE or request.endpoint in views:
            return None
        if not self._known_alone and request.path.startswith("/hooks/"):
            return self.whose(request)
        offered = credentials.basic(request.headers.get("Authorization"))
        named = self._by_key(offered[1]) if offered else []
        return named[0] if len(named) == 1 else NOBODY if named else None

    def _by_key(self, password: bytes) -> list[str]:
        return [
            server.name
            for server in self._servers.values()
            if credentials.matches(password, server.webhook_keys)
        ]
