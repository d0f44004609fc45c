"""Webhooks passed on to other listeners: to real ones on loopback, that are slow, dead or rude.

Where a test waits for another thread, it waits for an event, with a deadline.
"""

import base64
import hmac
import json
import logging
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bridge.clients.listener import ListenerClient
from bridge.domain.policy import CallPolicy, LimitsPolicy, Policy
from bridge.domain.views import HealthPart
from bridge.engine.context import Context
from bridge.engine.intake import forward
from bridge.engine.intake.forward import Forwarder, Webhook
from bridge.store import meta
from bridge.store.database import Connection
from bridge.store.file.database import FileDatabase
from tests.flow.cli_kit import Shell
from tests.flow.kit import stored_bytes
from tests.flow.scene import WEBHOOK_KEY, Scene
from tests.flow.test_serve_process import DEADLINE as PROCESS_DEADLINE
from tests.flow.test_serve_process import ENDS_WITHIN, Served, end
from tests.loopback import (
    Handler,
    bare_environment,
    close_unanswered,
    free_port,
    read_request,
    reset_unanswered,
    serving,
)
from tests.web_stand_in import config

DEADLINE = 20.0
NOW = 1_800_000_000.0
AUTHORIZED = {"Authorization": "Basic " + base64.b64encode(f"m:{WEBHOOK_KEY}".encode()).decode()}
JSON = "application/json; charset=utf-8"

MakeScene = Callable[..., Scene]
MakeAlone = Callable[..., "Alone"]


@pytest.fixture(autouse=True)
def own_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    bare_environment(monkeypatch)


