"""Peers that mean no good, or have a bad line. Each runs until it is told to stop."""

from __future__ import annotations

import selectors
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress

from tests.soak.served import HOOK, Served

Peer = Callable[[Served, threading.Event], None]

_HEAD = f"POST {HOOK} HTTP/1.1\r\nHost: bridge\r\n"
_APPLE = "POST /hooks/apple/hq HTTP/1.1\r\nHost: bridge\r\nAuthorization: Bearer wrong\r\n"
_PACE = 1.0
_CONTENT_LENGTH = "Content-Length: {}\r\n\r\n"


def half_heads(count: int, *, outside: bool = False) -> Peer:
    """`count` connections at a time with a head that stops in the middle."""
    return _trickling(count, _HEAD.encode(), b"", outside=outside)


def silent(count: int, *, outside: bool = False) -> Peer:
    """`count` connections at a time that say nothing."""
    return _trickling(count, b"", b"", outside=outside)


def trickling_heads(count: int) -> Peer:
    """Heads that come a byte a second."""
    return _trickling(count, _HEAD.encode() + b"X: ", b"x")


def trickling_bodies(count: int, *, key: str | None) -> Peer:
    """Bodies that come a byte a second."""
    length = _CONTENT_LENGTH.format(1_000_000)
    return _trickling(count, f"{_head(key)}{length}".encode() + b"{", b" ")


def large_bodies(count: int, size: int, *, key: str | None) -> Peer:
    """`count` connections with a body of `size` bytes after the other, as fast as may be."""
    return bodies(count, b'{"topic": "soak.Large", "filler": "' + b"x" * (size - 37) + b'"}', key)


def bodies(count: int, body: bytes, key: str | None) -> Peer:
    """`count` connections with this body one time after the other, as fast as may be."""
    head = f"{_head(key)}{_CONTENT_LENGTH.format(len(body))}".encode()
    return _each(count, lambda connection: _exchange(connection, head + body))


def strangers(count: int, *, outside: bool = False) -> Peer:
    """Requests without a right key on `count` connections, as fast as they are refused."""
    start = _APPLE if outside else f"{_head(None)}"
    request = f"{start}Content-Length: 2\r\n\r\n{{}}".encode()
    return _each(count, lambda connection: _exchange(connection, request), outside=outside)


def coming_and_going(count: int) -> Peer:
    """Halves of a head on new connections, as fast as `count` threads can make them."""

    def half(connection: socket.socket) -> None:
        connection.sendall(_HEAD.encode())
        raise ConnectionAbortedError  # and on to the next one

    return _each(count, half, rest=0.0)


def never_reading(count: int) -> Peer:
    """Requests on `count` connections, whose answers nobody reads."""
    request = b"GET /version HTTP/1.1\r\nHost: bridge\r\n\r\n" * 100

    def send(connection: socket.socket) -> None:
        connection.settimeout(1.0)
        connection.sendall(request)

    return _each(count, send)


def _head(key: str | None) -> str:
    return _HEAD if key is None else f"{_HEAD}Authorization: {key}\r\n"


def _trickling(count: int, start: bytes, drop: bytes, *, outside: bool = False) -> Peer:
    """Keeps `count` connections open that send `start`, then `drop` now and then."""

    def run(served: Served, stop: threading.Event) -> None:
        port = served.outside if outside else served.port
        with selectors.DefaultSelector() as selector:
            try:
                while not stop.is_set():
                    _refill(served, port, selector, count, start)
                    until = time.monotonic() + _PACE
                    while (left := until - time.monotonic()) > 0 and not stop.is_set():
                        _lose(selector, min(left, 0.2))
                    _drip(selector, drop)
            finally:
                for key in tuple(selector.get_map().values()):
                    _close(selector, key.fileobj)

    return run


def _refill(
    served: Served, port: int | None, selector: selectors.BaseSelector, count: int, start: bytes
) -> None:
    while len(selector.get_map()) < count:
        with suppress(OSError):
            connection = served.connect(port)
            connection.sendall(start)
            selector.register(connection, selectors.EVENT_READ)
            continue
        return


def _lose(selector: selectors.BaseSelector, timeout: float) -> None:
    """Forget connections that the other side has ended."""
    for key, _ in selector.select(timeout):
        try:
            gone = not key.fileobj.recv(4096)  # type: ignore[union-attr]
        except OSError:
            gone = True
        if gone:
            _close(selector, key.fileobj)


def _drip(selector: selectors.BaseSelector, drop: bytes) -> None:
    for key in tuple(selector.get_map().values()):
        try:
            key.fileobj.sendall(drop)  # type: ignore[union-attr]
        except OSError:
            _close(selector, key.fileobj)


def _close(selector: selectors.BaseSelector, connection: object) -> None:
    assert isinstance(connection, socket.socket)
    selector.unregister(connection)
    connection.close()


def _each(
    count: int,
    act: Callable[[socket.socket], None],
    *,
    outside: bool = False,
    rest: float = 0.05,
) -> Peer:
    """Does `act` on `count` connections at a time, again and again; one that broke is replaced."""

    def one(served: Served, stop: threading.Event) -> None:
        while not stop.is_set():
            try:
                port = served.outside if outside else served.port
                with served.connect(port, timeout=30.0) as connection:
                    while not stop.is_set():
                        act(connection)
            except OSError:
                stop.wait(rest)

    def run(served: Served, stop: threading.Event) -> None:
        threads = [
            threading.Thread(target=one, args=(served, stop), daemon=True) for _ in range(count)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    return run


def _exchange(connection: socket.socket, request: bytes) -> None:
    """Send a request and read its answer; raises OSError where the connection ends with it."""
    connection.sendall(request)
    answer = b""
    while b"\r\n\r\n" not in answer:
        data = connection.recv(65536)
        if not data:
            raise ConnectionAbortedError
        answer += data
    if b"connection: close" in answer.lower():
        raise ConnectionAbortedError
