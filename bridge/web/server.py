"""The web side under gunicorn: one worker with threads, on a socket that is already listening.

One worker, because SQLite has one writer; threads and a long keep-alive, because MicroMDM posts
one event after the other over one connection and never again what meets a closing one. Go's
client drops idle connections after 90 s, so we keep them longer than that.
"""

from __future__ import annotations

import logging
import os
import signal
import socket
import struct
import sys
from collections.abc import Callable
from typing import Any

from gunicorn.app.base import BaseApplication
from gunicorn.arbiter import Arbiter
from gunicorn.glogging import Logger
from gunicorn.workers.gthread import ThreadWorker

from bridge.errors import BridgeError
from bridge.web import create_app
from bridge.web.ports import Bridge

log = logging.getLogger(__name__)

THREADS = 8
KEEP_ALIVE = 120
REQUEST_GRACE = 1
"""Seconds that requests and kept-alive connections get at the end; then nobody answers until the
next start, so the longer it takes the more is lost."""
WORKER_GRACE = 3
"""Seconds after which a worker that should end is killed. The whole must be gone within 5."""

READ_TIMEOUT = 30
_SHARED_MEMORY = "/dev/shm"  # noqa: S108 - only a heartbeat file, made by mkstemp

_IGNORED = ("SIGINT", "SIGHUP", "SIGUSR1", "SIGUSR2", "SIGTTIN", "SIGTTOU", "SIGWINCH")
"""The supervisor alone says when to stop; and a second worker or another gunicorn is not wanted."""


def run_web(
    open_bridge: Callable[[], Bridge], listener: socket.socket, *, after_fork: Callable[[], None]
) -> None:
    """Serve on `listener` until SIGTERM; a worker that dies is replaced.

    `open_bridge` is called in the worker, after the fork, so that no database connection crosses
    it; so is `after_fork`, before anything else. Ends with SystemExit: 0 after SIGTERM, another
    code when the worker cannot start.
    """
    limit_reads(listener)
    _Application(open_bridge, listener.detach(), after_fork).run()


def limit_reads(listener: socket.socket) -> None:
    """Let no read of an accepted connection block for longer than READ_TIMEOUT seconds.

    A peer that vanishes in the middle of a request must not keep its thread for ever, and
    gunicorn has no limit there. Accepted sockets inherit the option, on Linux and macOS.
    """
    timeout = struct.pack("ll", READ_TIMEOUT, 0)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, timeout)


class _Application(BaseApplication):
    def __init__(
        self, open_bridge: Callable[[], Bridge], fd: int, after_fork: Callable[[], None]
    ) -> None:
        self._open_bridge = open_bridge
        self._fd = fd
        self._after_fork = after_fork
        self._bridge: Bridge | None = None
        super().__init__()

    def load_config(self) -> None:
        """The settings; neither the environment nor any file adds to them."""
        for name, value in self._settings().items():
            self.cfg.set(name, value)

    def load(self) -> Any:
        """The application, made in the worker."""
        try:
            self._bridge = self._open_bridge()
            return create_app(self._bridge)
        except BridgeError as error:
            log.error("the web side cannot start: %s", error)
            sys.exit(Arbiter.APP_LOAD_ERROR)

    def end(self) -> None:
        """Let the bridge finish, in the worker."""
        if self._bridge is not None:
            self._bridge.end()

    def _settings(self) -> dict[str, Any]:
        return {
            "bind": f"fd://{self._fd}",
            "workers": 1,
            "worker_class": WebWorker,
            "threads": THREADS,
            "worker_connections": 200,  # below the usual limit of open files, 256 on macOS
            "keepalive": KEEP_ALIVE,
            "timeout": 30,
            "graceful_timeout": WORKER_GRACE,
            "preload_app": False,
            "control_socket_disable": True,
            "logger_class": WebLogger,
            "loglevel": "warning",
            "accesslog": None,
            "errorlog": None,
            # Nothing that a proxy says is used; contradicting headers would be refused.
            "forwarded_allow_ips": "",
            "secure_scheme_headers": {},
            "forwarder_headers": "",
            "worker_tmp_dir": _SHARED_MEMORY if os.access(_SHARED_MEMORY, os.W_OK) else None,
            "when_ready": lambda _arbiter: _ignore_signals(),
            "post_fork": self._forked,
            "post_worker_init": _worker_ready,
            "worker_exit": _worker_ended,
        }

    def _forked(self, _arbiter: Any, worker: Any) -> None:
        worker.cfg.set("graceful_timeout", REQUEST_GRACE)  # the worker's copy, not the arbiter's
        self._after_fork()


class WebWorker(ThreadWorker):
    """gunicorn's threaded worker, held up by no peer that does not hang up.

    gunicorn waits up to 2 s for that in its main thread, where all other connections wait too.
    """

    def handle(self, conn: Any) -> Any:
        """Serve one request; a connection that is to be closed is closed here, in the thread."""
        keep = super().handle(conn)
        if keep is False:
            conn.close(graceful=True)
            conn.close = _already_closed
        return keep


def _already_closed(graceful: bool = False) -> None:
    """Stands in for the `close` of a connection that the thread has closed."""


class WebLogger(Logger):
    """gunicorn's messages through our own handlers and formats."""

    def setup(self, cfg: Any) -> None:
        """Add no handler, and let the root's have what is logged."""
        super().setup(cfg)
        self.error_log.propagate = True

    def exception(self, msg: object, *args: object, **kwargs: Any) -> None:
        """A peer that stopped sending is no failure of ours."""
        if isinstance(sys.exc_info()[1], BlockingIOError):
            log.warning("a request stopped in the middle and was given up")
        else:
            super().exception(msg, *args, **kwargs)


def _ignore_signals() -> None:
    for name in _IGNORED:
        signal.signal(getattr(signal, name), signal.SIG_IGN)


def _worker_ready(worker: Any) -> None:
    _ignore_signals()
    host, port = worker.sockets[0].getsockname()[:2]
    log.info("hooks and API are ready on %s:%d", f"[{host}]" if ":" in host else host, port)


def _worker_ended(_arbiter: Any, worker: Any) -> None:
    """Leave at once: at its exit Python would wait for threads that wait for their peers. What was
    answered is committed. The arbiter calls this too, for a worker that it finds gone."""
    if worker.booted and not worker.alive and os.getpid() == worker.pid:
        try:
            worker.app.end()
        finally:
            os._exit(0)
