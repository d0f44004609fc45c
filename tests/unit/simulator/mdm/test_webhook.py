"""The simulated webhook: MicroMDM's JSON, one event in flight, nothing sent again."""

import queue
import re

import pytest

from bridge.simulator.kernel import Kernel
from bridge.simulator.mdm.webhook import nanoseconds
from bridge.simulator.outgoing import Letter, Outgoing
from tests.unit.simulator_kit import WEBHOOK_URL, Outside, command, install, payload_of

A = "361309726"


@pytest.fixture
def outside() -> Outside:
    outside = Outside(devices=0, apps=1)
    outside.world.mdm.webhook.url = WEBHOOK_URL
    return outside


def test_a_check_in(outside: Outside) -> None:
    device = outside.world.new_device()
    device.authenticate()
    outside.world.advance(1)
    [(url, headers, body)] = outside.mail.letters
    assert url == "http://bridge.example.org/hooks/mdm/main"
    assert headers["Authorization"] == "Basic bWRtOmhvb2stc2VjcmV0"
    assert headers["Content-Type"] == "application/json; charset=utf-8"
    assert body.startswith(b'{\n  "topic": "mdm.Authenticate",\n  "event_id": "')
    [message] = outside.mail.bodies
    assert list(message) == ["topic", "event_id", "created_at", "checkin_event"]
    assert list(message["checkin_event"]) == ["udid", "url_params", "raw_payload"]
    assert message["checkin_event"]["url_params"] is None
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{0,8}[1-9])?Z", message["created_at"])
    assert payload_of(message)["SerialNumber"] == device.serial_number


def test_a_connect_has_no_url_params_and_no_empty_command_uuid(outside: Outside) -> None:
    device = outside.world.new_device()
    device.enrol()
    outside.post(device.udid, command("u", "DeviceInformation", Queries=["UDID"]))
    outside.world.advance(1)
    idle, acknowledged = (b for b in outside.mail.bodies if b["topic"] == "mdm.Connect")
    assert list(idle["acknowledge_event"]) == ["udid", "status", "raw_payload"]
    assert idle["acknowledge_event"]["status"] == "Idle"
    assert acknowledged["acknowledge_event"]["command_uuid"] == "u"
    assert payload_of(acknowledged)["QueryResponses"] == {"UDID": device.udid}


def test_six_topics(outside: Outside) -> None:
    device = outside.world.new_device(product_name="Mac14,2")
    device.enrol()
    device.connect()
    device.escrow_bootstrap_token(b"secret")
    device.check_out()
    outside.world.advance(1)
    assert sorted(outside.mail.topics) == sorted(
        [
            "mdm.Authenticate",
            "mdm.TokenUpdate",
            "mdm.Connect",
            "mdm.SetBootstrapToken",
            "mdm.CheckOut",
        ]
    )


def test_the_user_channel_looks_like_the_device_except_in_the_plist(outside: Outside) -> None:
    device = outside.world.new_device(user_id="USER-1")
    device.enrol()
    device.connect()
    outside.world.advance(1)
    of_user = [body for body in outside.mail.bodies if "UserID" in payload_of(body)]
    assert {body["topic"] for body in of_user} == {"mdm.TokenUpdate", "mdm.Connect"}
    for body in of_user:
        event = body.get("checkin_event") or body["acknowledge_event"]
        assert event["udid"] == device.udid
        assert "USER-1" not in str({k: v for k, v in event.items() if k != "raw_payload"})


def test_a_user_enrolment_has_an_enrolment_id_instead_of_a_udid(outside: Outside) -> None:
    outside.world.new_device(enrollment_id="E-1").enrol()
    outside.world.advance(1)
    for body in outside.mail.bodies:
        event = body["checkin_event"]
        assert list(event) == ["enrollment_id", "url_params", "raw_payload"]
        assert not {"UDID", "SerialNumber"} & set(payload_of(body))


