"""The simulated servers' own HTTP: webhooks and notifications on their way out."""

from __future__ import annotations

import base64
import http.client
import queue
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit, urlunsplit

from bridge.simulator.kernel import Kernel

Post = Callable[[str, Mapping[str, str], bytes, float], int | None]
"""Sends (url, headers, body, timeout in seconds) and returns the HTTP status, None for no reply."""

Done = Callable[[int | None], object]


@dataclass(frozen=True)
class Letter:
    """One POST to make. `timeout` is in seconds."""

    url: str
    headers: Mapping[str, str]
    body: bytes = field(repr=False)
    timeout: float = 30.0


def http_post(url: str, headers: Mapping[str, str], body: bytes, timeout: float) -> int | None:
    """A `Post` over real HTTP or HTTPS; redirects are not followed."""
    parts = urlsplit(url)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = kind(parts.hostname or "", parts.port, timeout=timeout)
    try:
        target = urlunsplit(("", "", parts.path or "/", parts.query, ""))
        connection.request("POST", target, body, dict(headers))
        return connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()


def without_userinfo(url: str) -> tuple[str, dict[str, str]]:
    """The URL without `user:password@`, and the Authorization header that it becomes.

    Go's HTTP client turns userinfo into Basic credentials, which is the only way to authenticate
    MicroMDM's webhook. Source: Go, net/http client.go.
    """
    parts = urlsplit(url)
    if parts.username is None:
        return url, {}
    host = parts.netloc.rpartition("@")[2]
    secret = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
    basic = base64.b64encode(secret.encode()).decode()
    return urlunsplit(parts._replace(netloc=host)), {"Authorization": f"Basic {basic}"}


class Outgoing:
    """Sends letters: at once in virtual time, from one thread for each sender after `start`.

    `done` is called with the outcome while the world's lock is held.
    """

    def __init__(self, kernel: Kernel, post: Post = http_post) -> None:
        self.post = post
        self._kernel = kernel
        self._threaded = False
        self._senders: dict[str, queue.SimpleQueue[tuple[Letter, Done] | None]] = {}
        self._threads: list[threading.Thread] = []

    def send_now(self, letter: Letter) -> int | None:
        """Send in the caller's thread, which in real time must not hold the world's lock."""
        return self.post(letter.url, letter.headers, letter.body, letter.timeout)

    def send(self, sender: str, letter: Letter, done: Done) -> None:
        """Send after what the same sender sent before."""
        if self._threaded:
            self._sender(sender).put((letter, done))
        else:
            done(self.send_now(letter))

    def start(self) -> None:
        """From now on send from threads, so that nobody waits for a receiver."""
        self._threaded = True

    def stop(self) -> None:
        """Finish what is being sent, and drop the rest."""
        self._threaded = False
        for sender in self._senders.values():
            sender.put(None)
        for thread in self._threads:
            thread.join(timeout=5)
        self._senders.clear()
        self._threads.clear()

    def _sender(self, name: str) -> queue.SimpleQueue[tuple[Letter, Done] | None]:
        if name not in self._senders:
            sender: queue.SimpleQueue[tuple[Letter, Done] | None] = queue.SimpleQueue()
            thread = threading.Thread(
                target=self._work, args=(sender,), name=f"outgoing-{name}", daemon=True
            )
            self._senders[name] = sender
            self._threads.append(thread)
            thread.start()
        return self._senders[name]

    def _work(self, sender: queue.SimpleQueue[tuple[Letter, Done] | None]) -> None:
        while (item := sender.get()) is not None and self._threaded:
            letter, done = item
            status = self.send_now(letter)
            with self._kernel.lock:
                done(status)
