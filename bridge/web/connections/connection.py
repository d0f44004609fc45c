"""One connection, and the request that comes in on it."""

from __future__ import annotations

import contextlib
import enum
import select
import socket
import time
from typing import Any

from bridge.web.connections.received import Received
from bridge.web.connections.request import WebRequest

HEAD_TIME = 5.0
"""Seconds for a whole head, from the first byte of it, or from when the connection was made."""
IDLE_TIME = 120.0
"""Seconds that a connection may rest between two requests. Go's client closes after 90."""
BODY_TIME = 10.0
BODY_RATE = 256 * 1024
"""A body gets BODY_TIME seconds, and one more for each BODY_RATE bytes of it that came."""
CLOSE_TIME = 5.0
"""Seconds in which a peer may read an answer after which the connection is closed."""
READ = 64 * 1024
"""Bytes that are read at once, as long as a request's head is not whole."""
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
    HELD_BACK = "held back"
    """Nothing: its answer is sent when the deadline has come, and no request follows."""
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


class HeldBack:
    """Takes an answer in place of a socket, to be sent `seconds` later."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.data = bytearray()

    def sendall(self, data: bytes) -> None:
        """A piece of it."""
        self.data += data


class Connection:
    """A connection; the socket is read by the main loop alone."""

    def __init__(
        self, sock: socket.socket, client: Any, *, body_limit: int, outside: bool = False
    ) -> None:
        self.sock = sock
        self.client = client
        self.request: WebRequest | None = None
        """What a thread has read last, as far as its head was whole."""
        self.received = Received(body_limit)
        self.known = False
        """Whether the last request carried right credentials."""
        self.outside = outside
        """Whether it came in at the listener for Apple."""
        self.address = address_of(str(client[0]))
        """Where it comes from: an IPv4 address, or the /64 of an IPv6 address."""
        self.state = State.HEAD
        self.deadline = 0.0
        self.waits_since = time.monotonic()
        """When what a thread is to look at had come, by the monotonic clock."""
        self._began: dict[State, float] = {}
        self.drained = 0
        self.told_to_continue = False
        self.held_back = HeldBack()
        """An answer that is to be sent later."""

    def begin(self, cfg: Any) -> WebRequest:
        """Read the request from its first byte, in the thread that is to answer it.

        Raises RequestAwaited where more of its head must come, ParseException where it is wrong.
        """
        self.sock.settimeout(SEND_TIME)
        self.request = None
        self.request = WebRequest.read(cfg, self.received, self.client)
        return self.request

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
        return self.request is not None and self.request.expects_continue

    def takes_answers(self) -> bool:
        """Whether another small answer can be sent without waiting for the peer."""
        poll = select.poll()
        poll.register(self.sock, select.POLLOUT)
        return bool(poll.poll(0))

    def next_request(self) -> None:
        """Make ready for what follows the request that was answered."""
        assert self.request is not None
        self.received.next_request(self.request.read_too_far())
        self.told_to_continue = False
        self._began.clear()

    def hears_more(self, seconds: float) -> bool:
        """Wait so long for what the peer sends next; whether to begin a request with it. For the
        thread that has the connection. That the peer hung up is left for the main loop to see."""
        if not self.received:
            self.sock.settimeout(seconds)
            try:
                self.received.add(self.sock.recv(READ))
            except OSError:
                return False
        self.waits_since = time.monotonic()
        return self.received.is_promising()

    def close(self) -> None:
        """Close it at once; the worker has waited for the peer where it should."""
        with contextlib.suppress(OSError):  # the peer was faster
            self.sock.close()


def address_of(host: str) -> str:
    """Where a peer comes from: its IPv4 address, or the /64 of its IPv6 address; another text as it
    is."""
    if ":" not in host or "." in host:
        return host
    try:
        network = socket.inet_pton(socket.AF_INET6, host.partition("%")[0])[:8]
    except OSError:  # a proxy may have written anything
        return host
    return socket.inet_ntop(socket.AF_INET6, network + bytes(8)) + "/64"
