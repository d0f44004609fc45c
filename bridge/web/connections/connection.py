"""One connection, and gunicorn's parser over what came in on it."""

from __future__ import annotations

import enum
import select
import socket
from typing import Any

from gunicorn import util
from gunicorn.http.body import LengthReader
from gunicorn.http.message import Request
from gunicorn.http.parser import RequestParser
from gunicorn.workers.gthread import TConn

from bridge.web.connections.received import Received

HEAD_TIME = 5.0
"""Seconds for a whole head, from the first byte of it, or from when the connection was made."""
IDLE_TIME = 120.0
"""Seconds that a connection may rest between two requests. Go's client closes after 90."""
BODY_TIME = 10.0
BODY_RATE = 256 * 1024
"""A body gets BODY_TIME seconds, and one more for each BODY_RATE bytes of it that came."""
CLOSE_TIME = 5.0
"""Seconds in which a peer may read an answer after which the connection is closed."""
SEND_TIME = 30.0
"""Seconds for sending one piece of an answer, after which the peer is given up."""


class State(enum.Enum):
    """What is waited for on a connection."""

    HEAD = "head"
    BODY = "body"
    QUEUED = "queued"
    """A large body, which waits for its turn to be read or answered."""
    RUNNING = "running"
    """Nothing: a thread has it."""
    IDLE = "idle"
    CLOSING = "closing"
    """The answer is sent and nothing follows; the peer shall read it and hang up."""
    GONE = "gone"


IS_READ = (State.HEAD, State.BODY, State.IDLE, State.CLOSING)
"""While the main loop reads what comes."""


_TIMES = {
    State.HEAD: HEAD_TIME,
    State.BODY: BODY_TIME,
    State.IDLE: IDLE_TIME,
    State.CLOSING: CLOSE_TIME,
}
_ONCE = (State.HEAD, State.BODY)


class Connection(TConn):
    """A connection as gunicorn's worker knows it; the socket is read by the main loop alone."""

    def __init__(
        self,
        cfg: Any,
        sock: socket.socket,
        client: Any,
        server: Any,
        *,
        body_limit: int,
        outside: bool = False,
    ) -> None:
        super().__init__(cfg, sock, client, server)
        self.data_ready = True  # gunicorn's thread would wait for data otherwise
        self.received = Received(body_limit)
        self.known = False
        """Whether the last request carried right credentials."""
        self.outside = outside
        """Whether it came in at the listener for Apple."""
        self.address = _address(str(client[0]))
        """Where it comes from: an IPv4 address, or the /64 of an IPv6 address."""
        self.state = State.HEAD
        self.deadline = 0.0
        self._began: dict[State, float] = {}
        self.drained = 0
        self.told_to_continue = False

    def init(self) -> None:
        """Begin the request, in its thread; gunicorn calls this before it parses."""
        self.sock.settimeout(SEND_TIME)
        self.received.begin()
        self.parser = _Parser(self.cfg, self.received, self.client)  # type: ignore[arg-type]

    def enter(self, state: State, now: float) -> None:
        """Wait for something else, from now on; a head and a body have one deadline in all."""
        self.state = state
        began = self._began.setdefault(state, now) if state in _ONCE else now
        self.deadline = began + _TIMES.get(state, float("inf"))
        if state is State.BODY:
            self.deadline += len(self.received) / BODY_RATE

    @property
    def is_dispensable(self) -> bool:
        """Whether it may be closed to make room for another."""
        return not self.known and self.state is not State.RUNNING

    @property
    def expects_continue(self) -> bool:
        """Whether the peer sends its body only after it is told to."""
        request = getattr(self.parser, "mesg", None)
        return isinstance(request, _Request) and request.expects_continue

    def takes_answers(self) -> bool:
        """Whether another small answer can be sent without waiting for the peer."""
        poll = select.poll()
        poll.register(self.sock, select.POLLOUT)
        return bool(poll.poll(0))

    def next_request(self) -> None:
        """Make ready for what follows the request that was answered."""
        assert self.parser is not None
        self.received.next_request(len(self.parser.unreader.take_buffered()))  # type: ignore[union-attr]
        self.told_to_continue = False
        self._began.clear()

    def close(self, graceful: bool = False) -> None:
        """Close it at once; the worker has waited for the peer where it should."""
        util.close(self.sock)


class _Request(Request):
    """A request that says of itself whether all of it has come."""

    def __init__(self, cfg: Any, unreader: Any, peer_addr: Any, req_number: int = 1) -> None:
        super().__init__(cfg, unreader, peer_addr, req_number)
        self._received: Received = unreader.sock
        self._reader = self.body.reader  # type: ignore[union-attr]
        length = self._reader.length if isinstance(self._reader, LengthReader) else None
        self._received.begin_body(self._received.taken - len(unreader.buf.getvalue()), length)
        # gunicorn would ask for the body before anybody looked at the credentials.
        self.expects_continue = bool(self._expected_100_continue)  # type: ignore[has-type]
        self._expected_100_continue = False

    def should_close(self) -> bool:
        """Also when it is answered before all of it came: where the next one begins is unknown."""
        return super().should_close() or not self._is_whole()

    def _is_whole(self) -> bool:
        whole_at = self._received.whole_at
        if whole_at is None:
            return getattr(self._reader, "parser", None) is None  # of chunks, all were read
        return len(self._received) >= whole_at


class _Parser(RequestParser):
    mesg_class = _Request


def _address(host: str) -> str:
    if ":" not in host or "." in host:
        return host
    network = socket.inet_pton(socket.AF_INET6, host.partition("%")[0])[:8]
    return socket.inet_ntop(socket.AF_INET6, network + bytes(8)) + "/64"
