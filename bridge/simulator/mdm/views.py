"""What the APIs of simulated MDM servers have in common: credentials, faults, the version."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, ClassVar

from flask import Response, request

from bridge.simulator.faults import Fault
from bridge.simulator.wsgi import json_response, with_faults

if TYPE_CHECKING:
    from bridge.simulator.world import World


class Views:
    """Views of a server whose API `user` opens with its key."""

    user: ClassVar[str] = "micromdm"

    def __init__(self, world: World) -> None:
        self._world = world
        self._mdm = world.mdm

    def version(self) -> Response:
        """GET /version, for which no key is needed."""
        names = ("branch", "revision", "go_version", "build_date", "build_user")
        body = {"version": self._mdm.settings.version} | dict.fromkeys(names, "unknown")
        return self._answer("version", lambda: json_response(body, indent=2))

    def _answer(self, name: str, process: Callable[[], Response]) -> Response:
        where = f"mdm.{name}"
        with self._world.lock:
            self._world.ledger.request(where)

        def locked() -> Response:
            with self._world.lock:
                return process()

        return with_faults(self._world, where, locked, self._refused)

    def _guarded(self, name: str, process: Callable[[], Response]) -> Response:
        return self._answer(name, process) if self._may() else self._unauthorized()

    def _may(self) -> bool:
        login = request.authorization
        return (
            login is not None
            and login.type == "basic"
            and login.username == self.user
            and login.password == self._mdm.settings.api_key
        )

    def _refused(self, fault: Fault) -> Response:
        return json_response({"error": "simulated failure"}, fault.status or 500, indent=2)

    def _unauthorized(self) -> Response:
        reply = json_response({"error": "Unauthorized"}, 401, indent=2)
        reply.headers["WWW-Authenticate"] = f'Basic realm="{self.user}"'
        return reply
