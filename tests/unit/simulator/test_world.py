"""Whole simulated worlds: what is built, that a seed repeats itself, and real loopback HTTP."""

import contextlib
import http.client
import json
import queue
import socket
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

import pytest

from bridge.simulator.apple.apple import AppleSettings
from bridge.simulator.apple.notifications import NotificationSettings
from bridge.simulator.faults import Fault, demo_faults
from bridge.simulator.mdm.mdm import MdmSettings
from bridge.simulator.outgoing import http_post
from bridge.simulator.serve import Running, run
from bridge.simulator.world import START, build_world
from tests.unit.simulator_kit import WEBHOOK_URL, Mailbox, Outside, install, pairs


def test_what_is_built() -> None:
    world = build_world(devices=8, apps=10, locations=("hq", "lab"), seats=3)
    assert world.now == START
    assert [location.name for location in world.apple.locations] == ["hq", "lab"]
    assert len({location.uid for location in world.apple.locations}) == 2
    assert len(world.catalogue) == 10
    assert len({bundle_id for bundle_id, _ in world.catalogue.values()}) == 10
    assert [asset.total for asset in world.location.library.assets.values()] == [3] * 10
    assert [device.platform for device in world.devices].count("macOS") == 2
    assert all(device.enrolled for device in world.devices)
    assert world.device("SIM0000003") is world.devices[2]
    assert len(world.everything()) == len(world.missing(world.everything())) == 80


def test_devices_may_enrol_later() -> None:
    outside = Outside(devices=3, apps=1, enrol=False)
    outside.world.mdm.webhook.url = WEBHOOK_URL
    outside.world.enrol_all()
    outside.world.enrol_all()
    outside.world.advance(5)
    assert sorted(outside.mail.topics) == ["mdm.Authenticate"] * 3 + ["mdm.TokenUpdate"] * 3


def test_in_a_hasty_world_the_outcome_beats_the_reply() -> None:
    outside = Outside(
        devices=1,
        apps=1,
        apple=AppleSettings(0.0, notifications=NotificationSettings(0.0)),
        mdm=MdmSettings(store_delay=0.0, push_delay=0.0),
        traits={"wake_latency": 0.0},
    )
    outside.world.hasty = True
    outside.subscribe()
    event_id = outside.associate(outside.adam_ids, outside.serials).get_json()["eventId"]
    assert outside.mail.notifications[0]["notification"]["eventId"] == event_id
    outside.world.mdm.webhook.url = WEBHOOK_URL
    outside.world.mdm.webhook.latency = 0.0
    outside.post(outside.world.devices[0].udid, install("u", outside.adam_ids[0]))
    assert outside.mail.bodies[-1]["acknowledge_event"]["command_uuid"] == "u"


def play(seed: int) -> list[tuple[str, dict[str, str], bytes]]:
    """A little history with mishaps, and all that was posted in it."""
    outside = Outside(devices=6, apps=2, seed=seed, faults=demo_faults(seed))
    outside.subscribe()
    outside.world.apple.settings.notifications.spread = 5
    outside.world.mdm.webhook.url = WEBHOOK_URL
    outside.associate(outside.adam_ids, outside.serials)
    outside.world.advance(2)
    outside.associate(outside.adam_ids, outside.serials)
    outside.world.advance(10)
    for adam_id in outside.adam_ids:
        for device in outside.world.devices:
            outside.post(device.udid, install(f"{adam_id} {device.udid}", adam_id))
        outside.world.advance(30)
    return outside.mail.letters


def test_a_seed_repeats_itself() -> None:
    assert play(5) == play(5)
    assert play(5) != play(6)


# Real time, real HTTP


