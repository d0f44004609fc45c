"""Apple's App and Book Management API v2, which does at once what it is asked."""

from __future__ import annotations

import asyncio
import json
import time
import uuid
from collections.abc import Callable
from urllib.parse import parse_qs

from bridge.simulator.apple.config import LIMITS, LOOKUP_PATH, service_config
from tests.bench.world.http import Answer, Poster, Request
from tests.bench.world.mdm import bundle_id

PAGE = 500
ELEMENTS = 100
"""At most so many assignments stand in one notification."""
UID = "2049025000431439"


class Apple:
    """One location with enough seats of every app."""

    def __init__(
        self, root: str, adam_ids: list[str], connect: Callable[[str, str], Poster]
    ) -> None:
        """`connect` makes a poster for a notification URL and its bearer token."""
        self.requests: dict[str, int] = {}
        self.associates: list[tuple[float, int, int]] = []
        """When, and with how many apps and devices, a licence was asked for."""
        self.noted: dict[tuple[str, str], float] = {}
        """When the SUCCESS for (serial number, adam id) was taken, by time.time()."""
        self.told: dict[tuple[str, str], float] = {}
        """When that SUCCESS was sent, or queued behind others."""
        self.silent = False
        """Whether notifications are kept back until `speak`."""
        self.untold: list[str] = []
        """Notifications that nobody wanted to have."""
        self._kept: list[tuple[str, dict[str, object], list[tuple[str, str]] | None]] = []
        self._root = root
        self._adam_ids = adam_ids
        self._connect = connect
        self._poster: Poster | None = None
        self._config: dict[str, object] = {}
        self._events: dict[str, int] = {}
        self._assigned: list[tuple[str, str]] = []
        self._held: set[tuple[str, str]] = set()
        self._used: dict[str, int] = {}
        self._versions: dict[str, int] = {}

    def handle(self, request: Request) -> Answer:
        """The API under /mdm/v2, and the metadata service."""
        name = request.path.removeprefix("/mdm/v2/")
        self.requests[name] = self.requests.get(name, 0) + 1
        asked = {key: values[0] for key, values in parse_qs(request.query).items()}
        if request.path == LOOKUP_PATH:
            return self._lookup(asked)
        match request.method, name:
            case "GET", "service/config":
                return _json(service_config(self._root, LIMITS))
            case "GET", "client/config":
                return self._answer(self._client_config())
            case "POST", "client/config":
                return self._configure(json.loads(request.body))
            case "GET", "assets":
                rows = [self._asset(a) for a in self._adam_ids if asked.get("adamId", a) == a]
                return self._page("assets", rows, asked)
            case "GET", "assignments":
                return self._page("assignments", self._assignments(asked), asked)
            case "GET", "status":
                return self._status(asked["eventId"])
            case "POST", "assets/associate":
                return self._associate(json.loads(request.body))
        return Answer(404)

    @property
    def poster(self) -> Poster | None:
        """Who posts the notifications."""
        return self._poster

    def speak(self) -> None:
        """Send what was kept back."""
        self.silent, kept, self._kept = False, self._kept, []
        for kind, content, pairs in kept:
            self._notify(kind, content, pairs)

    def _answer(self, body: dict[str, object]) -> Answer:
        envelope: dict[str, object] = {
            "tokenExpirationDate": "2099-01-01T00:00:00+0000",
            "uId": UID,
        }
        if "mdmInfo" in self._config:
            envelope["mdmInfo"] = self._config["mdmInfo"]
        return _json(body | envelope)

    def _client_config(self) -> dict[str, object]:
        config = self._config
        body: dict[str, object] = {
            "countryISO2ACode": "US",
            "defaultPlatform": "enterprisestore",
            "locationName": "Bench",
            "websiteURL": "https://business.apple.com",
            "subscribedNotificationTypes": config.get("notificationTypes", []),
        }
        for name in ("notificationUrl", "notificationAuthToken"):
            if config.get(name):
                body[name] = config[name]
        return body

    def _configure(self, wish: dict[str, object]) -> Answer:
        self._config |= wish
        url = wish.get("notificationUrl")
        if url:
            token = str(wish["notificationAuthToken"])
            self._poster = self._connect(str(url), token)
            self._notify("TEST_NOTIFICATION", {})
        return self._answer(self._client_config())

    def _asset(self, adam_id: str) -> dict[str, object]:
        used = (
            sum(held == adam_id for held, _ in self._assigned) if len(self._assigned) < 1e4 else 0
        )
        return {
            "adamId": adam_id,
            "assignedCount": used,
            "availableCount": 1_000_000 - used,
            "deviceAssignable": True,
            "pricingParam": "STDQ",
            "productType": "App",
            "retiredCount": 0,
            "revocable": True,
            "supportedPlatforms": ["iOS"],
            "totalCount": 1_000_000,
        }

    def _assignments(self, asked: dict[str, str]) -> list[dict[str, str]]:
        since = self._versions.get(asked.get("sinceVersionId", ""), 0)
        adam_id, serial = asked.get("adamId"), asked.get("serialNumber")
        return [
            _assignment(pair)
            for pair in self._assigned[since:]
            if adam_id in (None, pair[0]) and serial in (None, pair[1])
        ]

    def _page(
        self, name: str, rows: list[dict[str, str]] | list[dict[str, object]], asked: dict[str, str]
    ) -> Answer:
        index = int(asked.get("pageIndex", "0"))
        version = str(uuid.uuid5(uuid.NAMESPACE_OID, str(len(self._assigned))))
        self._versions[version] = len(self._assigned)
        part = rows[index * PAGE : (index + 1) * PAGE]
        pages = max(1, -(-len(rows) // PAGE))
        body: dict[str, object] = {
            name: part,
            "currentPageIndex": index,
            "size": len(part),
            "totalPages": pages,
            "versionId": version,
        }
        if index + 1 < pages:
            body["nextPageIndex"] = index + 1
        return self._answer(body)

    def _associate(self, body: dict[str, list[object]]) -> Answer:
        adam_ids = [str(asset["adamId"]) for asset in body["assets"] if isinstance(asset, dict)]
        serials = [str(serial) for serial in body["serialNumbers"]]
        event_id = str(uuid.uuid4())
        self._events[event_id] = len(adam_ids) * len(serials)
        self.associates.append((time.time(), len(adam_ids), len(serials)))
        asyncio.get_running_loop().call_soon(self._finish, event_id, adam_ids, serials)
        return self._answer({"eventId": event_id})

    def _finish(self, event_id: str, adam_ids: list[str], serials: list[str]) -> None:
        for adam_id in adam_ids:
            for serial in serials:
                if (adam_id, serial) not in self._held:
                    self._held.add((adam_id, serial))
                    self._assigned.append((adam_id, serial))
                    self._used[adam_id] = self._used.get(adam_id, 0) + 1
            for start in range(0, len(serials), ELEMENTS):
                pairs = [(adam_id, serial) for serial in serials[start : start + ELEMENTS]]
                content = {
                    "type": "ASSOCIATE",
                    "result": "SUCCESS",
                    "eventId": event_id,
                    "assignments": [_assignment(pair) for pair in pairs],
                }
                self._notify("ASSET_MANAGEMENT", content, pairs)

    def _notify(
        self, kind: str, content: dict[str, object], pairs: list[tuple[str, str]] | None = None
    ) -> None:
        message = {
            "notification": content,
            "notificationId": str(uuid.uuid4()),
            "notificationType": kind,
            "uId": UID,
        }
        if self._poster is None:
            self.untold.append(json.dumps(message))
            return
        if self.silent and kind != "TEST_NOTIFICATION":
            self._kept.append((kind, content, pairs))
            return
        self.told.update(dict.fromkeys(((s, a) for a, s in pairs or ()), time.time()))

        def taken() -> None:
            now = time.time()
            for adam_id, serial in pairs or ():
                self.noted[serial, adam_id] = now

        self._poster.post(json.dumps(message).encode(), taken)

    def _status(self, event_id: str) -> Answer:
        pairs = self._events[event_id]
        return self._answer(
            {
                "eventStatus": "COMPLETE",
                "eventType": "ASSOCIATE",
                "numRequested": pairs,
                "numCompleted": pairs,
            }
        )

    def _lookup(self, asked: dict[str, str]) -> Answer:
        results = {
            adam_id: {
                "id": adam_id,
                "bundleId": bundle_id(adam_id),
                "name": f"App {adam_id}",
                "artistName": "Example",
                "kind": "iosSoftware",
            }
            for adam_id in asked.get("id", "").split(",")
            if adam_id in self._adam_ids
        }
        return _json({"isAuthenticated": False, "results": results, "version": 2})


def _assignment(pair: tuple[str, str]) -> dict[str, str]:
    return {"adamId": pair[0], "pricingParam": "STDQ", "serialNumber": pair[1]}


def _json(value: object) -> Answer:
    return Answer(200, json.dumps(value).encode())
