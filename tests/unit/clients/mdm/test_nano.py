"""NanoMDM's and NanoHUB's API: what is sent, and how replies are read by their body."""

from __future__ import annotations

import json
from base64 import b64decode
from collections.abc import Callable
from typing import Any

import pytest

from bridge.clients.http import HttpClient
from bridge.clients.mdm.nano import NanoHub, NanoMdm
from bridge.errors import (
    CallError,
    ConfigError,
    MdmRefused,
    NotSent,
    OutcomeUnknown,
    UnreadableReply,
)
from bridge.wire import mdm_command
from tests.wsgi_adapter import WsgiAdapter

KEY = "very-secret-kéy"
UDID = "e8523b00-0000-0000-0000-00000000000a"
UUID = "0c9f2f5e-1111-4222-8333-444455556666"
PLIST = mdm_command.managed_application_list(UUID)
TAKEN = {"command_uuid": UUID, "request_type": "ManagedApplicationList"}
PUSHED = {"status": {UDID: {"push_result": "p-1"}}}
TOKEN = 'Post "https://api.push.apple.com/3/device/00ff17secret": no such thing'


class Server:
    def __init__(self) -> None:
        self.status = 200
        self.body: object = TAKEN
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
    def __init__(self, kind: type[NanoMdm]) -> None:
        self.server = Server()
        self.adapter = WsgiAdapter(self.server)
        http = HttpClient(
            "https://mdm.example.org",
            service="mdm",
            adapter=self.adapter,
            sleep=lambda seconds: None,
        )
        self.client = kind(http, KEY)

    def answers(self, status: int, body: object) -> None:
        self.server.status, self.server.body = status, body


@pytest.fixture(params=[NanoMdm, NanoHub])
def setup(request: pytest.FixtureRequest) -> Setup:
    return Setup(request.param)


@pytest.mark.parametrize(
    ("kind", "user", "prefix"),
    [(NanoMdm, "nanomdm", "/v1"), (NanoHub, "nanohub", "/api/v1/nanomdm")],
)
def test_what_is_sent(kind: type[NanoMdm], user: str, prefix: str) -> None:
    setup = Setup(kind)
    setup.client.enqueue(UDID, PLIST)
    setup.answers(200, PUSHED)
    assert setup.client.push(UDID, 1920407602) == "p-1"
    setup.answers(200, {"version": "v0.9.0"})
    assert setup.client.version() == "v0.9.0"
    enqueued, pushed, asked = setup.server.requests
    assert enqueued["call"] == f"PUT {prefix}/enqueue/{UDID}", "with a push, and in its own case"
    assert enqueued["body"] == PLIST
    assert pushed["call"] == f"GET {prefix}/push/{UDID}", "it can be told no expiration"
    assert asked["call"] == "GET /version" and asked["authorization"] is None
    for request in (enqueued, pushed):
        credentials = b64decode(request["authorization"].removeprefix("Basic "))
        assert credentials == f"{user}:{KEY}".encode()


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (200, TAKEN | {"status": {UDID: {"push_result": "p"}}}),
        (200, TAKEN | {"no_push": True}),
        (207, TAKEN | {"status": {UDID: {"push_error": TOKEN}}}),
        (500, TAKEN | {"status": {UDID: {"push_error": "push data missing for id"}}}),
        (500, TAKEN | {"push_error": "retrieving push cert for topic: not found"}),
        (500, TAKEN | {"push_error": TOKEN, "command_error": None}),
    ],
)
def test_a_command_is_stored_by_what_the_body_says(setup: Setup, status: int, body: object) -> None:
    setup.answers(status, body)
    setup.client.enqueue(UDID, PLIST)
    assert len(setup.server.requests) == 1


FKEY = "pq: insert or update on table violates foreign key constraint enrollment_queue_id_fkey"


