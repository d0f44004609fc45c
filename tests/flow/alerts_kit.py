"""A receiver of alerts in a scene, and time that passes in short steps, as in a running engine."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import Any

from werkzeug.wrappers import Request, Response

from bridge.config.model import AlertConfig
from bridge.domain.alerts import ALERTS
from bridge.domain.alerts.message import Form
from tests.flow.scene import Scene
from tests.wsgi_adapter import WsgiAdapter

HOST = "chat.example.org"
SECRET = "planted-secret-of-the-address"
URL = f"https://bot:{SECRET}@{HOST}/hooks/{SECRET}?key={SECRET}"
STEP = 60.0


@dataclass
class Chat:
    """Keeps what it is told; `answer` makes its answers."""

    said: list[dict[str, Any]] = field(default_factory=list)
    answer: Callable[[], Response] = lambda: Response("ok")
    paths: list[str] = field(default_factory=list)

    def __call__(self, environ: Any, start_response: Any) -> Iterable[bytes]:
        request = Request(environ)
        self.paths.append(request.full_path)
        if request.method == "POST":
            self.said.append(json.loads(request.get_data()))
        return self.answer()(environ, start_response)

    def take(self) -> list[str]:
        """ "alert state" of all that was said since the last time."""
        said, self.said = self.said, []
        return [f"{each['alert']} {each['state']}" for each in said]


class Told:
    """A scene whose bridge tells `chat`; the adapter makes its answers be lost."""

    def __init__(self, scene: Scene, **receiver: Any) -> None:
        self.scene = scene
        self.chat = Chat()
        self.adapter = WsgiAdapter(self.chat)
        self.receive(receiver.pop("url", URL), **receiver)

    def receive(
        self,
        *urls: str,
        form: Form = "json",
        on: Iterable[str] | None = None,
        beside: bool = False,
    ) -> None:
        """Have these receivers told from now on, `beside` those before; the bridge starts anew."""
        names = (url.rpartition("@")[2].removeprefix("https://").partition("/")[0] for url in urls)
        configs = {
            name: AlertConfig(url, form, tuple(ALERTS if on is None else on))
            for name, url in zip(names, urls, strict=True)
        }
        before = self.scene.config.alerts if beside else {}
        self.scene.config = replace(self.scene.config, alerts={**before, **configs})
        self.restart()

    def restart(self) -> None:
        """Kill the bridge where it stands, and start it on the same database."""
        scene = self.scene
        scene.bridge.close()
        scene.transports = replace(scene.transports, alerts=self.adapter)
        scene.start()

    def pass_time(self, seconds: float, step: float = STEP) -> None:
        """Let time pass in steps of a minute, in each of which the engine looks."""
        end = self.scene.world.now + seconds
        while self.scene.world.now < end:
            self.scene.pass_time(min(step, end - self.scene.world.now))
