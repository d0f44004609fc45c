"""A lab for tests against a real MicroMDM: a webhook receiver, devices, and its API by hand."""

import base64
import http.client
import json
import plistlib
import queue
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from bridge.simulator import templates
from bridge.simulator.devices.device import Device
from bridge.simulator.kernel import Kernel
from bridge.simulator.mdm.real_mdm import RealMicroMdm

API_KEY = "an-api-key"
PAGES = "361309726"
CATALOGUE = {PAGES: ("com.apple.Pages", "Pages")}
WEBHOOK_CREDENTIALS = "hook:a+webhook%2Fkey"
WEBHOOK_BASIC = "Basic " + base64.b64encode(b"hook:a+webhook/key").decode()


class Webhook:
    """Receives what MicroMDM reports; what comes without the right credentials is not kept."""

    def __init__(self) -> None:
        self.events: queue.Queue[dict[str, Any]] = queue.Queue()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                allowed = self.headers["Authorization"] == WEBHOOK_BASIC
                if allowed:
                    receiver.events.put(json.loads(body))
                self.send_response(200 if allowed else 401)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://{WEBHOOK_CREDENTIALS}@127.0.0.1:{self.server.server_port}/webhook"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def next(self, key: str, topic: str) -> dict[str, Any]:
        """The next event of a device on a topic; what comes before it is dropped."""
        while True:
            event = self.events.get(timeout=20)
            who = detail_of(event)
            if (who.get("udid") or who["enrollment_id"], event["topic"]) == (key, topic):
                return event


def detail_of(event: dict[str, Any]) -> dict[str, Any]:
    """The one member that tells of a check-in or of an answer."""
    (detail,) = (event[name] for name in ("checkin_event", "acknowledge_event") if name in event)
    return dict(detail)


def raw_of(event: dict[str, Any]) -> dict[str, Any]:
    """What the device sent, decoded by the standard library."""
    return dict(plistlib.loads(base64.b64decode(detail_of(event)["raw_payload"])))


def a_device(mdm: RealMicroMdm, **described: Any) -> Device:
    """A device that has not enrolled yet."""
    udid = str(uuid.uuid4()).upper()
    return Device(
        kernel=Kernel(clock=time.time),
        transport=mdm.transport,
        catalogue=CATALOGUE,
        udid=udid,
        serial_number=f"C0{udid[:8]}",
        **described,
    )


def enrol(mdm: RealMicroMdm, webhook: Webhook, **described: Any) -> Device:
    device = a_device(mdm, **described)
    device.enrol()
    webhook.next(device.key, "mdm.TokenUpdate")
    return device


def call(
    mdm: RealMicroMdm, method: str, path: str, body: bytes = b"", key: str = API_KEY
) -> tuple[int, Any]:
    """One call of MicroMDM's API: the status and the reply, decoded if it is JSON."""
    connection = http.client.HTTPConnection("127.0.0.1", mdm.port, timeout=20)
    basic = base64.b64encode(f"micromdm:{key}".encode()).decode()
    try:
        connection.request(method, path, body, {"Authorization": f"Basic {basic}"})
        response = connection.getresponse()
        reply = response.read()
        is_json = response.headers["Content-Type"].startswith("application/json")
        return response.status, json.loads(reply) if is_json else reply
    finally:
        connection.close()


def queued(mdm: RealMicroMdm, udid: str) -> list[str]:
    """The UUIDs that MicroMDM's queue view shows."""
    status, reply = call(mdm, "GET", f"/v1/commands/{udid}")
    assert status == 200
    return [command["uuid"] for command in reply.get("commands") or []]


def eventually(probe: Callable[[], object], wanted: object) -> None:
    """Wait for what MicroMDM does after its reply; the suite's timeout ends a vain wait."""
    for _ in range(1000):
        if probe() == wanted:
            return
        time.sleep(0.02)
    assert probe() == wanted


def offered(device: Device, body: bytes) -> bytes:
    """Send Idle or an answer; the next command as MicroMDM sent it."""
    status, reply = device.transport.connect(device, body)
    assert status == 200
    return reply


def idle(device: Device) -> str:
    """Ask for a command; its UUID, "" if there is none."""
    return uuid_of(offered(device, templates.idle(device)))


def answer(device: Device, command_uuid: str, status: str = "Acknowledged") -> str:
    """Answer a command; the UUID of the next, "" if there is none."""
    return uuid_of(offered(device, templates.answer(device, command_uuid, status)))


def uuid_of(command: bytes) -> str:
    return str(plistlib.loads(command)["CommandUUID"]) if command else ""


def install_command(command_uuid: str) -> bytes:
    command = {
        "RequestType": "InstallApplication",
        "iTunesStoreID": int(PAGES),
        "InstallAsManaged": True,
        "Options": {"PurchaseMethod": 1},
    }
    return plistlib.dumps({"Command": command, "CommandUUID": command_uuid})


def post_command(mdm: RealMicroMdm, udid: str, body: bytes) -> tuple[int, Any]:
    return call(mdm, "POST", f"/v1/commands/{udid}", body)


def post_and_wait(mdm: RealMicroMdm, udid: str, *command_uuids: str) -> None:
    for command_uuid in command_uuids:
        assert post_command(mdm, udid, install_command(command_uuid))[0] == 201
    # In whatever order: MicroMDM may swap commands that are posted one right after the other.
    posted = Counter(command_uuids)
    eventually(lambda: posted <= Counter(queued(mdm, udid)), True)


def listed(mdm: RealMicroMdm, **options: object) -> list[dict[str, Any]]:
    status, reply = call(mdm, "POST", "/v1/devices", json.dumps(options).encode())
    assert status == 200
    return reply["devices"] or []
