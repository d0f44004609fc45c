"""Run the world: `python -m tests.bench.world SETTINGS`, a JSON object.

`port` is where it listens, `bridge` the bridge's port, `devices` and `apps` how many there are.
What the benchmark asks goes to /bench/…: `authenticate`, `token_update`, `check_in`, `hold`,
`release`, for Apple `be_silent` and `speak`; `stats` says how far it is.
"""

from __future__ import annotations

import asyncio
import base64
import json
import os
import signal
import sys
import time
from urllib.parse import urlsplit

from tests.bench.world.apple import Apple
from tests.bench.world.http import Answer, Connection, Poster, Request
from tests.bench.world.mdm import Mdm, fleet

WEBHOOK_KEY = "webhook-key"


def adam_ids(count: int) -> list[str]:
    """The apps of the catalogue."""
    return [str(300000000 + number) for number in range(count)]


class World:
    """Everything outside, behind one port."""

    def __init__(self, port: int, bridge: int, devices: int, apps: int) -> None:
        basic = base64.b64encode(f"mdm:{WEBHOOK_KEY}".encode()).decode()
        self.webhooks = Poster(
            "127.0.0.1", bridge, _head("/hooks/mdm/main", bridge, f"Basic {basic}")
        )
        self.mdm = Mdm(fleet(devices), self.webhooks, apps)
        self.apple = Apple(f"http://127.0.0.1:{port}", adam_ids(apps), _to_notification_url)

    def handle(self, request: Request) -> Answer:
        """Whatever is asked, by the bridge or by the benchmark."""
        if request.path.startswith("/bench/"):
            return self._control(request.path.removeprefix("/bench/"))
        if request.path.startswith(("/mdm/v2/", "/WebObjects/")):
            return self.apple.handle(request)
        return self.mdm.handle(request)

    def _control(self, word: str) -> Answer:
        mdm = self.mdm
        match word:
            case "authenticate":
                mdm.authenticate()
            case "token_update":
                mdm.token_update()
            case "check_in":
                mdm.check_in_all()
            case "hold":
                mdm.hold = True
            case "release":
                mdm.release()
            case "be_silent":
                self.apple.silent = True
            case "speak":
                self.apple.speak()
            case "latencies":
                return Answer(200, json.dumps(self._latencies()).encode())
            case "untold":
                return Answer(200, json.dumps(self.apple.untold).encode())
            case "waits":
                return Answer(200, json.dumps(list(self.webhooks.waits)).encode())
        return Answer(200, json.dumps(self._stats()).encode())

    def _latencies(self) -> list[float]:
        """Seconds from each SUCCESS that was sent to its InstallApplication."""
        told, seen = self.apple.told, self.mdm.installs_seen
        return [seen[pair] - at for pair, at in told.items() if pair in seen]

    def _stats(self) -> dict[str, object]:
        mdm, poster, apple = self.mdm, self.webhooks, self.apple
        return {
            "complete": mdm.complete,
            "posts": mdm.posts,
            "pushes": mdm.pushes,
            "commands": mdm.commands,
            "repeated": mdm.repeated,
            "webhooks": poster.posted,
            "lost": poster.lost,
            "backlog": poster.waiting,
            "connections": poster.connections,
            "busy": poster.busy,
            "worst": max(poster.waits, default=0.0),
            "notifications": apple.poster.posted if apple.poster else 0,
            "noted": len(apple.noted),
            "associates": apple.associates,
            "requests": apple.requests,
            "token_update_at": mdm.first_token_update_at,
            "now": time.time(),
        }


def _head(path: str, port: int, authorization: str) -> str:
    return (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUser-Agent: Go-http-client/1.1\r\n"
        f"Authorization: {authorization}\r\nContent-Type: application/json; charset=utf-8\r\n"
    )


def _to_notification_url(url: str, token: str) -> Poster:
    parts = urlsplit(url)
    host, port = parts.hostname or "127.0.0.1", parts.port or 80
    return Poster(host, port, _head(parts.path, port, f"Bearer {token}"))


async def main() -> None:
    """Serve until SIGTERM, or until the benchmark is gone."""
    settings = json.loads(sys.argv[1])
    world = World(**settings)
    loop = asyncio.get_running_loop()
    await loop.create_server(lambda: Connection(world.handle), "127.0.0.1", settings["port"])
    ended = asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, ended.set)
    parent = os.getppid()
    while not ended.is_set():
        try:
            await asyncio.wait_for(ended.wait(), 1.0)
        except TimeoutError:
            if os.getppid() != parent:
                return


if __name__ == "__main__":
    asyncio.run(main())