@pytest.mark.parametrize(
    ("status", "body", "error", "says"),
    [
        (500, {"command_error": f"command already exists: {UUID}"}, OutcomeUnknown, "before"),
        (
            500,
            {"command_error": "pq: duplicate key … commands_pkey"},
            OutcomeUnknown,
            "before",
        ),
        (500, {"command_error": "Error 1062 (23000): Duplicate entry"}, OutcomeUnknown, "before"),
        (500, TAKEN | {"command_error": FKEY}, MdmRefused, "not enrolled there"),
        (500, {"command_error": "Error 1452 (23000): Cannot add"}, MdmRefused, "not enrolled"),
        (500, {"command_error": "decoding command: parse error: hunter2"}, MdmRefused, "property"),
        (500, {"command_error": "must enqueue or push"}, MdmRefused, "no command"),
        (500, {"command_error": "dial tcp: connection refused"}, MdmRefused, "its database"),
        (500, {"command_error": "value hunter2"}, OutcomeUnknown, "see its log"),
        (500, {"command_error": {"odd": 1}}, OutcomeUnknown, "see its log"),
        (200, TAKEN | {"status": {UUID: {"command_error": "x"}}}, OutcomeUnknown, "see its log"),
        (207, TAKEN | {"status": {UDID: {"command_error": "x"}}}, OutcomeUnknown, "see its log"),
        (200, {"command_uuid": "another"}, OutcomeUnknown, "does not name"),
        (500, {"push_error": "no push certificate"}, OutcomeUnknown, "does not name"),
        (200, {}, OutcomeUnknown, "does not name"),
        (200, [], OutcomeUnknown, "not a JSON object"),
        (500, b"<html>", OutcomeUnknown, "not a JSON object"),
        (502, b"<html>", OutcomeUnknown, "not a JSON object"),
        (303, b"", OutcomeUnknown, "not a JSON object"),
        (401, b"Unauthorized\n", MdmRefused, "API key"),
        (404, b"404 page not found", MdmRefused, "url and kind"),
        (405, b"", MdmRefused, "url and kind"),
        (413, b"<html>", MdmRefused, "nothing was done"),
        (308, b"", MdmRefused, "redirects"),
    ],
)
def test_what_else_an_enqueue_is_answered(
    setup: Setup, status: int, body: object, error: type[CallError], says: str
) -> None:
    setup.answers(status, body)
    with pytest.raises(CallError) as caught:
        setup.client.enqueue(UDID, PLIST)
    assert type(caught.value) is error
    assert says in str(caught.value) and str(caught.value).startswith("mdm.example.org")
    assert (caught.value.status, caught.value.retry_after) == (status, 7.0)
    shown = str(caught.value) + repr(vars(caught.value))
    assert not any(secret in shown for secret in (KEY, "hunter2", "<plist"))
    assert caught.value.__context__ is None


@pytest.mark.parametrize(
    ("status", "body", "error", "says"),
    [
        (500, {"status": {UDID: {"push_error": "push data missing for id"}}}, MdmRefused, "enrol"),
        (500, {"push_error": "retrieving push cert for topic"}, MdmRefused, "/v1/pushcert"),
        (500, {"status": {UDID: {"push_error": TOKEN}}}, MdmRefused, "push service"),
        (200, {"status": {}}, UnreadableReply, "status"),
        (200, {"status": {UDID: {}}}, UnreadableReply, "push_result"),
        (500, b"<html>", OutcomeUnknown, "not a JSON object"),
        (401, b"Unauthorized\n", MdmRefused, "API key"),
    ],
)
def test_what_a_push_is_answered(
    setup: Setup, status: int, body: object, error: type[CallError], says: str
) -> None:
    setup.answers(status, body)
    with pytest.raises(CallError) as caught:
        setup.client.push(UDID)
    assert type(caught.value) is error and says in str(caught.value)
    assert "00ff17secret" not in str(caught.value) + repr(vars(caught.value))
    assert len(setup.server.requests) == 1, "a GET that pushes is sent once"


@pytest.mark.parametrize("call", ["enqueue", "push"])
def test_lost_requests(setup: Setup, call: str) -> None:
    def make() -> None:
        setup.client.enqueue(UDID, PLIST) if call == "enqueue" else setup.client.push(UDID)

    setup.adapter.fail("refused", times=3)
    with pytest.raises(NotSent):
        make()
    setup.adapter.fail("timed out")
    with pytest.raises(OutcomeUnknown):
        make()
    assert len(setup.adapter.calls) == 1, "what may have left is sent once, the GET too"


@pytest.mark.parametrize("udid", ["", ".", "..", "a/b", "a,b", ",", "../../v1/x"])
def test_ids_that_would_reach_another_are_not_sent(setup: Setup, udid: str) -> None:
    for call in (lambda: setup.client.enqueue(udid, PLIST), lambda: setup.client.push(udid)):
        with pytest.raises(MdmRefused) as caught:
            call()
        assert caught.value.status is None
    assert setup.server.requests == []


