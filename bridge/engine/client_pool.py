"""The clients that calls use: one for each location and server, made when first needed.

Token files are read again when they change, so that a token is renewed without a restart.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from bridge.clients.apple.client import AppleClient
from bridge.clients.http import HttpClient
from bridge.clients.mdm.adapters import connect
from bridge.clients.mdm.port import MdmServer
from bridge.clients.metadata import MetadataClient, place_of
from bridge.clients.rate import RateLimiter
from bridge.clients.receiver import Receiver
from bridge.config import Config
from bridge.domain.alerts import message
from bridge.domain.alerts.standing import Standing
from bridge.domain.dsn import parse_dsn
from bridge.domain.vocabulary import Service
from bridge.engine.enrolments import Enrolments
from bridge.engine.licences.token_guard import Guards
from bridge.errors import NotSent, ShapeError, TokenUnusable
from bridge.store.nanomdm import NanoMdmDatabase
from bridge.wire.content_token import ContentToken, parse_content_token

REQUESTS_PER_SECOND = 15.0
LOOKUPS_PER_SECOND = 5.0
"""The metadata service's limits are not documented."""
ALERT_TIMEOUT = 10.0
"""Seconds for a receiver's answer: nothing but its status is of use."""


@dataclass(frozen=True, slots=True)
class Transports:
    """What stands between the clients and the network; None is the network itself. `public` is for
    our own public address.

    `sleep` waits between two attempts and between paced requests.
    """

    apple: Any = None
    mdm: Any = None
    public: Any = None
    sleep: Callable[[float], object] | None = None
    clock: Callable[[], float] | None = None
    alerts: Any = None


