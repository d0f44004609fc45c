"""HTTP/1.1 as the world needs it: a server's connections, and one that posts one after another."""

from __future__ import annotations

import asyncio
import time
from array import array
from collections import deque
from collections.abc import Callable, Mapping
from typing import NamedTuple

END_OF_HEAD = b"\r\n\r\n"
REASONS = {200: "OK", 201: "Created", 404: "Not Found"}


class Request(NamedTuple):
    """`path` is without the query; header names are in lower case."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes


class Answer(NamedTuple):
    """What is sent back."""

    status: int = 200
    body: bytes = b""


Handler = Callable[[Request], Answer]


class Connection(asyncio.Protocol):
    """One connection of a client; requests are answered in their order."""

    def __init__(self, handle: Handler) -> None:
        self._handle = handle
        self._got = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep it; answers are small and many."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Answer every request that is whole."""
        self._got = self._got + data if self._got else data
        while self._got:
            end = self._got.find(END_OF_HEAD)
            if end < 0:
                return
            method, target, headers = _head(self._got[:end])
            length = int(headers.get("content-length", "0"))
            begin = end + len(END_OF_HEAD)
            if len(self._got) < begin + length:
                return
            body, self._got = self._got[begin : begin + length], self._got[begin + length :]
            path, _, query = target.partition("?")
            self._send(self._handle(Request(method, path, query, headers, body)))

    def _send(self, answer: Answer) -> None:
        head = (
            f"HTTP/1.1 {answer.status} {REASONS.get(answer.status, 'Error')}\r\n"
            "Content-Type: application/json; charset=utf-8\r\n"
            f"Content-Length: {len(answer.body)}\r\n\r\n"
        )
        if self._transport is not None:
            self._transport.write(head.encode() + answer.body)


def _head(head: bytes) -> tuple[str, str, dict[str, str]]:
    first, *lines = head.decode("latin-1").split("\r\n")
    method, target, _ = first.split(" ", 2)
    pairs = (line.split(":", 1) for line in lines)
    return method, target, {name.lower(): value.strip() for name, value in pairs}


class Poster:
    """Posts bodies one after the other over one connection, as MicroMDM posts webhooks.

    The answer's body is never read: the connection is used again only after an empty one, as Go's
    client does it. Nothing is sent twice; a status of 400 or more, or no answer, loses the body.
    """

    def __init__(self, host: str, port: int, head: str) -> None:
        """`head` is the request line and all headers but Content-Length, each line ended."""
        self.posted = 0
        self.lost = 0
        self.connections = 0
        self.waits = array("d")
        self.busy = 0.0
        """Seconds in which there was something to post."""
        self._where = host, port
        self._head = head.encode()
        self._queue: deque[tuple[bytes, Callable[[], None] | None]] = deque()
        self._line: _Line | None = None
        self._connecting: asyncio.Future[None] | None = None
        self._current: Callable[[], None] | None = None
        self._since = 0.0
        self._idle = True

    @property
    def waiting(self) -> int:
        """What was not answered yet."""
        return len(self._queue) + (not self._idle)

    def post(self, body: bytes, then: Callable[[], None] | None = None) -> None:
        """Post it after all before; `then` is called when it was taken."""
        self._queue.append((body, then))
        if self._idle:
            self._next()

    def _next(self) -> None:
        if not self._queue:
            self._idle = True
            return
        self._idle = False
        if self._line is None:
            self._connecting = asyncio.ensure_future(self._connect())
            return
        body, self._current = self._queue.popleft()
        self._since = time.perf_counter()
        self._line.send(b"%sContent-Length: %d\r\n\r\n%s" % (self._head, len(body), body))

    async def _connect(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                _, line = await loop.create_connection(lambda: _Line(self), *self._where)
            except OSError:
                await asyncio.sleep(0.05)
                continue
            self.connections += 1
            self._line = line
            self._next()
            return

    def answered(self, status: int, *, keeps: bool) -> None:
        """The bridge answered; `keeps` is whether the connection can be used again."""
        wait = time.perf_counter() - self._since
        self.waits.append(wait)
        self.busy += wait
        then, self._current = self._current, None
        if status >= 400:
            self.lost += 1
        else:
            self.posted += 1
            if then is not None:
                then()
        if not keeps and self._line is not None:
            self._line.close()
            self._line = None
        self._next()

    def broken(self, line: _Line) -> None:
        """The connection ended; what was on its way is lost."""
        if line is not self._line:
            return
        self._line = None
        if self._current is not None or not self._idle:
            self.lost += 1
            self._current = None
            self._next()


class _Line(asyncio.Protocol):
    """The poster's connection."""

    def __init__(self, poster: Poster) -> None:
        self._poster = poster
        self._transport: asyncio.Transport | None = None
        self._got = b""
        self._sent = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def send(self, data: bytes) -> None:
        assert self._transport is not None
        self._sent = True
        self._transport.write(data)

    def close(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    def data_received(self, data: bytes) -> None:
        self._got += data
        end = self._got.find(END_OF_HEAD)
        if not self._sent or end < 0:
            return
        head, self._got, self._sent = self._got[:end].lower(), b"", False
        status = int(head.split(b" ", 2)[1])
        keeps = b"content-length: 0" in head and b"connection: close" not in head
        self._poster.answered(status, keeps=keeps)

    def connection_lost(self, exc: Exception | None) -> None:
        self._poster.broken(self)
