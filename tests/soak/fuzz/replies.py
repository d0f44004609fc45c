"""Doors through which replies come in: Apple's, and MDM servers'."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import Any

from bridge.clients.apple.client import AppleClient
from bridge.clients.apple.replies import MdmInfo
from bridge.clients.apple.requests import RequestedUser
from bridge.clients.http import HttpClient
from bridge.clients.mdm.adapters import connect
from bridge.clients.metadata import MetadataClient
from bridge.clients.rate import RateLimiter
from bridge.domain.model import Asset
from bridge.domain.vocabulary import Service
from bridge.errors import CallError
from tests.flow.scene import Scene
from tests.soak.fuzz.mutate import Mutator
from tests.wsgi_adapter import WsgiAdapter

PAGES = 20
"""Of a walk, so many are read at most."""
_STATUSES = (200, 200, 200, 200, 200, 200, 201, 204, 207, 302, 400, 401, 404, 429, 500, 503)
_RETRY_AFTER = ("", "1", "-1", "1e9", "Wed, 21 Oct 2015 07:28:00 GMT", "soon", "9" * 400)

Call = Callable[[], object]


class Outside:
    """A server that answers as the real one would, and notes that; then odd."""

    def __init__(self, real: Any) -> None:
        self._real = real
        self._good: dict[str, list[bytes]] = {}
        self.mutator: Mutator | None = None

    def __call__(self, environ: dict[str, Any], start: Callable[..., object]) -> Sequence[bytes]:
        call = f"{environ['REQUEST_METHOD']} {environ['PATH_INFO']}"
        if self.mutator is None:
            body = b"".join(self._real(environ, start))
            self._good.setdefault(call, []).append(body)
            return [body]
        chance = self.mutator.chance
        body = self._odd(self.mutator, chance.choice(self._good.get(call, [b"{}"])))
        after = chance.choice(_RETRY_AFTER)
        headers = [("Retry-After", after)] if after else []
        start(f"{chance.choice(_STATUSES)} X", [("Content-Type", "application/json"), *headers])
        return [body]

    def _odd(self, mutator: Mutator, good: bytes) -> bytes:
        if not good or mutator.chance.random() < 0.1:
            return mutator.data(good)
        try:
            return mutator.json(json.loads(good))
        except ValueError:
            return mutator.data(good)


class Replies:
    """Calls of a client, of which each is answered oddly."""

    def __init__(
        self, name: str, calls: Callable[[Callable[..., HttpClient]], list[Call]], real: Any
    ) -> None:
        self.name = name
        self._outside = Outside(real)
        adapter = WsgiAdapter(self._outside)

        def http(url: str, service: Service) -> HttpClient:
            return HttpClient(url, service=service, adapter=adapter, sleep=lambda _seconds: None)

        self._calls = calls(http)
        self._adapter = adapter
        for call in self._calls:
            try:
                _ended(call)
            except CallError:
                continue  # a good refusal is what it begins with then

    def prepare(self) -> None: ...

    def close(self) -> None: ...

    def give(self, chance: random.Random) -> str:
        self._outside.mutator = Mutator(chance)
        self._adapter.calls.clear()
        try:
            _ended(chance.choice(self._calls))
        except CallError as error:
            if not str(error) or "\n" in str(error):
                raise
            return type(error).__name__
        return "read"


def _ended(call: Call) -> None:
    made = call()
    if isinstance(made, Iterator):
        for _ in islice(made, PAGES):
            pass


def apple(scene: Scene) -> Replies:
    """All calls of Apple's client, and the look-up of an app."""

    def calls(http: Callable[..., HttpClient]) -> list[Call]:
        pace = RateLimiter(1e9)
        client = AppleClient(
            http(scene.config.apple_url, "apple"), scene.world.location.token, limiter=pace
        )
        asset, serial, user = Asset(scene.adam_ids[0]), scene.serials[0], "client-100"
        metadata = MetadataClient(http("http://127.0.0.1:9998", "apple"), "/lookup", "token", pace)
        mdm = MdmInfo("1", "the bridge", "none")
        return [
            client.service_config,
            client.client_config,
            lambda: client.set_client_config(mdm_info=mdm),
            client.walk_assets,
            client.walk_assignments,
            client.walk_users,
            lambda: client.associate([asset], serial_numbers=[serial]),
            lambda: client.disassociate([asset], serial_numbers=[serial]),
            lambda: client.create_users([RequestedUser(user, "a@example.org")]),
            lambda: client.retire_users([user]),
            lambda: client.status("an-event"),
            client.walk_subscriptions,
            client.walk_subscription_holdings,
            lambda: metadata.lookup(scene.adam_ids[0], platform="enterprisestore", country="us"),
        ]

    return Replies("Apple's pages", calls, scene.apple_adapter._app)


def mdm(kind: str, scene: Scene) -> Replies:
    """All calls of the client for a kind of MDM server."""
    udid = scene.world.devices[0].udid
    command = (
        b"<plist><dict><key>CommandUUID</key><string>u-1</string><key>Command</key><dict>"
        b"<key>RequestType</key><string>ProfileList</string></dict></dict></plist>"
    )

    def calls(http: Callable[..., HttpClient]) -> list[Call]:
        client = connect(kind, http("http://127.0.0.1:9999", "mdm"), "secret")
        has = client.abilities
        return [
            client.version,
            client.try_key,
            client.push_certificate,
            client.enrolments,
            lambda: client.enqueue(udid, command),
            lambda: client.push(udid),
            *([lambda: client.queue(udid)] if has.queue_view else []),
            *([client.devices] if has.device_list else []),
        ]

    return Replies(f"replies of {kind}", calls, scene.mdm_adapter._app)
