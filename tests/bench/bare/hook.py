"""A hook that does nothing but keep what comes: Flask and gunicorn, one INSERT, one FULL commit.

Run as `python -m tests.bench.bare.hook PORT DATABASE STYLE`. STYLE is how its eight threads share
the database, `own` connections or one `shared` with a lock; the benchmark takes the better.
"""

from __future__ import annotations

import sqlite3
import sys
import threading
from typing import Any

from flask import Flask, Response, request
from gunicorn.app.base import BaseApplication

THREADS = 8


def open_database(path: str) -> sqlite3.Connection:
    """As the bridge opens its own: WAL, and a commit is on the disk."""
    db = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=30.0)
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("PRAGMA synchronous = FULL")
    db.execute("CREATE TABLE IF NOT EXISTS messages (id INTEGER PRIMARY KEY, body BLOB NOT NULL)")
    return db


def create_app(path: str, style: str) -> Flask:
    """One view."""
    app = Flask("bare")
    local, lock = threading.local(), threading.Lock()
    shared = open_database(path)

    def keep(body: bytes) -> None:
        if style == "shared":
            with lock:
                shared.execute("INSERT INTO messages (body) VALUES (?)", (body,))
            return
        if not hasattr(local, "db"):
            local.db = open_database(path)
        local.db.execute("INSERT INTO messages (body) VALUES (?)", (body,))

    @app.post("/hooks/mdm/main")
    def hook() -> Response:
        keep(request.get_data())
        return Response(status=200)

    return app


class Bare(BaseApplication):  # type: ignore[misc]
    """gunicorn with the bridge's settings: one worker with threads, and a long keep-alive."""

    def __init__(self, port: int, path: str, style: str) -> None:
        self._port, self._path, self._style = port, path, style
        super().__init__()

    def load_config(self) -> None:
        """The settings."""
        for name, value in {
            "bind": [f"127.0.0.1:{self._port}"],
            "workers": 1,
            "worker_class": "gthread",
            "threads": THREADS,
            "keepalive": 120,
            "backlog": 1024,
            "worker_connections": 1200,
            "http_parser": "python",
            "control_socket_disable": True,
            "loglevel": "warning",
            "worker_tmp_dir": "/dev/shm",
        }.items():
            self.cfg.set(name, value)

    def load(self) -> Any:
        """The application, made in the worker."""
        return create_app(self._path, self._style)


if __name__ == "__main__":
    Bare(int(sys.argv[1]), sys.argv[2], sys.argv[3]).run()