class Listener:
    """A real HTTP server that keeps what is posted to it."""

    def __init__(self) -> None:
        self.mail = Mailbox()
        self.arrived: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
        self.meanwhile: Callable[[], object] = lambda: None
        listener = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                listener.meanwhile()
                listener.mail(self.path, dict(self.headers), body, 0.0)
                listener.arrived.put(json.loads(body))
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://hook:secret@127.0.0.1:{self.server.server_port}/hook"
        self.thread = threading.Thread(target=self.server.serve_forever)
        self.thread.start()

    def next(self) -> dict[str, Any]:
        """What arrives next."""
        return self.arrived.get(timeout=30)

    def stop(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


BASIC = "Basic bWljcm9tZG06c2VjcmV0"


@pytest.fixture
def listener() -> Iterator[Listener]:
    listener = Listener()
    yield listener
    listener.stop()


@pytest.fixture
def running() -> Iterator[Running]:
    notifications = NotificationSettings(delay=0.01)
    settings = AppleSettings(process_delay=0.01, notifications=notifications)
    world = build_world(
        devices=3,
        apps=1,
        clock=time.time,
        apple=settings,
        install_time=0.0,
        traits={"wake_latency": 0.01},
    )
    running = run(world)
    yield running
    with contextlib.suppress(LookupError):
        running.stop()


def call(url: str, method: str, body: object = None, **headers: str) -> tuple[int, Any]:
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=30)
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    connection.request(method, f"{parts.path}?{parts.query}", content, headers)
    reply = connection.getresponse()
    text = reply.read()
    connection.close()
    return reply.status, json.loads(text) if text else None


def apple(running: Running, method: str, path: str, body: object = None) -> tuple[int, Any]:
    return call(
        f"{running.apple_url}/{path}",
        method,
        body,
        **{
            "Authorization": f"Bearer {running.world.location.token}",
            "Content-Type": "application/json",
        },
    )


def test_apps_arrive_over_real_http(running: Running, listener: Listener) -> None:
    world = running.world
    free: list[bool] = []

    def take_the_lock() -> None:
        free.append(world.lock.acquire(timeout=10))
        world.lock.release()

    listener.meanwhile = take_the_lock
    wish = {
        "notificationUrl": listener.url.replace("hook:secret@", ""),
        "notificationAuthToken": "t",
        "notificationTypes": ["ASSET_MANAGEMENT"],
    }
    assert apple(running, "POST", "client/config", wish)[0] == 200
    assert free == [True]  # nobody held it during the TEST_NOTIFICATION
    assert listener.next()["notificationType"] == "TEST_NOTIFICATION"

    world.mdm.webhook.url = listener.url
    adam_id = next(iter(world.catalogue))
    serials = [device.serial_number for device in world.devices]
    apple(running, "POST", "assets/associate", pairs([adam_id], serials))
    outcome = listener.next()["notification"]
    assert (outcome["result"], len(outcome["assignments"])) == ("SUCCESS", 3)

    for device in world.devices:
        path, login = f"/v1/commands/{device.udid}", {"Authorization": BASIC}
        assert call(running.mdm_url + path, "PUT", install("u", adam_id), **login)[0] == 201
    answers = [listener.next()["acknowledge_event"]["status"] for _ in range(6)]
    assert sorted(answers) == ["Acknowledged"] * 3 + ["Idle"] * 3
    assert listener.mail.letters[-1][1]["Authorization"] == "Basic aG9vazpzZWNyZXQ="
    assert world.missing(world.everything()) == []
    assert world.ledger.violations() == []


def test_a_lost_reply_closes_the_socket(running: Running) -> None:
    world = running.world
    world.faults.add(Fault("apple.associate", "reply_lost"))
    adam_id = next(iter(world.catalogue))
    with pytest.raises(http.client.RemoteDisconnected):
        apple(running, "POST", "assets/associate", pairs([adam_id], ["S1"]))
    done = threading.Event()
    world.kernel.after(0.05, done.set)
    assert done.wait(30)
    assert len(apple(running, "GET", "assignments")[1]["assignments"]) == 1


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_what_the_worlds_thread_dies_of_is_told(running: Running) -> None:
    died = threading.Event()

    def die() -> None:
        died.set()
        raise LookupError("planned")

    running.world.kernel.after(0, die)
    assert died.wait(30)
    with pytest.raises(LookupError, match="planned"):
        running.stop()


def test_nobody_answers() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    assert http_post(f"http://127.0.0.1:{port}/x", {}, b"{}", 5) is None