def test_ids_go_as_they_are(setup: Setup) -> None:
    setup.client.enqueue("ID:Us er", PLIST)
    assert setup.server.requests[0]["call"].endswith("/enqueue/ID%3AUs%20er")


@pytest.mark.parametrize("uuid", ["", "a/b", "a.b", "a b", "-a", "ü", "a" * 65, "..", "a,b"])
def test_a_command_uuid_that_is_not_plain_is_not_sent(setup: Setup, uuid: str) -> None:
    plist = PLIST.replace(UUID.encode(), uuid.encode())
    with pytest.raises(MdmRefused, match="not sent"):
        setup.client.enqueue(UDID, plist)
    assert setup.server.requests == []


@pytest.mark.parametrize("plist", [b"", b"<plist/>", PLIST + PLIST])
def test_a_command_without_one_command_uuid_is_not_sent(setup: Setup, plist: bytes) -> None:
    with pytest.raises(MdmRefused):
        setup.client.enqueue(UDID, plist)
    assert setup.server.requests == []


def test_it_has_no_queue_view_and_no_list(setup: Setup) -> None:
    can = setup.client.abilities
    assert not (can.queue_view or can.device_list)
    assert can.stores_before_reply and can.pushes_on_enqueue and can.repeats_are_refused
    for call in (lambda: setup.client.queue(UDID), setup.client.devices):
        with pytest.raises(MdmRefused, match="nothing was asked"):
            call()
    assert setup.server.requests == []


def test_it_is_called_by_its_name() -> None:
    named = [
        (k.abilities.words.program, k.abilities.words.webhook_flag) for k in (NanoMdm, NanoHub)
    ]
    assert named == [("NanoMDM", "-webhook-url"), ("NanoHUB", "-webhook-url")]


def test_an_empty_api_key_is_refused() -> None:
    with pytest.raises(ConfigError):
        NanoMdm(HttpClient("https://mdm.example.org", service="mdm"), "")


def _row(number: int, kind: str = "Device", **more: object) -> dict[str, object]:
    return {
        "id": f"U-{number}",
        "type": kind,
        "device": {"serial_number": f"S{number}"},
        "enabled": True,
        "last_seen": "2026-01-15T14:30:00Z",
    } | more


def test_enrolments_are_told_where_there_is_an_endpoint(setup: Setup) -> None:
    rows = [
        _row(1),
        _row(2, enabled=False),
        _row(3, "User Enrollment (Device)", id="byod-3"),
        _row(4, "User", id="U-1:USER"),
        _row(5, device=None),
        _row(6, enabled="perhaps"),
    ]
    setup.answers(200, {"enrollments": rows})
    found = setup.client.enrolments()
    assert found is not None
    assert [(each.udid, each.enrollment_id) for each in found if not each.odd] == [
        ("U-1", ""),
        ("U-2", ""),
        ("", "byod-3"),
        ("U-5", ""),
    ]
    assert [each.serial_number for each in found[:4]] == ["S1", "S2", "", ""]
    assert [each.enrolled for each in found[:4]] == [True, False, True, True]
    assert "row 6 of enrollments" in found[-1].odd
    (asked,) = setup.server.requests
    assert asked["call"].startswith("POST ") and "/enrollments/query?limit=1000" in asked["call"]


@pytest.mark.parametrize("status", [404, 405, 501])
def test_a_server_without_the_endpoint_tells_nobody(setup: Setup, status: int) -> None:
    setup.answers(status, {"error": "no"})
    assert setup.client.enrolments() is None


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [(401, {}, MdmRefused), (500, {"error": "x"}, OutcomeUnknown), (200, {"enrollments": 7}, None)],
)
def test_an_endpoint_that_fails_is_no_empty_list(
    setup: Setup, status: int, body: object, error: type[Exception] | None
) -> None:
    setup.answers(status, body)
    with pytest.raises(error or OutcomeUnknown):
        setup.client.enrolments()


def test_pages_end(setup: Setup) -> None:
    setup.answers(200, {"enrollments": [_row(1)], "next_cursor": "the same"})
    with pytest.raises(OutcomeUnknown, match="given before"):
        setup.client.enrolments()
    assert len(setup.server.requests) == 2
