"""Replies that trickle, from real sockets: all of one reply ends by one deadline."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import chain, repeat
from typing import Any

import pytest

from bridge.clients.apple.client import AppleClient
from bridge.clients.http import READ_FOR, HttpClient
from bridge.clients.listener import ListenerClient
from bridge.clients.mdm.micromdm import MicroMdm
from bridge.clients.metadata import MetadataClient
from bridge.clients.rate import RateLimiter
from bridge.domain.vocabulary import Service
from bridge.errors import CallError, NotSent, OutcomeUnknown
from tests.loopback import OK, Handler, Server, bare_environment, read_request, serving

PATIENT = (30.0, 30.0)
"""No single read of these tests takes as long."""

STATUS_LINE = chain(b"HTTP/1.1 200 ", repeat(0x6F))
HEADER = chain(b"HTTP/1.1 200 OK\r\nX-Long: ", repeat(0x6F))
CONTINUE = chain(b"HTTP/1.1 100 Continue\r\nX-Long: ", repeat(0x6F))
CHUNK = chain(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2;", repeat(0x6F))
BODY = chain(b"HTTP/1.1 200 OK\r\nContent-Length: 99999\r\n\r\n", repeat(0x20))


class Drip:
    """A server that sends one byte each time its client looks at the clock, on which a second has
    passed then."""

    def __init__(self, reply: Iterator[int]) -> None:
        self.now = 1000.0
        self._over = False
        self._reply = reply
        self._turn = threading.Semaphore(0)

    def clock(self) -> float:
        self.now += 1.0
        self._turn.release()
        return self.now

    def handler(self, connection: socket.socket) -> None:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        read_request(connection)
        for byte in self._reply:
            if not self._turn.acquire(timeout=30) or self._over:
                return
            connection.sendall(bytes([byte]))

    @contextmanager
    def serving(self) -> Iterator[Server]:
        with serving(self.handler) as server:
            yield server
            self._over = True
            self._turn.release()


@pytest.fixture(autouse=True)
def _bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    bare_environment(monkeypatch)


def http(url: str, drip: Drip, service: Service = "mdm") -> HttpClient:
    return HttpClient(
        url, service=service, timeout=PATIENT, clock=drip.clock, sleep=lambda _seconds: None
    )


@pytest.mark.parametrize(
    "reply", [STATUS_LINE, HEADER, CONTINUE, CHUNK, BODY], ids="line header 100 chunk body".split()
)
def test_whatever_trickles_ends_by_the_deadline(reply: Iterator[int]) -> None:
    drip = Drip(reply)
    with drip.serving() as server:
        client = http(f"http://127.0.0.1:{server.port}", drip)
        with pytest.raises(OutcomeUnknown, match="the reply took longer than 120 s"):
            client.request("POST", "/v1/x", content=b"{}")
        client.close()
    assert server.connections == 1
    assert drip.now - 1000.0 <= READ_FOR + 5


def apple(url: str, drip: Drip) -> Callable[[], object]:
    limiter = RateLimiter(1000.0)
    return AppleClient(http(url, drip, "apple"), "token", limiter=limiter).client_config


def mdm(url: str, drip: Drip) -> Callable[[], object]:
    return MicroMdm(http(url, drip), "key").devices


def listener(url: str, drip: Drip) -> Callable[[], object]:
    client = ListenerClient(url, timeout=PATIENT, sleep=lambda _seconds: None, clock=drip.clock)
    return lambda: client.post(b"{}", None)


def metadata(url: str, drip: Drip) -> Callable[[], object]:
    client = MetadataClient(http(url, drip, "apple"), "/lookup", "token", RateLimiter(1000.0))
    return lambda: client.lookup("361309726", platform="volumestore", country="US")


@pytest.mark.parametrize("make", [apple, mdm, listener, metadata])
def test_every_client_has_the_deadline(
    make: Callable[[str, Drip], Callable[[], object]],
) -> None:
    drip = Drip(chain(b"HTTP/1.1 200 OK\r\nX-Long: ", repeat(0x6F)))
    with drip.serving() as server:
        call = make(f"http://127.0.0.1:{server.port}", drip)
        with pytest.raises(CallError) as caught:
            call()
    assert type(caught.value) is OutcomeUnknown
    assert "the reply took longer than 120 s" in str(caught.value)


def test_a_proxy_that_trickles_has_the_deadline_too(monkeypatch: pytest.MonkeyPatch) -> None:
    drip = Drip(chain(b"HTTP/1.1 200 Established\r\nX-Long: ", repeat(0x6F)))
    with drip.serving() as server:
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{server.port}")
        client = http("https://mdm.example.org", drip)
        with pytest.raises(NotSent, match="the reply took longer than 120 s"):
            client.request("POST", "/v1/x", content=b"{}")


def test_a_silence_ends_by_the_deadline_where_that_comes_first() -> None:
    """A read would wait for longer than there is time."""
    ticks = chain([0.0, READ_FOR - 0.05], repeat(READ_FOR + 1))

    def silent(connection: socket.socket) -> None:
        read_request(connection)
        connection.recv(1)

    with serving(silent) as server:
        client = HttpClient(
            f"http://127.0.0.1:{server.port}",
            service="mdm",
            timeout=PATIENT,
            clock=lambda: next(ticks),
        )
        with pytest.raises(OutcomeUnknown, match="the reply took longer than 120 s"):
            client.request("POST", "/v1/x", content=b"{}")
        client.close()


def test_each_request_of_a_kept_connection_has_a_deadline_of_its_own() -> None:
    now = 0.0

    def two(connection: socket.socket) -> None:
        while read_request(connection):
            connection.sendall(OK)

    handler: Handler = two
    with serving(handler) as server:
        client = HttpClient(
            f"http://127.0.0.1:{server.port}", service="mdm", timeout=PATIENT, clock=lambda: now
        )
        for _ in range(3):
            assert client.request("POST", "/v1/x", content=b"{}").content == b"{}"
            now += READ_FOR - 1
        client.close()
    assert server.connections == 1


class StuckResolver:
    """Looks names up when it is let."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._let, self._real = threading.Event(), socket.getaddrinfo
        monkeypatch.setattr("bridge.clients.transport.CONNECT_FOR", 0.05)
        monkeypatch.setattr(socket, "getaddrinfo", self._look_up)

    def _look_up(self, *args: Any, **options: Any) -> Any:
        self._let.wait(5)
        return self._real(*args, **options)

    def let(self) -> None:
        self._let.set()


def unhurried(url: str) -> HttpClient:
    return HttpClient(url, service="mdm", timeout=PATIENT, sleep=lambda _seconds: None)


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_look_up_that_hangs_ends_and_nothing_was_sent(
    monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    resolver = StuckResolver(monkeypatch)
    met = threading.Event()

    def handler(connection: socket.socket) -> None:
        assert connection.recv(1) == b"", "what is connected too late is closed"
        met.set()

    with serving(handler) as server:
        client = unhurried(f"http://127.0.0.1:{server.port}")
        with pytest.raises(NotSent, match="its name was not looked up, and it was not reached"):
            client.request(method, "/v1/devices")
        resolver.let()
        assert met.wait(5)


def test_a_name_that_is_unknown_is_said_as_before(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_args: Any, **_options: Any) -> Any:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    client = unhurried("http://mdm.example.org")
    with pytest.raises(NotSent, match="its name cannot be resolved"):
        client.request("GET", "/v1/devices")