class Listener:
    """Keeps the requests that it gets, and answers `status` as soon as `may_answer` is set."""

    def __init__(self) -> None:
        self.requests: list[bytes] = []
        self.status = 200
        self.may_answer = threading.Event()
        self.may_answer.set()
        self.port = 0
        self._changed = threading.Condition()

    def handle(self, connection: socket.socket) -> None:
        request = read_request(connection)
        with self._changed:
            self.requests.append(request)
            self._changed.notify_all()
        assert self.may_answer.wait(DEADLINE)
        head = f"HTTP/1.1 {self.status} X\r\nContent-Length: 0\r\nLocation: /\r\n"
        connection.sendall(f"{head}Connection: close\r\n\r\n".encode())

    def got(self, count: int) -> list[bytes]:
        """The bodies, once there are `count` of them."""
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.requests) >= count, DEADLINE)
            return [request.partition(b"\r\n\r\n")[2] for request in self.requests]

    def headers(self) -> dict[str, str]:
        """Those of the first request, in lower case."""
        lines = self.requests[0].partition(b"\r\n\r\n")[0].decode().split("\r\n")[1:]
        return {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook"


@contextmanager
def listening(*, held: bool = False) -> Iterator[Listener]:
    listener = Listener()
    if held:
        listener.may_answer.clear()
    with serving(listener.handle) as server:
        listener.port = server.port
        try:
            yield listener
        finally:
            listener.may_answer.set()


def forwarding(make_scene: MakeScene, *urls: str, **changes: Any) -> Scene:
    """A scene whose MDM server's webhooks are passed on to these addresses."""
    scene = make_scene(devices=1, apps=1)
    server = replace(scene.config.servers["main"], forward_to=urls)
    scene.config = replace(scene.config, servers={"main": server}, **changes)
    scene.restart()
    return scene


def webhook(number: int, padding: str = "") -> bytes:
    """A webhook in a form that no encoder writes by itself."""
    return f'{{ "topic":"mdm.Other",\t"event_id": "{number}", "x": "\\u00fc{padding}"}}\n'.encode()


def post(scene: Scene, body: bytes, **headers: str) -> int:
    known = AUTHORIZED | {"Content-Type": JSON}
    return scene.client.post("/hooks/mdm/main", data=body, headers=known | headers).status_code


def counted(db: Connection) -> dict[str, int]:
    """What was counted of passing on, without the prefix."""
    found = meta.counters(db).items()
    return {n.removeprefix("forward.main."): v for n, v in found if n.startswith("forward.main.")}


def counts(scene: Scene) -> dict[str, int]:
    """What was counted, after a restart."""
    scene.restart()
    with scene.bridge.database.read() as db:
        return counted(db)


def test_every_listener_gets_the_same_bytes_in_order(make_scene: MakeScene) -> None:
    with listening() as first, listening() as second:
        scene = forwarding(make_scene, first.url, second.url)
        bodies = [webhook(number) for number in range(30)]
        assert [post(scene, body) for body in bodies] == [200] * 30
        assert first.got(30) == second.got(30) == bodies
        scene.bridge.forwarder.stop(DEADLINE)
    headers = first.headers()
    assert headers["content-type"] == JSON
    assert headers["x-forwarded-by"] == "micromdm-vpp-bridge"
    assert "authorization" not in headers and "x-forwarded-for" not in headers
    assert counts(scene) == {"sent": 60}


def test_a_signature_is_passed_on_with_its_bytes(make_scene: MakeScene) -> None:
    """NanoMDM's, over the same bytes, so that a listener that has the key can look at it."""
    key, body = b"a signing key", webhook(1)
    signature = base64.b64encode(hmac.digest(key, body, "sha256")).decode()
    with listening() as listener:
        scene = forwarding(make_scene, listener.url)
        main = replace(scene.config.servers["main"], webhook_hmac_keys=(key.decode(),))
        scene.config = replace(scene.config, servers={"main": main})
        scene.restart()
        signed = {"X-Hmac-Signature": signature}
        assert post(scene, body, **signed) == 200
        assert listener.got(1) == [body]
        assert listener.headers()["x-hmac-signature"] == signature
        scene.bridge.forwarder.stop(DEADLINE)


@pytest.mark.parametrize(
    ("userinfo", "rest", "target", "pair"),
    [
        ("", "", "/", None),
        ("", "/hook/", "/hook/", None),
        ("", "?a=1&a=2&flag", "/?a=1&a=2&flag", None),
        ("", "/a%20b?key=x%2Fy", "/a%20b?key=x%2Fy", None),
        ("user:secret@", "/hook", "/hook", "user:secret"),
        ("user:p%40s%3As%2F@", "/", "/", "user:p@s:s/"),
        (":secret@", "/", "/", ":secret"),
        ("user@", "/", "/", "user:"),
        ("@", "/", "/", None),
    ],
)
def test_an_address_is_used_whole_and_its_credentials_as_basic(
    userinfo: str, rest: str, target: str, pair: str | None
) -> None:
    with listening() as listener:
        url = f"http://{userinfo}127.0.0.1:{listener.port}{rest}"
        client = ListenerClient(url, timeout=(5.0, 5.0), sleep=lambda _seconds: None)
        assert client.host == f"127.0.0.1:{listener.port}"
        client.post(b"{}", None)
        client.close()
    assert listener.requests[0].startswith(f"POST {target} HTTP/1.1\r\n".encode())
    headers = listener.headers()
    offered = headers.get("authorization", "Basic ").removeprefix("Basic ")
    assert base64.b64decode(offered).decode() == (pair or "")
    assert headers["host"] == f"127.0.0.1:{listener.port}" and "content-type" not in headers


def test_a_slow_listener_holds_up_neither_the_hook_nor_another(make_scene: MakeScene) -> None:
    with listening(held=True) as slow, listening() as quick:
        scene = forwarding(make_scene, slow.url, quick.url)
        bodies = [webhook(number) for number in range(5)]
        assert [post(scene, body) for body in bodies] == [200] * 5
        assert quick.got(5) == bodies
        assert slow.got(1) == bodies[:1]
        slow.may_answer.set()
        assert slow.got(5) == bodies
        scene.bridge.forwarder.stop(DEADLINE)
    assert counts(scene) == {"sent": 10}


def test_only_what_was_newly_taken_in_is_passed_on(make_scene: MakeScene) -> None:
    with listening() as listener:
        scene = forwarding(
            make_scene, listener.url, policy=Policy(limits=LimitsPolicy(mdm_body=200))
        )
        first, last = webhook(1), webhook(2)
        assert post(scene, first) == 200
        assert post(scene, first) == 200
        assert post(scene, webhook(3), Authorization="Basic eDp5") == 401
        assert post(scene, b"[]") == 400
        assert post(scene, webhook(4, "x" * 200)) == 413
        assert post(scene, last) == 200
        assert listener.got(2) == [first, last]
        scene.bridge.forwarder.stop(DEADLINE)
        assert len(listener.requests) == 2
    assert counts(scene) == {"sent": 2}


@pytest.mark.parametrize("mark", ["micromdm-vpp-bridge", "other, micromdm-vpp-bridge"])
def test_what_a_bridge_passed_on_is_taken_in_and_goes_no_further(
    make_scene: MakeScene, mark: str
) -> None:
    with listening() as listener:
        scene = forwarding(make_scene, listener.url)
        assert post(scene, webhook(1), **{"X-Forwarded-By": mark}) == 200
        assert post(scene, webhook(2), **{"X-Forwarded-By": "other"}) == 200
        assert listener.got(1) == [webhook(2)]
        scene.bridge.forwarder.stop(DEADLINE)
    assert len(scene.bridge.list_events(source="mdm", topic=None, status=None, limit=9).items) == 2
    assert counts(scene) == {"sent": 1, "looped": 1}


def test_a_restart_loses_what_was_queued_and_nothing_else(make_scene: MakeScene) -> None:
    with listening(held=True) as listener:
        scene = forwarding(make_scene, listener.url)
        bodies = [webhook(number) for number in range(4)]
        for body in bodies[:3]:
            assert post(scene, body) == 200
        listener.got(1)
        scene.restart()
        listener.may_answer.set()
        assert post(scene, bodies[3]) == 200
        assert listener.got(2) == [bodies[0], bodies[3]]
        scene.bridge.forwarder.stop(DEADLINE)
    page = scene.bridge.list_events(source="mdm", topic=None, status=None, limit=9)
    assert len(page.items) == 4
    assert counts(scene) == {"failed": 1, "dropped": 2, "sent": 1}
    assert all(part.ok for part in scene.bridge.health() if part.name.startswith("forward"))


class Watched(FileDatabase):
    """Says when something was written, and how often."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.writes = 0
        self.written = threading.Event()

    @contextmanager
    def write(self) -> Iterator[Connection]:
        with super().write() as db:
            yield db
        self.writes += 1
        self.written.set()


class Alone:
    """A forwarder without a bridge; `paused` is set when a call is about to be tried again."""

    def __init__(self, folder: Path, urls: Sequence[str], read_timeout: float) -> None:
        server = replace(config().servers["main"], forward_to=tuple(urls))
        call = CallPolicy(read_timeout=read_timeout)
        self.config = config(servers={"main": server}, policy=Policy(call=call))
        self.database = Watched(folder / "bridge.db")
        self.database.open()
        self.paused = threading.Event()
        self.now = NOW
        self.forwarder = self._make()

    def _make(self) -> Forwarder:
        return Forwarder(
            self.database, self.config, lambda: self.now, lambda _seconds: self.paused.set()
        )

    def offer(self, *bodies: bytes) -> None:
        for body in bodies:
            self.forwarder.offer("main", Webhook(body))

    def stopped(self) -> dict[str, int]:
        """What was counted, once all that was under way is done; it can be used on."""
        self.forwarder.stop(DEADLINE)
        self.forwarder = self._make()
        with self.database.read() as db:
            return counted(db)

    def parts(self) -> list[HealthPart]:
        with self.database.read() as db:
            return list(forward.parts(Context(db, self.config.policy, self.now), self.config))


@pytest.fixture
def alone(tmp_path: Path) -> Iterator[MakeAlone]:
    with ExitStack() as stack:

        def make(*urls: str, read_timeout: float = DEADLINE) -> Alone:
            made = Alone(tmp_path, urls, read_timeout)
            stack.callback(made.database.close)
            stack.callback(made.forwarder.stop, 0.0)
            return made

        yield make


def answering_with(status: int) -> Handler:
    listener = Listener()
    listener.status = status
    return listener.handle


def never_answering(connection: socket.socket) -> None:
    read_request(connection)
    while connection.recv(65536):
        pass


@pytest.mark.parametrize(
    ("handler", "said"),
    [
        (answering_with(500), "answered 500 to a webhook."),
        (answering_with(404), "answered 404 to a webhook."),
        (answering_with(307), "answered 307 to a webhook."),
        (close_unanswered, "gave no readable answer to a webhook: the connection was closed."),
        (reset_unanswered, "gave no readable answer to a webhook: the connection was closed."),
        (never_answering, "gave no readable answer to a webhook: timed out."),
    ],
)
def test_what_a_listener_does_not_take_is_sent_once_and_counted(
    alone: MakeAlone, handler: Handler, said: str
) -> None:
    arrived = threading.Semaphore(0)

    def count(connection: socket.socket) -> None:
        arrived.release()
        handler(connection)

    with serving(count) as server:
        host = f"127.0.0.1:{server.port}"
        patience = 0.2 if handler is never_answering else DEADLINE
        bridge = alone(f"http://{host}/hook", read_timeout=patience)
        bridge.offer(b"1", b"2")
        assert arrived.acquire(timeout=DEADLINE) and arrived.acquire(timeout=DEADLINE)
        assert bridge.stopped() == {"failed": 2}
        assert server.connections == 2
    (part,) = bridge.parts()
    assert (part.name, part.ok, part.severity) == (f"forward main {host}", False, "degraded")
    assert part.detail == f"it did not take the last 2 webhooks: {host} {said}"
    assert part.age_s == 0.0


def test_a_listener_that_is_not_there_is_counted(alone: MakeAlone) -> None:
    host = f"127.0.0.1:{free_port()}"
    bridge = alone(f"http://{host}/")
    bridge.offer(b"1")
    assert bridge.paused.wait(DEADLINE)
    assert bridge.stopped() == {"failed": 1}
    (part,) = bridge.parts()
    assert not part.ok and f"{host} cannot be reached (connection refused)" in part.detail


def test_a_dead_listener_is_no_trouble_of_another(alone: MakeAlone) -> None:
    with listening() as listener:
        bridge = alone(f"http://127.0.0.1:{free_port()}/", listener.url)
        bridge.offer(b"1", b"2")
        assert listener.got(2) == [b"1", b"2"]
        assert bridge.paused.wait(DEADLINE)
        bridge.forwarder.stop(DEADLINE)
    dead, living = bridge.parts()
    assert (dead.ok, living.ok) == (False, True)


def test_a_listener_that_takes_webhooks_again_is_well_again(
    alone: MakeAlone, caplog: pytest.LogCaptureFixture
) -> None:
    with listening() as listener:
        bridge = alone(listener.url)
        assert bridge.parts() == [
            HealthPart(f"forward main 127.0.0.1:{listener.port}", True, "degraded", "", None)
        ]
        listener.status = 503
        bridge.offer(b"1")
        listener.got(1)
        assert bridge.stopped() == {"failed": 1}
        assert not bridge.parts()[0].ok
        listener.status = 200
        bridge.now += 60
        bridge.offer(b"2")
        listener.got(2)
        assert bridge.stopped() == {"failed": 1, "sent": 1}
    bridge.now += 30
    (part,) = bridge.parts()
    assert (part.ok, part.detail, part.age_s) == (True, "", 30.0)
    (warning,) = caplog.records
    assert warning.levelno == logging.WARNING and "answered 503" in warning.getMessage()


class Choosy(Listener):
    """Answers webhooks of some topics with 500."""

    def __init__(self) -> None:
        super().__init__()
        self.refuses: set[str] = set()

    def handle(self, connection: socket.socket) -> None:
        request = read_request(connection)
        topic = json.loads(request.partition(b"\r\n\r\n")[2])["topic"]
        with self._changed:
            self.requests.append(request)
            self._changed.notify_all()
        status = 500 if topic in self.refuses else 200
        head = f"HTTP/1.1 {status} X\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        connection.sendall(head.encode())


GET, SET = "mdm.GetBootstrapToken", "mdm.SetBootstrapToken"


def test_a_listener_that_refuses_some_topics_alone_is_well(
    make_scene: MakeScene, caplog: pytest.LogCaptureFixture
) -> None:
    """nanocmd 0.7.1 answers 500 to the topics of bootstrap tokens, and takes all others."""
    caplog.set_level(logging.INFO)
    choosy = Choosy()
    choosy.refuses = {GET, SET}
    with serving(choosy.handle) as server:
        host = f"127.0.0.1:{server.port}"
        scene = forwarding(make_scene, f"http://{host}/webhook")
        seen = 0

        def tell(*topics: str) -> HealthPart:
            nonlocal seen
            for topic in topics:
                seen += 1
                body = json.dumps({"topic": topic, "event_id": f"{seen}"}).encode()
                assert post(scene, body) == 200
            choosy.got(seen)
            scene.bridge.forwarder.stop(DEADLINE)
            scene.restart()
            parts = {part.name: part for part in scene.bridge.health()}
            return parts[f"forward main {host}"]

        assert tell("mdm.Connect").ok
        part = tell(GET, SET, GET, GET)
        assert (part.ok, part.severity) == (True, "degraded")
        assert part.detail == f"it takes webhooks, but none of {GET}, {SET}"
        assert not [r for r in caplog.records if r.levelno >= logging.WARNING]
        assert f"{host} does not take webhooks of {GET}; the others are passed on" in caplog.text
        choosy.refuses = {GET, SET, "mdm.Connect"}
        part = tell("mdm.Connect")
        assert not part.ok and "it did not take the last webhook" in part.detail
        choosy.refuses = set()
        assert tell("mdm.Connect", GET, SET).detail == ""


def test_a_listener_that_took_nothing_yet_is_not_choosy(make_scene: MakeScene) -> None:
    choosy = Choosy()
    choosy.refuses = {GET}
    with serving(choosy.handle) as server:
        scene = forwarding(make_scene, f"http://127.0.0.1:{server.port}/webhook")
        assert post(scene, json.dumps({"topic": GET, "event_id": "1"}).encode()) == 200
        choosy.got(1)
        scene.bridge.forwarder.stop(DEADLINE)
        (part,) = (each for each in scene.bridge.health() if each.name.startswith("forward"))
    assert not part.ok


def test_what_was_known_of_another_host_is_not_said_of_this_one(
    alone: MakeAlone,
) -> None:
    bridge = alone(f"http://127.0.0.1:{free_port()}/")
    bridge.offer(b"1")
    assert bridge.paused.wait(DEADLINE)
    assert bridge.stopped() == {"failed": 1}
    server = replace(bridge.config.servers["main"], forward_to=("https://new.example.org/",))
    bridge.config = replace(bridge.config, servers={"main": server})
    (part,) = bridge.parts()
    assert (part.name, part.ok) == ("forward main new.example.org", True)


@pytest.mark.parametrize(
    ("limit", "value", "fit"),
    [("MAX_EVENTS", 4, 4), ("MAX_BYTES", 40, 4), ("MAX_BYTES", 49, 4), ("MAX_BYTES", 9, 0)],
)
def test_no_more_waits_for_a_listener_than_is_allowed(
    alone: MakeAlone, monkeypatch: pytest.MonkeyPatch, limit: str, value: int, fit: int
) -> None:
    monkeypatch.setattr(forward, limit, value)
    with listening(held=True) as listener:
        bridge = alone(listener.url)
        bridge.offer(b"0")
        listener.got(1)
        bodies = [f"number {number:03}".encode() for number in range(9)]
        bridge.offer(*bodies)
        listener.may_answer.set()
        assert listener.got(1 + fit) == [b"0", *bodies[:fit]]
        bridge.offer(b"1")
        assert listener.got(2 + fit)[-1] == b"1"
        assert bridge.stopped() == {"sent": 2 + fit, "dropped": 9 - fit}
    (part,) = bridge.parts()
    assert not part.ok and "too slow" in part.detail
    bridge.now += forward.RECENT
    assert bridge.parts()[0].ok


def test_a_full_queue_is_told_once_and_when_it_is_over(
    alone: MakeAlone, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    monkeypatch.setattr(forward, "STORE_EVERY", 0.0)
    monkeypatch.setattr(forward, "MAX_EVENTS", 1)
    with listening(held=True) as listener:
        bridge = alone(listener.url)
        bridge.offer(b"0")
        listener.got(1)
        bridge.offer(b"1", b"2", b"3")
        listener.may_answer.set()
        listener.got(2)
        assert bridge.stopped() == {"sent": 2, "dropped": 2}
    said = [record.getMessage() for record in caplog.records]
    host = f"127.0.0.1:{listener.port}"
    assert said == [
        f"webhooks are not passed on: too many wait for {host}",
        f"{host} takes webhooks again",
    ]


def test_what_is_not_waited_for_at_the_end_is_counted_once(alone: MakeAlone) -> None:
    with listening(held=True) as listener:
        bridge = alone(listener.url)
        bridge.offer(b"1", b"2")
        listener.got(1)
        bridge.forwarder.stop(0.0)
        bridge.offer(b"3")
        listener.may_answer.set()
        assert bridge.stopped() == {"failed": 1, "dropped": 2}
        assert listener.got(1) == [b"1"]
    (part,) = bridge.parts()
    assert (part.ok, part.age_s) == (True, None)


def test_counts_are_written_in_batches(alone: MakeAlone, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forward, "STORE_EVERY", 3600.0)
    with listening() as listener:
        bridge = alone(listener.url)
        bridge.offer(*[b"x"] * 100)
        listener.got(100)
        assert bridge.stopped() == {"sent": 100}
    assert bridge.database.writes <= 2


def test_the_last_counts_are_written_while_nothing_more_comes(
    alone: MakeAlone, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(forward, "STORE_EVERY", 0.3)
    with listening() as listener:
        bridge = alone(listener.url)
        for number in (1, 2):
            bridge.database.written.clear()
            bridge.offer(b"x")
            assert bridge.database.written.wait(DEADLINE)
            with bridge.database.read() as db:
                assert counted(db) == {"sent": number}


def test_a_failure_that_nobody_foresaw_stops_nothing(
    alone: MakeAlone, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    posted: list[bytes] = []
    both = threading.Event()

    def fail_once(self: ListenerClient, body: bytes, *_headers: str | None) -> None:
        posted.append(body)
        if len(posted) == 1:
            raise ValueError("hush")
        both.set()

    monkeypatch.setattr(ListenerClient, "post", fail_once)
    bridge = alone("https://listener.example.org/")
    bridge.offer(b"1", b"2")
    assert both.wait(DEADLINE)
    assert bridge.stopped() == {"failed": 1, "sent": 1}
    assert "hush" not in caplog.text


def test_a_database_that_cannot_be_written_stops_nothing(
    alone: MakeAlone, caplog: pytest.LogCaptureFixture
) -> None:
    with listening() as listener:
        bridge = alone(listener.url)
        bridge.database.close()
        bridge.offer(b"1")
        listener.got(1)
        bridge.offer(b"2")
        assert listener.got(2) == [b"1", b"2"]
        bridge.forwarder.stop(DEADLINE)
    assert "forwarded webhooks could not be counted" in caplog.text


def test_no_thread_to_be_had_costs_the_webhook_and_not_the_answer(
    make_scene: MakeScene, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(self: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with listening() as listener:
        scene = forwarding(make_scene, listener.url)
        with monkeypatch.context() as patch:
            patch.setattr(threading.Thread, "start", refuse)
            assert post(scene, webhook(1)) == 200
        assert post(scene, webhook(2)) == 200
        assert listener.got(1) == [webhook(2)]
        scene.bridge.forwarder.stop(DEADLINE)
    assert counts(scene) == {"dropped": 1, "sent": 1}


def test_secrets_of_an_address_are_shown_nowhere(
    make_scene: MakeScene, caplog: pytest.LogCaptureFixture
) -> None:
    arrived = threading.Semaphore(0)

    def fail(connection: socket.socket) -> None:
        arrived.release()
        close_unanswered(connection)

    with serving(fail) as server:
        host = f"127.0.0.1:{server.port}"
        url = f"http://user-hush:pw-hush@{host}/path-hush?key=query-hush"
        scene = forwarding(make_scene, url)
        for number in (1, 2):
            assert post(scene, webhook(number)) == 200
            assert arrived.acquire(timeout=DEADLINE)
        scene.bridge.forwarder.stop(DEADLINE)
        scene.restart()
    shell = Shell(scene)
    text = shell.config.read_text()
    shell.config.write_text(text.replace("api_key:", f'forward_to: ["{url}"], api_key:', 1))
    readyz, status = scene.client.get("/readyz").text, shell.run("status", "--all").stdout
    assert f"Attention: forward main {host}: it did not take the last 2 webhooks" in status
    assert "forward.main.failed" in status
    everything = readyz + status + json.dumps(shell.json("status")) + caplog.text
    assert host in everything and "hush" not in everything
    assert not any(b"hush" in each for each in stored_bytes(scene).values())


CONFIG = """\
database: bridge.db
listen: 127.0.0.1:{port}
api: {{key: k}}
locations: {{hq: {{content_token_file: none.vpptoken}}}}
apple: {{url: "http://127.0.0.1:1"}}
servers:
  main: {{url: "http://127.0.0.1:1", api_key: a, webhook_key: {key}, forward_to: ["{url}"]}}
"""


@pytest.mark.slow
def test_the_real_program_passes_on_and_ends_in_time(tmp_path: Path) -> None:
    with listening() as listener, ExitStack() as stack:
        port, path, errors = free_port(), tmp_path / "config.yaml", tmp_path / "log"
        path.write_text(CONFIG.format(port=port, key=WEBHOOK_KEY, url=listener.url))
        path.chmod(0o600)
        process = subprocess.Popen(
            [sys.executable, "-m", "bridge", "--config", str(path), "serve"],
            stderr=stack.enter_context(errors.open("wb")),
            start_new_session=True,
        )
        served = Served(process, path, port, errors)
        stack.callback(end, served)
        served.ready()
        assert deliver(port, 1) == 200
        assert listener.got(1) == [webhook(1)]
        listener.may_answer.clear()
        for number in (2, 3, 4):
            assert deliver(port, number) == 200
        listener.got(2)
        started = time.monotonic()
        process.send_signal(signal.SIGTERM)
        assert process.wait(PROCESS_DEADLINE) == 0
        assert time.monotonic() - started < ENDS_WITHIN
    database = FileDatabase(tmp_path / "bridge.db")
    database.open()
    with database.read() as db:
        assert counted(db) == {"sent": 1, "failed": 1, "dropped": 2}
    database.close()


def deliver(port: int, number: int) -> int:
    body = webhook(number)
    head = f"POST /hooks/mdm/main HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n"
    head += f"Authorization: {AUTHORIZED['Authorization']}\r\nConnection: close\r\n\r\n"
    with socket.create_connection(("127.0.0.1", port), timeout=DEADLINE) as connection:
        connection.sendall(head.encode() + body)
        return int(connection.recv(100).split()[1])
