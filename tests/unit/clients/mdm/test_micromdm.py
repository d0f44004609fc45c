"""MicroMDM's API: what is sent, how replies are read, and what counts as a definite no."""

from __future__ import annotations

import json
import socket
from base64 import b64decode, b64encode
from collections.abc import Callable
from typing import Any

import pytest

from bridge.clients.http import HttpClient
from bridge.clients.mdm.micromdm import MicroMdm
from bridge.clients.mdm.port import MdmDevice, QueuedCommand
from bridge.errors import (
    CallError,
    ConfigError,
    MdmRefused,
    NotSent,
    OutcomeUnknown,
    UnreadableReply,
)
from tests.loopback import bare_environment, client, read_request, serving
from tests.wsgi_adapter import WsgiAdapter

KEY = "very-secret-kéy"
UDID = "E8523B00-0000-0000-0000-000000000001"
PLIST = b"<plist version='1.0'><dict/></plist>"


class Server:
    def __init__(self) -> None:
        self.status = 200
        self.body: object = {}
        self.requests: list[dict[str, Any]] = []

    def __call__(self, environ: dict[str, Any], start: Callable[..., object]) -> list[bytes]:
        self.requests.append(
            {
                "call": f"{environ['REQUEST_METHOD']} {environ['REQUEST_URI']}",
                "body": environ["wsgi.input"].read(),
                "authorization": environ.get("HTTP_AUTHORIZATION"),
            }
        )
        start(f"{self.status} X", [("Retry-After", "7")])
        return [self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()]


class Setup:
    def __init__(self) -> None:
        self.server = Server()
        self.adapter = WsgiAdapter(self.server)
        http = HttpClient(
            "https://mdm.example.org:8443",
            service="mdm",
            adapter=self.adapter,
            sleep=lambda seconds: None,
        )
        self.client = MicroMdm(http, KEY)


@pytest.fixture
def setup() -> Setup:
    return Setup()


def test_send_command_posts_the_bytes_as_they_are(setup: Setup) -> None:
    setup.server.status = 201
    setup.server.body = b"the reply's body does not matter"
    setup.client.enqueue(UDID, PLIST)
    (request,) = setup.server.requests
    assert request["call"] == f"POST /v1/commands/{UDID}"
    assert request["body"] == PLIST
    assert b64decode(request["authorization"].removeprefix("Basic ")) == f"micromdm:{KEY}".encode()


def test_queue(setup: Setup) -> None:
    setup.server.body = {
        "commands": [
            {"uuid": "c-1", "payload": b64encode(PLIST).decode()},
            {"uuid": "c-2", "payload": None},
        ]
    }
    assert setup.client.queue(UDID) == (QueuedCommand("c-1", PLIST), QueuedCommand("c-2", b""))
    assert setup.server.requests[0]["call"] == f"GET /v1/commands/{UDID}"
    assert "plist" not in repr(setup.client.queue(UDID))


@pytest.mark.parametrize("body", [{}, {"commands": None}, {"commands": []}])
def test_an_empty_queue(setup: Setup, body: object) -> None:
    setup.server.body = body
    assert setup.client.queue(UDID) == ()


def test_devices(setup: Setup) -> None:
    setup.server.body = {
        "devices": [
            {
                "serial_number": "C02XL0GYJGH5",
                "udid": UDID,
                "enrollment_status": True,
                "last_seen": "2030-11-08T22:33:22.765801649Z",
                "dep_profile_status": "pushed",
            },
            {
                "serial_number": "C02XL0GYJGH6",
                "udid": "",
                "enrollment_status": False,
                "last_seen": "0001-01-01T00:00:00Z",
                "dep_profile_status": "",
            },
            {"udid": UDID, "serial_number": ""},
        ]
    }
    assert setup.client.devices(["C02XL0GYJGH5", "C02XL0GYJGH6"]) == (
        MdmDevice(UDID, "C02XL0GYJGH5", True, 1920407602.765801, "pushed"),
        MdmDevice("", "C02XL0GYJGH6", False, None, ""),
        MdmDevice(UDID, "", False, None, ""),
    )
    assert setup.server.requests[0]["call"] == "POST /v1/devices"
    assert json.loads(setup.server.requests[0]["body"]) == {
        "filter_serial": ["C02XL0GYJGH5", "C02XL0GYJGH6"]
    }


