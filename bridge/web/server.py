"""The web side under gunicorn: one worker with threads, on sockets that are already listening.

One worker, because SQLite has one writer; threads and a long keep-alive, because MicroMDM posts
one event after the other over one connection and never again what meets a closing one. Go's
client drops idle connections after 90 s, so we keep them longer than that.
"""

from __future__ import annotations

import logging
import os
import resource
import signal
import socket
import sys
from collections.abc import Callable, Sequence
from typing import Any

from gunicorn.app.base import BaseApplication
from gunicorn.arbiter import Arbiter

from bridge.errors import BridgeError, StoreError
from bridge.store.patience import PEOPLE, by_default
from bridge.web import create_app, create_outside_app
from bridge.web.connections.worker import WebWorker
from bridge.web.ports import Bridge

log = logging.getLogger(__name__)

CONNECTIONS = 1200
"""How many are open at most, where the system allows so many files."""
OTHER_FILES = 100
"""What the web side has open besides connections, at most."""
WORKER_GRACE = 3
"""Seconds after which a worker that should end is killed. The whole must be gone within 5."""

_SHARED_MEMORY = "/dev/shm"  # noqa: S108 - only a heartbeat file, made by mkstemp

_IGNORED = ("SIGINT", "SIGHUP", "SIGUSR1", "SIGUSR2", "SIGTTIN", "SIGTTOU", "SIGWINCH")
"""The supervisor alone says when to stop; and a second worker or another gunicorn is not wanted."""


def run_web(
    open_bridge: Callable[[], Bridge],
    listeners: Sequence[socket.socket],
    *,
    after_fork: Callable[[], None],
    stored: Callable[[], None] | None = None,
) -> None:
    """Serve on `listeners` until SIGTERM; a worker that dies is replaced.

    The second one, where there is one, serves Apple's hook alone. `open_bridge` is called in the
    worker, after the fork, so that no database connection crosses it; so is `after_fork`, before
    anything else. `stored` is called when a request has stored something. Ends with SystemExit: 0
    after SIGTERM, another code when the worker cannot start.
    """
    fds = [listener.detach() for listener in listeners]
    _Application(open_bridge, fds, connections_allowed(), after_fork, stored).run()


def connections_allowed() -> int:
    """How many connections there may be; lets this process open as many files as that needs."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = CONNECTIONS + OTHER_FILES
    if soft != resource.RLIM_INFINITY and soft < wanted:
        soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        return max(soft - OTHER_FILES, soft // 2)
    return CONNECTIONS


class _Application(BaseApplication):
    def __init__(
        self,
        open_bridge: Callable[[], Bridge],
        fds: Sequence[int],
        connections: int,
        after_fork: Callable[[], None],
        stored: Callable[[], None] | None = None,
    ) -> None:
        self._stored = stored
        self._open_bridge = open_bridge
        self._fds = fds
        self._connections = connections
        self._after_fork = after_fork
        self._bridge: Bridge | None = None
        super().__init__()

    def load_config(self) -> None:
        """The settings; neither the environment nor any file adds to them."""
        for name, value in self._settings().items():
            self.cfg.set(name, value)

    def load(self) -> Any:
        """The application, made in the worker."""
        by_default(PEOPLE)
        try:
            self._bridge = self._open_bridge()
            return create_app(self._bridge, self._stored)
        except BridgeError as error:
            mend = f"; {error.mend}" if isinstance(error, StoreError) else ""
            log.error("the web side cannot start: %s%s", error, mend)
            sys.exit(Arbiter.APP_LOAD_ERROR)

    def outside(self) -> Any:
        """What the second listener serves; made in the worker, too."""
        assert self._bridge is not None
        return create_outside_app(self._bridge, self._stored)

    @property
    def body_limit(self) -> int:
        """The length of the longest body that anybody may send, in bytes."""
        assert self._bridge is not None
        limits = self._bridge.config.policy.limits
        return max(limits.mdm_body, limits.apple_body, limits.api_body)

    def end(self) -> None:
        """Let the bridge finish, in the worker."""
        if self._bridge is not None:
            self._bridge.end()

    def _settings(self) -> dict[str, Any]:
        return {
            "bind": [f"fd://{fd}" for fd in self._fds],
            "workers": 1,
            "worker_class": WebWorker,
            "worker_connections": self._connections,
            "http_parser": "python",  # of the two, the one that is always there
            "limit_request_line": 8190,
            "timeout": 30,
            "graceful_timeout": WORKER_GRACE,
            "preload_app": False,
            "control_socket_disable": True,
            "loglevel": "warning",
            "accesslog": None,
            "errorlog": None,
            # Nothing that a proxy says is used; contradicting headers would be refused.
            "forwarded_allow_ips": "",
            "secure_scheme_headers": {},
            "forwarder_headers": "",
            "worker_tmp_dir": _SHARED_MEMORY if os.access(_SHARED_MEMORY, os.W_OK) else None,
            "on_starting": lambda _arbiter: _log_with_ours(),
            "when_ready": lambda _arbiter: _ignore_signals(),
            "post_fork": lambda _arbiter, _worker: self._after_fork(),
            "post_worker_init": _worker_ready,
            "worker_exit": _worker_ended,
        }


def _log_with_ours() -> None:
    """Have gunicorn's messages in our handlers and formats; its logger keeps them to itself."""
    logging.getLogger("gunicorn.error").propagate = True


def _ignore_signals() -> None:
    for name in _IGNORED:
        signal.signal(getattr(signal, name), signal.SIG_IGN)


def _worker_ready(worker: Any) -> None:
    _ignore_signals()
    inside, *outside = [_where(listener) for listener in worker.sockets]
    log.info("hooks and API are ready on %s", inside)
    for where in outside:
        log.info("notifications alone are taken in on %s, too", where)


def _where(listener: Any) -> str:
    host, port = listener.getsockname()[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _worker_ended(_arbiter: Any, worker: Any) -> None:
    """Leave at once: at its exit Python would wait for threads that wait for their peers. What was
    answered is committed. The arbiter calls this too, for a worker that it finds gone."""
    if worker.booted and not worker.alive and os.getpid() == worker.pid:
        try:
            worker.app.end()
        finally:
            os._exit(0)