@pytest.mark.parametrize("status", [400, 401, 500, None])
def test_a_failed_delivery_is_never_repeated(outside: Outside, status: int | None) -> None:
    outside.mail.statuses = [status]
    outside.world.new_device().enrol()
    outside.world.advance(3600)
    assert len(outside.mail.letters) == 2
    assert (outside.world.mdm.webhook.sent, outside.world.mdm.webhook.lost) == (1, 1)


def test_a_redirect_counts_as_delivered(outside: Outside) -> None:
    outside.mail.status = 302
    outside.world.new_device().enrol()
    outside.world.advance(1)
    assert outside.world.mdm.webhook.lost == 0


def test_one_event_at_a_time(outside: Outside) -> None:
    outside.world.mdm.webhook.latency = 1.0
    for _ in range(3):
        outside.world.new_device().authenticate()
    counts = []
    for _ in range(4):
        outside.world.advance(1)
        counts.append(len(outside.mail.letters))
    assert counts == [1, 2, 3, 3]


def test_with_a_backlog_topics_overtake_each_other_and_keep_their_own_order(
    outside: Outside,
) -> None:
    device = outside.world.new_device()
    outside.world.mdm.webhook.latency = 1.0
    device.enrol()
    for _ in range(20):
        outside.world.advance(0.01)
        device.connect()
    device.check_out()
    assert outside.world.mdm.webhook.backlog == 22
    outside.world.advance(60)
    assert len(outside.mail.topics) == 23
    assert outside.mail.topics.index("mdm.CheckOut") < 22  # though it was published last
    connects = [b["created_at"] for b in outside.mail.bodies if b["topic"] == "mdm.Connect"]
    assert connects == sorted(connects)


def test_a_restart_loses_what_waits(outside: Outside) -> None:
    outside.world.mdm.webhook.latency = 1.0
    for _ in range(4):
        outside.world.new_device().authenticate()
    outside.world.mdm.restart()
    outside.world.advance(60)
    assert len(outside.mail.letters) == 1  # the one in flight
    assert outside.world.mdm.webhook.lost == 3


def test_without_a_url_nothing_is_sent() -> None:
    outside = Outside(devices=3, apps=1)
    outside.world.advance(60)
    assert outside.mail.letters == []


def test_the_webhook_is_published_before_the_queue_moves(outside: Outside) -> None:
    device = outside.world.new_device()
    device.enrol()
    outside.world.mdm.settings.push_delay = 3600
    outside.post(device.udid, install("u", A))
    outside.world.advance(1)
    seen: list[list[str]] = []
    publish = outside.world.mdm.webhook.publish

    def watch(topic: str, kind: str, event: dict[str, object], raw: bytes) -> None:
        seen.append(outside.queue(device.udid))
        publish(topic, kind, event, raw)

    outside.world.mdm.webhook.publish = watch  # type: ignore[method-assign,assignment]
    device.connect()
    assert seen == [["u"], ["u"]]
    assert outside.queue(device.udid) == []


@pytest.mark.parametrize(
    ("now", "below", "text"),
    [
        (0.0, 0, "1970-01-01T00:00:00Z"),
        (1.5, 0, "1970-01-01T00:00:01.5Z"),
        (1.25, 120, "1970-01-01T00:00:01.25000012Z"),
        (1.0, 7, "1970-01-01T00:00:01.000000007Z"),
    ],
)
def test_times_have_their_zeros_cut(now: float, below: int, text: str) -> None:
    assert nanoseconds(now, below) == text


def test_in_real_time_letters_leave_from_threads_in_order() -> None:
    outside = Outside(devices=0, apps=0)
    outgoing = Outgoing(Kernel(), outside.mail)
    outgoing.start()
    done: queue.SimpleQueue[int | None] = queue.SimpleQueue()
    for number in range(20):
        outgoing.send("lane", Letter(f"http://x/{number}", {}, b"{}"), done.put)
    outgoing.send("other", Letter("http://y", {}, b"{}"), done.put)
    assert [done.get(timeout=30) for _ in range(21)] == [200] * 21
    outgoing.stop()
    urls = [url for url, _, _ in outside.mail.letters]
    assert [url for url in urls if "x" in url] == [f"http://x/{n}" for n in range(20)]
