"""Doors of the web side, over a bridge with a database, whose engine takes what came in."""

from __future__ import annotations

import base64
import json
import plistlib
import random
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote_to_bytes, urlencode

from bridge.web.pages import BUTTONS, PAGES
from bridge.web.v1.endpoint import Endpoint
from bridge.web.v1.endpoints import ENDPOINTS
from bridge.web.v1.request import members
from tests.flow import with_all
from tests.flow.scene import API_KEY, WEBHOOK_KEY, Scene
from tests.soak.fuzz.mutate import Mutator
from tests.soak.fuzz.readers import SAMPLES
from tests.soak.fuzz.run import Wrong

EACH_WORLD = 4_000
"""Inputs after which a bridge is replaced by a new one: what was made up stays in a database."""
SETTLED_EVERY = 40

_FINE = {200, 201, 202, 204, 304, 400, 401, 403, 404, 405, 408, 409, 413, 415, 422}


def basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


class Worlds:
    """A bridge that has worked, and the next one after so many inputs."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._made = 0
        self._used = 0
        self._scene: Scene | None = None

    def prepare(self) -> None:
        """Let the present one go where it has served long enough, and make another."""
        if self._scene is not None and self._used < EACH_WORLD:
            return
        self.close()
        place = self._folder / str(self._made)
        place.mkdir(parents=True)
        self._scene = Scene(place, devices=2, apps=2)
        with_all.work(self._scene)
        self._made, self._used = self._made + 1, 0

    def scene(self) -> Scene:
        """The present one."""
        assert self._scene is not None
        self._used += 1
        return self._scene

    def close(self) -> None:
        """Let the present one go."""
        if self._scene is not None:
            self._scene.bridge.close()
            self._scene = None


class Hook:
    """One of the two hooks: what is answered, and what the engine makes of it."""

    def __init__(
        self, name: str, folder: Path, good: list[Any], to: Callable[[Scene], tuple[str, str]]
    ) -> None:
        self.name = name
        self._worlds = Worlds(folder)
        self._good = good
        self._to = to
        self._given = 0

    def prepare(self) -> None:
        self._worlds.prepare()

    def close(self) -> None:
        self._worlds.close()

    def give(self, chance: random.Random) -> str:
        scene = self._worlds.scene()
        path, authorization = self._to(scene)
        body = self._body(scene, Mutator(chance))
        status, answer = post(scene, path, body, authorization)
        if status not in (200, 400, 413) or (status == 200 and answer):
            raise Wrong(f"answered {status}: {answer[:100]!r}")
        self._given += 1
        if self._given % SETTLED_EVERY == 0:
            scene.settle()
            _nothing_failed(scene)
        return str(status)

    def _body(self, scene: Scene, mutator: Mutator) -> bytes:
        message = json.loads(json.dumps(mutator.chance.choice(self._good)))
        for member in ("checkin_event", "acknowledge_event"):
            if isinstance(message.get(member), dict):
                self._odd_payload(scene, message, message[member], mutator)
        return (
            mutator.json(message) if mutator.chance.random() < 0.6 else json.dumps(message).encode()
        )

    def _odd_payload(self, scene: Scene, message: Any, event: Any, mutator: Mutator) -> None:
        """What the device said, odd; often of a device, and of a command, that the bridge knows."""
        device = mutator.chance.choice(scene.world.devices)
        message["event_id"] = f"{mutator.chance.random()}"
        good = mutator.chance.choice(DEVICE_SAMPLES)
        if mutator.chance.random() < 0.7:
            event["udid"] = device.udid
            if device.received:
                event["command_uuid"] = mutator.chance.choice(device.received).command_uuid
            good = good | {"UDID": device.udid, "CommandUUID": event.get("command_uuid", "x")}
        if mutator.chance.random() < 0.8:
            event["raw_payload"] = base64.b64encode(mutator.plist(good)).decode()


class Api:
    """Every call of the API, every page and every button, with something odd in each part."""

    name = "parameters of the API and pages"

    def __init__(self, folder: Path) -> None:
        self._worlds = Worlds(folder)

    def prepare(self) -> None:
        self._worlds.prepare()

    def close(self) -> None:
        self._worlds.close()

    def give(self, chance: random.Random) -> str:
        scene = self._worlds.scene()
        mutator = Mutator(chance)
        if chance.random() < 0.8:
            method, path, names, body = self._call(scene, mutator, chance.choice(ENDPOINTS))
        else:
            method, path, names, body = self._page(scene, mutator)
        query = urlencode(
            [
                (_plain(name), _plain(self._of(scene, mutator, name)))
                for name in names
                if chance.random() < 0.4
            ]
        )
        origin = {"HTTP_ORIGIN": mutator.text()} if chance.random() < 0.05 else {}
        status, answer = request(
            scene, method, path, body, basic("bridge", API_KEY), query=query, more=origin
        )
        if status not in _FINE:
            raise Wrong(f"{method} {path}?{query} answered {status}: {answer[:100]!r}")
        if status >= 400 and b"Traceback" in answer:
            raise Wrong(f"{method} {path} answered a traceback")
        return str(status)

    def _call(
        self, scene: Scene, mutator: Mutator, call: Endpoint[Any]
    ) -> tuple[str, str, list[str], bytes]:
        parts = {
            each.name: quote(_plain(self._of(scene, mutator, each.name)), safe="", errors="replace")
            for each in call.places.path
        }
        names = [each.name for each in call.query] + ["x"]
        body = b""
        if call.changes:
            asked = {
                each.name: self._of(scene, mutator, each.name)
                for each in call.body
                if mutator.chance.random() < 0.6
            }
            body = (
                mutator.json(asked) if mutator.chance.random() < 0.7 else json.dumps(asked).encode()
            )
        return call.method, call.path.format(**parts), names, body

    def _page(self, scene: Scene, mutator: Mutator) -> tuple[str, str, list[str], bytes]:
        page = mutator.chance.choice((*PAGES, *BUTTONS))
        path = page.rule
        for cls in page.of:
            for each in members(cls):
                odd = quote(_plain(self._of(scene, mutator, each.name)), safe="", errors="replace")
                path = path.replace(f"<{each.name}>", odd)
        if page in BUTTONS:
            return "POST", path, [], urlencode({"token": _plain(mutator.text())}).encode()
        return "GET", path, [each.name for each in members(page.asks)], b""  # type: ignore[union-attr]

    def _of(self, scene: Scene, mutator: Mutator, name: str) -> Any:
        """A value for what is called `name`: mostly a good one."""
        known = {
            "serial": scene.serials[0],
            "adam_id": scene.adam_ids[0],
            "app": scene.adam_ids[0],
            "location": "hq",
            "name": "hq",
            "server": "main",
            "id": 1,
            "limit": 10,
            "all": True,
            "groups": {"them": {"all": True}},
            "apps": [{"adam_id": scene.adam_ids[0], "groups": ["them"]}],
            "users": [{"client_user_id": with_all.ANN, "serials": [scene.serials[0]]}],
        }
        if name in known and mutator.chance.random() < 0.8:
            return known[name]
        good = known.get(name, "x")
        return mutator.value(good) if isinstance(good, dict | list) else mutator.leaf()


def _plain(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value)
    return text.encode("utf-8", "replace").decode()


def request(
    scene: Scene,
    method: str,
    path: str,
    body: bytes,
    authorization: str,
    *,
    query: str = "",
    more: dict[str, str] | None = None,
) -> tuple[int, bytes]:
    """What the web side answers, asked without a server between."""
    environ: dict[str, Any] = {
        "REQUEST_METHOD": method,
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote_to_bytes(path).decode("latin-1"),
        "QUERY_STRING": query,
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "9008",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "HTTP_HOST": "127.0.0.1:9008",
        "HTTP_AUTHORIZATION": authorization,
        "CONTENT_TYPE": "application/json",
        "CONTENT_LENGTH": str(len(body)),
        "REMOTE_ADDR": "127.0.0.1",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": BytesIO(body),
        "wsgi.errors": BytesIO(),
        **(more or {}),
    }
    statuses: list[int] = []

    def start(status: str, _headers: Any, _error: Any = None) -> Any:
        statuses.append(int(status.split(maxsplit=1)[0]))
        return lambda _data: None

    pieces = scene.client.application(environ, start)
    try:
        answer = b"".join(pieces)
    finally:
        if hasattr(pieces, "close"):
            pieces.close()
    return statuses[-1], answer


def post(scene: Scene, path: str, body: bytes, authorization: str) -> tuple[int, bytes]:
    """As `request`, for a hook."""
    return request(scene, "POST", path, body, authorization)


def _nothing_failed(scene: Scene) -> None:
    """No message may be one that nobody can handle: then its handling raised."""
    with scene.bridge.database.read() as db:
        failed = db.execute("SELECT topic, error FROM events WHERE error IS NOT NULL").fetchone()
    if failed is not None:
        raise Wrong(f"handling a message of {failed[0]!r} failed: {failed[1]}")


def _samples() -> Iterator[dict[str, Any]]:
    for path in sorted((SAMPLES / "device").glob("*.plist")):
        yield plistlib.loads(path.read_bytes())


DEVICE_SAMPLES = list(_samples())


def webhooks(folder: Path) -> Hook:
    """The hook of MDM servers."""
    good = json.loads((SAMPLES / "mdm-webhooks.json").read_bytes())
    credentials = basic("mdm", WEBHOOK_KEY)
    return Hook("the hook of MDM servers", folder, good, lambda _: ("/hooks/mdm/main", credentials))


def notifications(folder: Path) -> Hook:
    """Apple's hook."""
    good = json.loads((SAMPLES / "apple-notifications.json").read_bytes())

    def to(scene: Scene) -> tuple[str, str]:
        return "/hooks/apple/hq", f"Bearer {scene.world.location.client.notification_token}"

    return Hook("Apple's hook", folder, good, to)