def test_all_devices_none_and_no_serial_numbers(setup: Setup) -> None:
    setup.server.body = {"devices": None}
    assert setup.client.devices() == ()
    assert json.loads(setup.server.requests[0]["body"]) == {}
    assert setup.client.devices([]) == ()
    assert len(setup.server.requests) == 1


def test_push(setup: Setup) -> None:
    setup.server.body = {"status": "success", "push_notification_id": "p-1"}
    assert setup.client.push(UDID) == "p-1"
    assert setup.client.push(UDID, 1920407602) == "p-1"
    assert [request["call"] for request in setup.server.requests] == [
        f"POST /v1/push/{UDID}",
        f"POST /v1/push/{UDID}?expiration=1920407602",
    ]


def test_version_is_asked_for_without_credentials(setup: Setup) -> None:
    setup.server.body = {"version": "v1.13.1", "branch": "main"}
    assert setup.client.version() == "v1.13.1"
    assert setup.server.requests[0]["call"] == "GET /version"
    assert setup.server.requests[0]["authorization"] is None


Call = Callable[[MicroMdm], object]
CALLS: dict[str, Call] = {
    "send": lambda client: client.enqueue(UDID, PLIST),
    "queue": lambda client: client.queue(UDID),
    "devices": lambda client: client.devices(),
    "push": lambda client: client.push(UDID),
    "version": lambda client: client.version(),
}

TOKEN_TEXT = 'Post "https://api.push.apple.com/3/device/00ff17secret": no such host'


@pytest.mark.parametrize(
    ("call", "status", "body", "error", "says"),
    [
        ("send", 401, {"error": "Unauthorized"}, MdmRefused, "API key"),
        ("send", 404, b"404 page not found", MdmRefused, "1.12"),
        ("queue", 404, b"404 page not found", MdmRefused, "1.12"),
        ("queue", 405, b"", MdmRefused, "1.12"),
        ("devices", 405, b"", MdmRefused, "1.12"),
        ("send", 413, b"<html>", MdmRefused, "nothing was done"),
        ("send", 301, b"", MdmRefused, "redirects"),
        ("devices", 308, b"", MdmRefused, "redirects"),
        ("send", 500, {"error": "request is malformed"}, MdmRefused, "misses CommandUUID"),
        ("send", 500, {"error": "parse payload as plist: x"}, MdmRefused, "property list"),
        ("send", 500, {"error": "value hunter2"}, MdmRefused, "see its log for the reason"),
        ("push", 500, {"error": "retrieving PushInfo by UDID"}, MdmRefused, "must enrol"),
        ("push", 500, {"error": "invalid push token"}, MdmRefused, "token is not valid"),
        ("push", 500, {"error": TOKEN_TEXT}, MdmRefused, "push service"),
        ("devices", 500, {"error": "bolt"}, MdmRefused, "see its log"),
        ("send", 500, b"<html>", OutcomeUnknown, "201 was expected"),
        ("send", 500, {}, OutcomeUnknown, "201 was expected"),
        ("send", 500, {"error": {"code": 1}}, OutcomeUnknown, "201 was expected"),
        ("send", 502, {"error": "bad gateway"}, OutcomeUnknown, "201 was expected"),
        ("send", 504, b"<html>", OutcomeUnknown, "201 was expected"),
        ("send", 200, b"<html>", OutcomeUnknown, "201 was expected"),
        ("send", 303, b"", OutcomeUnknown, "201 was expected"),
        ("queue", 502, b"<html>", OutcomeUnknown, "200 was expected"),
        ("queue", 200, b"<html>", UnreadableReply, "not a JSON object"),
        ("queue", 200, {"commands": [{"payload": ""}]}, UnreadableReply, "uuid"),
        ("queue", 200, {"commands": [{"uuid": "c", "payload": "*"}]}, UnreadableReply, "base64"),
        ("queue", 200, {"commands": [{"uuid": "c", "payload": "é"}]}, UnreadableReply, "base64"),
        ("devices", 200, {"devices": {}}, UnreadableReply, "devices"),
        ("push", 200, {"status": "success"}, UnreadableReply, "push_notification_id"),
        ("version", 200, {}, UnreadableReply, "version"),
    ],
)
def test_what_a_reply_means(
    setup: Setup, call: str, status: int, body: object, error: type[CallError], says: str
) -> None:
    setup.server.status, setup.server.body = status, body
    with pytest.raises(CallError) as caught:
        CALLS[call](setup.client)
    assert type(caught.value) is error
    assert says in str(caught.value)
    assert str(caught.value).startswith("mdm.example.org:8443")
    assert (caught.value.status, caught.value.retry_after) == (status, 7.0)
    assert caught.value.service == "mdm"
    assert len(setup.server.requests) == 1  # 7 s are longer than a client waits by itself
    shown = str(caught.value) + repr(vars(caught.value))
    assert not any(secret in shown for secret in (KEY, "hunter2", "00ff17secret", "<plist"))
    assert caught.value.__context__ is None


