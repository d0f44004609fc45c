"""Runs a simulated world on loopback ports, in real time."""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server

from bridge.simulator.apple.http import apple_app
from bridge.simulator.mdm.http import mdm_app
from bridge.simulator.world import World

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication, WSGIEnvironment


_POLL = 0.05  # seconds until a server notices that it shall stop


class _QuietHandler(WSGIRequestHandler):
    """Logs no requests, and closes the socket where the application drops the connection."""

    protocol_version = "HTTP/1.1"

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Say nothing: a demonstration shows its own progress."""

    def send_response(self, code: int, message: str | None = None) -> None:
        """The status; without a date, of which the applications tell, as their world has it."""
        self.send_response_only(code, message)
        self.send_header("Server", self.version_string())

    def connection_dropped(
        self, error: BaseException, environ: WSGIEnvironment | None = None
    ) -> None:
        """ConnectionDropped, or a client that went away."""
        self.close_connection = True


class Running:
    """A world that is being served. Its kernel must follow a real clock."""

    def __init__(self, world: World, apple_port: int = 0, mdm_port: int | None = 0) -> None:
        self.world = world
        self._stop = threading.Event()
        self._failure: BaseException | None = None
        self._servers = [_server(apple_app(world), apple_port)]
        if mdm_port is not None:
            self._servers.append(_server(mdm_app(world), mdm_port))
        world.outgoing.start()
        jobs: list[Callable[[], None]] = [
            partial(server.serve_forever, _POLL) for server in self._servers
        ]
        jobs.append(self._run)
        self._threads = [threading.Thread(target=job, daemon=True) for job in jobs]
        for thread in self._threads:
            thread.start()

    @property
    def apple_url(self) -> str:
        """What `apple.url` must be in the bridge's configuration."""
        return f"http://127.0.0.1:{self._servers[0].port}/mdm/v2"

    @property
    def mdm_url(self) -> str:
        """What a server's `url` must be in the bridge's configuration."""
        return f"http://127.0.0.1:{self._servers[1].port}"

    def _run(self) -> None:
        try:
            self.world.kernel.run(self._stop)
        except BaseException as failure:
            self._failure = failure
            raise

    def stop(self) -> None:
        """Close the ports and end the threads; raises what the world's own thread died of."""
        self._stop.set()
        self.world.kernel.wake()
        for server in self._servers:
            server.shutdown()
            server.server_close()
        for thread in self._threads:
            thread.join(timeout=5)
        self.world.outgoing.stop()
        if self._failure is not None:
            raise self._failure


def _server(app: WSGIApplication, port: int) -> BaseWSGIServer:
    return make_server("127.0.0.1", port, app, threaded=True, request_handler=_QuietHandler)


def run(world: World, apple_port: int = 0, mdm_port: int | None = 0) -> Running:
    """Serve both simulated services on loopback (port 0: any free one) until `Running.stop`;
    Apple's alone where the other has no port (None).

    The world must have been built with a real `clock`.
    """
    return Running(world, apple_port, mdm_port)