class ClientPool:
    """Clients by location and by server; thread-safe.

    Without `guards` nobody looks whether a token is one of its location's library.
    """

    def __init__(
        self,
        config: Config,
        now: Callable[[], float],
        transports: Transports,
        guards: Guards | None = None,
    ) -> None:
        self._config = config
        self._now = now
        self._transports = transports
        self._guards = guards
        self._lock = threading.Lock()
        self._limiters: dict[str, RateLimiter] = {}
        self._files: dict[str, object] = {}
        self._apple: dict[str, tuple[bytes, AppleClient]] = {}
        self._digests: dict[str, str] = {}
        self._metadata: dict[str, tuple[str, HttpClient, RateLimiter]] = {}
        self._mdm: dict[str, MdmServer] = {}
        self._receivers: dict[str, Receiver] = {}
        self._ways: dict[tuple[str, str], HttpClient] = {}

    def way(self, service: Service, name: str) -> HttpClient | None:
        """How Apple is reached for a location, or a server, once there is a client for it."""
        return self._ways.get((service, name))

    def way_to(self, url: str, whose: Literal["mdm", "public"]) -> HttpClient:
        """To another address, an MDM server's or our own from outside; nothing of it is told to the
        log. Raises ConfigError."""
        adapter = self._transports.mdm if whose == "mdm" else self._transports.public
        return self._http(url, "mdm", adapter)

    def apple(self, location: str) -> AppleClient:
        """The client for a location with the token that is in its file now.

        Raises TokenUnusable when the file cannot be read or holds no content token.
        """
        data = self._token_file(location)
        with self._lock:
            known = self._apple.get(location)
            if known is not None and known[0] == data:
                return known[1]
            token = self._token(location, data)
            http = self._http(
                self._config.apple_url, "apple", self._transports.apple, location=location
            )
            guard = self._guards.of(location, token) if self._guards is not None else None
            pace = self._pace(location)
            self._ways["apple", location] = http
            client = AppleClient(http, token.secret, limiter=pace, guard=guard)
            self._apple[location] = (data, client)
            self._digests[location] = token.digest
            return client

    def metadata(self, location: str, url: str) -> MetadataClient:
        """The client for the metadata service at `url`, with the location's present token.

        Raises NotSent when the token must not go to that host, and TokenUnusable like `apple`.
        """
        place = place_of(url, self._config.apple_url)
        if place is None:
            raise NotSent(
                "Apple's service configuration names a host for metadata that must not get the"
                " content token; it is not asked.",
                service="apple",
                call="look up metadata",
            )
        token = self._token(location, self._token_file(location))
        with self._lock:
            known = self._metadata.get(location)
            if known is None or known[0] != place.origin:
                http = self._http(place.origin, "apple", self._transports.apple, location=location)
                known = (place.origin, http, self._limiter(LOOKUPS_PER_SECOND))
                self._metadata[location] = known
        return MetadataClient(known[1], place.path, token.secret, known[2])

    def token_file_changed(self, location: str) -> bool:
        """Whether the token's file is another one than at the last call; False at the first.

        Only its size and times are looked at.
        """
        try:
            stat = self._config.locations[location].content_token_file.stat()
            seen: object = (stat.st_ino, stat.st_size, stat.st_mtime_ns)
        except OSError as error:
            seen = error.errno
        before = self._files.setdefault(location, seen)
        self._files[location] = seen
        return seen != before

    def token_digest(self, location: str) -> str | None:
        """The SHA-256 of the token that is in use for a location, in hexadecimal."""
        with self._lock:
            return self._digests.get(location)

    def mdm(self, server: str) -> MdmServer:
        """The client for an MDM server; raises NotSent for one that this process does not know."""
        with self._lock:
            if server not in self._mdm:
                if server not in self._config.servers:
                    raise _unknown(server, "mdm")
                config = self._config.servers[server]
                http = self._http(config.url, "mdm", self._transports.mdm, server=server)
                self._ways["mdm", server] = http
                self._mdm[server] = connect(config.kind, http, config.api_key)
            return self._mdm[server]

    def enrolments(self, server: str) -> Enrolments:
        """Where the devices of a server are told of that cannot list them; raises as `mdm`."""
        client = self.mdm(server)
        config = self._config.servers[server]
        dsn = config.enrollments_dsn
        database = None if dsn is None else NanoMdmDatabase(server, parse_dsn(dsn))
        return Enrolments(client, config.devices_file, database)

    def receiver(self, name: str) -> Receiver:
        """The client for a receiver of alerts; raises NotSent for one that this process does not
        know."""
        with self._lock:
            if name not in self._receivers:
                if name not in self._config.alerts:
                    raise _unknown(name, "alerts")
                policy = self._config.policy.call
                self._receivers[name] = Receiver(
                    name,
                    self._config.alerts[name].url,
                    timeout=(policy.connect_timeout, min(policy.read_timeout, ALERT_TIMEOUT)),
                    adapter=self._transports.alerts,
                    **self._timing(),
                )
            return self._receivers[name]

    def tell(self, receiver: str, standing: Standing, bridge: str) -> str:
        """Tell a receiver how an alert stands; `bridge` is our id, which is told where no
        public_url is configured. Returns what it answered; raises CallError."""
        client, form = self.receiver(receiver), self._config.alerts[receiver].form
        return f"answered {client.post(message.body(standing, form, self._named(bridge)))}"

    def reach(self, receiver: str) -> int:
        """Whether a receiver can be reached: the status of its answer to a request that is no
        alert. Raises CallError."""
        return self.receiver(receiver).reach()

    def test(self, receiver: str, bridge: str, now: float) -> str:
        """Send a receiver a test; the rest as `tell`."""
        client, form = self.receiver(receiver), self._config.alerts[receiver].form
        return f"answered {client.post(message.test_body(form, self._named(bridge), now))}"

    def _named(self, bridge: str) -> str:
        return self._config.public_url or bridge

    def _token_file(self, location: str) -> bytes:
        if location not in self._config.locations:
            raise _unknown(location, "apple")
        path = self._config.locations[location].content_token_file
        try:
            return path.read_bytes()
        except OSError as error:
            raise self._unusable(location, f"{path}: {error.strerror}") from error

    def _token(self, location: str, data: bytes) -> ContentToken:
        try:
            return parse_content_token(data)
        except ShapeError as error:
            path = self._config.locations[location].content_token_file
            raise self._unusable(location, f"{path}: {error}") from error

    def _unusable(self, location: str, why: str) -> TokenUnusable:
        return TokenUnusable(
            f"the content token of {location} cannot be used: {why}",
            service="apple",
            call="read the token file",
        )

    def _timing(self) -> dict[str, Any]:
        given = {"sleep": self._transports.sleep, "clock": self._transports.clock}
        return {name: value for name, value in given.items() if value is not None}

    def _pace(self, location: str) -> RateLimiter:
        """A location's own, whatever its token: Apple counts its requests together."""
        if location not in self._limiters:
            rate = self._guards.rate(location) if self._guards is not None else None
            self._limiters[location] = self._limiter(rate or REQUESTS_PER_SECOND)
        return self._limiters[location]

    def _limiter(self, per_second: float) -> RateLimiter:
        return RateLimiter(per_second, **self._timing())

    def _http(self, url: str, service: Service, adapter: Any, **about: str) -> HttpClient:
        policy = self._config.policy.call
        return HttpClient(
            url,
            service=service,
            timeout=(policy.connect_timeout, policy.read_timeout),
            adapter=adapter,
            now=self._now,
            about=about or None,
            **self._timing(),
        )


def _unknown(name: str, service: str) -> NotSent:
    """A command may hand over what the file has had only since the engine's start."""
    return NotSent(
        f"the running bridge was started without {name}: restart vpp-bridge serve",
        service=service,
        call="look the name up",
    )