@pytest.mark.parametrize("call", CALLS)
def test_lost_requests(setup: Setup, call: str) -> None:
    setup.adapter.fail("refused", times=3)
    with pytest.raises(NotSent):
        CALLS[call](setup.client)
    assert setup.adapter.calls == []
    setup.adapter.fail("timed out", times=3)
    with pytest.raises(OutcomeUnknown) as caught:
        CALLS[call](setup.client)
    assert "push certificate" not in str(caught.value)
    assert len(setup.adapter.calls) == (3 if call in ("queue", "version") else 1)


def test_a_command_is_not_taken_by_the_late_reply_to_another(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A proxy sends 103 ahead of the 201 for A; the server refuses B."""
    bare_environment(monkeypatch)

    def behind_a_proxy(connection: socket.socket) -> None:
        while request := read_request(connection):
            if request.endswith(b"A"):
                connection.sendall(b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n")
                connection.recv(1, socket.MSG_PEEK)  # B, or the end of the connection
            status = b"201 Created" if request.endswith(b"A") else b"403 Forbidden"
            connection.sendall(b"HTTP/1.1 " + status + b"\r\nContent-Length: 2\r\n\r\n{}")

    with serving(behind_a_proxy) as server:
        http = client(f"http://127.0.0.1:{server.port}", timeout=(1.0, 5.0))
        micromdm = MicroMdm(http, KEY)
        with pytest.raises(OutcomeUnknown, match="103 came instead of a reply"):
            micromdm.enqueue(UDID, b"A")
        with pytest.raises(MdmRefused):
            micromdm.enqueue(UDID, b"B")
        http.close()


def test_a_push_that_is_dropped_hints_at_the_missing_certificate(setup: Setup) -> None:
    setup.adapter.fail("dropped", call="/v1/push")
    with pytest.raises(OutcomeUnknown, match="no push certificate"):
        setup.client.push(UDID)
    setup.adapter.fail("dropped", call="/v1/commands")
    with pytest.raises(OutcomeUnknown) as caught:
        setup.client.enqueue(UDID, PLIST)
    assert "push certificate" not in str(caught.value)


@pytest.mark.parametrize(
    ("udid", "path"),
    [
        ("a b", "/v1/commands/a%20b"),
        ("a?b=1#c", "/v1/commands/a%3Fb%3D1%23c"),
        ("a%2Fb", "/v1/commands/a%252Fb"),
        ("..a", "/v1/commands/..a"),
        ("ü\r\nX: y", "/v1/commands/%C3%BC%0D%0AX%3A%20y"),
    ],
)
def test_hostile_udids_stay_within_their_place(setup: Setup, udid: str, path: str) -> None:
    setup.server.status = 201
    setup.client.enqueue(udid, PLIST)
    assert setup.server.requests[0]["call"] == f"POST {path}"


@pytest.mark.parametrize("udid", ["", ".", "..", "a/b", "../../v1/devices"])
def test_udids_that_would_leave_it_are_not_sent(setup: Setup, udid: str) -> None:
    for call in (setup.client.queue, setup.client.push):
        with pytest.raises(MdmRefused) as caught:
            call(udid)
        assert caught.value.status is None
    assert setup.server.requests == []


def test_an_empty_api_key_is_refused() -> None:
    http = HttpClient("https://mdm.example.org", service="mdm")
    with pytest.raises(ConfigError):
        MicroMdm(http, "")
