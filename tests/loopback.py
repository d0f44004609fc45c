"""Servers on loopback that misbehave in the ways of real ones, and a client to meet them."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import pytest

from bridge.clients.http import HttpClient
from bridge.clients.reply import Reply
from bridge.errors import CallError

SECRET = "Bearer very-secret-token"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"

Handler = Callable[[socket.socket], None]


class Server:
    """Accepts on loopback and hands every connection to `handler`, in a thread of its own."""

    def __init__(self, handler: Handler) -> None:
        self._handler = handler
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        self.connections = 0
        self._done = threading.Event()
        self._handlers: list[threading.Thread] = []
        self._acceptor = threading.Thread(target=self._accept)
        self._acceptor.start()

    def _accept(self) -> None:
        while True:
            connection, _ = self._socket.accept()
            if self._done.is_set():
                connection.close()
                return
            self.connections += 1
            handler = threading.Thread(target=self._handle, args=(connection,))
            handler.start()
            self._handlers.append(handler)

    def _handle(self, connection: socket.socket) -> None:
        connection.settimeout(5)
        with connection, suppress(OSError):
            self._handler(connection)

    def close(self) -> None:
        self._done.set()
        with socket.create_connection(("127.0.0.1", self.port)):
            self._acceptor.join()
        for handler in self._handlers:
            handler.join()
        self._socket.close()


def read_request(connection: socket.socket) -> bytes:
    """A whole request, headers and body; empty when the client closed."""
    data = b""
    while b"\r\n\r\n" not in data:
        if not (more := connection.recv(65536)):
            return data
        data += more
    head, _, body = data.partition(b"\r\n\r\n")
    length = next(
        (
            int(line.split(b":")[1])
            for line in head.split(b"\r\n")
            if line.lower().startswith(b"content-length:")
        ),
        0,
    )
    while len(body) < length:
        body += connection.recv(65536)
    return head + b"\r\n\r\n" + body


def reset(connection: socket.socket) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def answering(reply: bytes) -> Handler:
    def handler(connection: socket.socket) -> None:
        read_request(connection)
        connection.sendall(reply)

    return handler


def close_unanswered(connection: socket.socket) -> None:
    read_request(connection)


def reset_unanswered(connection: socket.socket) -> None:
    read_request(connection)
    reset(connection)


def reset_in_handshake(connection: socket.socket) -> None:
    connection.recv(65536)
    reset(connection)


def say_nothing(connection: socket.socket) -> None:
    read_request(connection)
    connection.recv(1)


def plain_http_instead_of_tls(connection: socket.socket) -> None:
    connection.recv(65536)
    connection.sendall(b"HTTP/1.1 400 No\r\n\r\n")


def listen_only(connection: socket.socket) -> None:
    while connection.recv(65536):
        pass


def trickle_headers(connection: socket.socket) -> None:
    read_request(connection)
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-")
    connection.recv(1)


@contextmanager
def serving(handler: Handler) -> Iterator[Server]:
    server = Server(handler)
    try:
        yield server
    finally:
        server.close()


def client(url: str, **options: object) -> HttpClient:
    options = {"timeout": (0.2, 0.2), "sleep": lambda seconds: None, **options}
    return HttpClient(url, service="mdm", **options)  # type: ignore[arg-type]


def send(http: HttpClient, method: str = "POST") -> Reply:
    try:
        return http.request(
            method,
            "/v1/x",
            query={"q": "1"},
            content=b"<plist/>",
            headers={"Authorization": SECRET},
        )
    finally:
        http.close()


def failure(http: HttpClient, method: str = "POST") -> CallError:
    with pytest.raises(CallError) as caught:
        send(http, method)
    return caught.value


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


def bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Forget the proxies and CA bundles of the machine that runs the tests."""
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    for name in ("REQUESTS_CA_BUNDLE", "SSL_CERT_FILE"):
        monkeypatch.delenv(name, raising=False)
