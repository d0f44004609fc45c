"""A crowd of clients with the right key, each of which sends the next as soon as it is answered.

One thread for all of them, so that a thousand cost hardly more than ten. A connection that was
closed, or answered with "Connection: close", is made anew.
"""

from __future__ import annotations

import selectors
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from tests.soak.client import webhook
from tests.soak.served import HOOK, KEY, Served

Request = Callable[[str], bytes]
"""What is sent, made of an id of its own."""

_TURN = 0.2
_MADE_AT_ONCE = 50


def posted(message: str) -> bytes:
    """A webhook as a request."""
    return request("POST", HOOK, KEY, webhook(message).encode())


def request(method: str, path: str, key: str, body: bytes = b"") -> bytes:
    """A request with its body."""
    head = f"{method} {path} HTTP/1.1\r\nHost: x\r\nAuthorization: {key}\r\n"
    return head.encode() + b"Content-Length: %d\r\n\r\n" % len(body) + body


@dataclass
class Met:
    """What a crowd met: how many answers of each status, and the longest wait for each; which
    messages were answered 200; how many answers 503 said no Retry-After; how many had none."""

    answers: Counter[int] = field(default_factory=Counter)
    waits: dict[int, float] = field(default_factory=dict)
    taken: set[str] = field(default_factory=set)
    untold: int = 0
    broken: int = 0

    @property
    def shown(self) -> str:
        """For people."""
        waits = (f"{n} × {s} within {self.waits[s]:.1f} s" for s, n in sorted(self.answers.items()))
        return f"{', '.join(waits)}; {self.broken} without an answer"


@dataclass(eq=False)
class _Client:
    sock: socket.socket
    message: str = ""
    since: float = 0.0
    got: bytes = b""


class Crowd:
    """`count` clients of a `serve`."""

    def __init__(self, served: Served, count: int, made: Request, name: str) -> None:
        self.met = Met()
        self._served = served
        self._count = count
        self._made = made
        self._name = name
        self._number = 0
        self._selector = selectors.DefaultSelector()

    def run(self, stop: threading.Event) -> None:
        """Until it is told to stop; what is on its way then is waited for no more."""
        try:
            while not stop.is_set():
                self._refill()
                for key, _ in self._selector.select(_TURN):
                    self._hear(key.data)
        finally:
            for key in tuple(self._selector.get_map().values()):
                key.data.sock.close()
            self._selector.close()

    def _refill(self) -> None:
        for _ in range(_MADE_AT_ONCE):
            if len(self._selector.get_map()) >= self._count:
                return
            try:
                client = _Client(self._served.connect(timeout=30.0))
            except OSError:
                self.met.broken += 1
                return
            self._selector.register(client.sock, selectors.EVENT_READ, client)
            self._send(client)

    def _send(self, client: _Client) -> None:
        self._number += 1
        client.message = f"{self._name}-{self._number}"
        client.since, client.got = time.monotonic(), b""
        try:
            client.sock.sendall(self._made(client.message))
        except OSError:
            self._broken(client)

    def _hear(self, client: _Client) -> None:
        try:
            data = client.sock.recv(65536)
        except OSError:
            data = b""
        if not data:
            self._broken(client)
            return
        client.got += data
        head, end, body = client.got.partition(b"\r\n\r\n")
        if end and len(body) >= _length(head):
            self._note(client, head.lower())
            if b"connection: close" in head.lower():
                self._gone(client)
            else:
                self._send(client)

    def _note(self, client: _Client, head: bytes) -> None:
        status, met = int(head.split()[1]), self.met
        met.answers[status] += 1
        waited = time.monotonic() - client.since
        met.waits[status] = max(met.waits.get(status, 0.0), waited)
        if status == 200:
            met.taken.add(client.message)
        if status == 503 and b"retry-after: " not in head:
            met.untold += 1

    def _broken(self, client: _Client) -> None:
        self.met.broken += 1
        self._gone(client)

    def _gone(self, client: _Client) -> None:
        with suppress(KeyError, ValueError):
            self._selector.unregister(client.sock)
        client.sock.close()


def _length(head: bytes) -> int:
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return int(line.partition(b":")[2])
    return 0


@contextmanager
def crowd(served: Served, count: int, made: Request, name: str) -> Iterator[Met]:
    """A crowd while this lasts."""
    stop = threading.Event()
    clients = Crowd(served, count, made, name)
    thread = threading.Thread(target=clients.run, args=(stop,), daemon=True)
    thread.start()
    try:
        yield clients.met
    finally:
        stop.set()
        thread.join(60.0)
