"""A way to a PostgreSQL on which a connection is cut in the middle of a commit."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Literal

from psycopg import conninfo

Cut = Literal["before", "after"]
"""Before the server gets it, or after it has committed and before that is told."""

_COMMITS = (b"COMMIT\0", b"INSERT INTO inbox ")
"""A transaction's end, and messages that are put in by statements that are one."""
_NAME = ".s.PGSQL.5432"


class CutProxy:
    """Passes on what comes and goes, until a commit that is to be cut."""

    def __init__(self, server: Path, folder: Path) -> None:
        self._server = server
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(folder / _NAME))
        self._listener.listen()
        self._open: list[socket.socket] = []
        self.cut: Cut | None = None
        """What happens to the next commit."""
        self.cuts = 0
        """How many were cut so far."""

    def run(self) -> None:
        """Take connections until it is closed."""
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            server = socket.socket(socket.AF_UNIX)
            server.connect(str(self._server))
            self._open += [client, server]
            committed = threading.Event()
            for job in (
                lambda one=client, other=server, done=committed: self._ask(one, other, done),
                lambda one=server, other=client, done=committed: self._answer(one, other, done),
            ):
                threading.Thread(target=job, daemon=True).start()

    def close(self) -> None:
        """Cut all."""
        for each in (self._listener, *self._open):
            _shut(each)
            each.close()

    def _ask(self, client: socket.socket, server: socket.socket, cut: threading.Event) -> None:
        with suppress(OSError):
            while data := client.recv(1 << 16):
                if self.cut and any(each in data for each in _COMMITS):
                    how, self.cut = self.cut, None
                    self.cuts += 1
                    if how == "before":
                        break
                    cut.set()
                server.sendall(data)
        _shut(client)
        _shut(server)

    def _answer(self, server: socket.socket, client: socket.socket, cut: threading.Event) -> None:
        with suppress(OSError):
            while (data := server.recv(1 << 16)) and not cut.is_set():
                client.sendall(data)
        _shut(client)
        _shut(server)


def _shut(one: socket.socket) -> None:
    with suppress(OSError):
        one.shutdown(socket.SHUT_RDWR)


@contextmanager
def between(where: str, folder: Path) -> Iterator[tuple[CutProxy, str]]:
    """Such a way to the server of a connection string, and the connection string of that way."""
    host = Path(str(conninfo.conninfo_to_dict(where)["host"]))
    proxy = CutProxy(host / _NAME, folder)
    thread = threading.Thread(target=proxy.run, daemon=True)
    thread.start()
    try:
        yield proxy, conninfo.make_conninfo(where, host=str(folder))
    finally:
        proxy.close()
        thread.join(5)
