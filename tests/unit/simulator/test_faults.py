"""Planned mishaps: when they strike, and what they do at every place."""

from typing import Any

import pytest

from bridge.simulator.faults import PLACES, Fault, Faults, demo_faults
from bridge.simulator.wsgi import ConnectionDropped
from tests.unit.simulator_kit import WEBHOOK_URL, Outside, install

A = "361309726"


def with_faults(*faults: Fault, **arguments: Any) -> Outside:
    return Outside(**({"devices": 2, "apps": 1, "faults": faults} | arguments))


def test_a_fault_lets_some_pass_strikes_some_and_is_over() -> None:
    faults = Faults([Fault("device", "not_now", match="Install", after=1, times=2)])
    occasions = ["Install", "Remove", "Install", "Install", "Install"]
    struck = [faults.strike("device", text) is not None for text in occasions]
    assert struck == [False, False, True, True, False]
    assert faults.strike("mdm.push", "Install") is None
    assert faults.total == 2


def test_a_fault_without_an_end() -> None:
    faults = Faults([Fault("device", "silent", times=0)])
    assert all(faults.strike("device") for _ in range(10))


def test_the_first_due_fault_strikes_and_all_count_the_occasion() -> None:
    faults = Faults(
        [Fault("device", "silent", word="first"), Fault("device", "silent", after=1, word="second")]
    )
    names = [fault.name for _ in range(3) if (fault := faults.strike("device"))]
    assert names == ["first", "second"]


def test_the_summary_is_for_people() -> None:
    faults = Faults([Fault("device", "silent", times=2, word="silent device")])
    faults.add(Fault("mdm.push", "lose"))
    faults.strike("device")
    faults.strike("device")
    faults.strike("mdm.push")
    assert faults.summary() == ["2 silent devices", "1 lose at mdm.push"]


@pytest.mark.parametrize(("where", "what"), [("nowhere", "drop"), ("mdm.webhook", "not_now")])
def test_a_fault_that_cannot_happen_is_refused(where: str, what: Any) -> None:
    with pytest.raises(ValueError, match=what):
        Fault(where, what)
    with pytest.raises(ValueError, match="number"):
        Fault("apple.assets", "error")


def test_demo_faults_come_from_the_seed() -> None:
    assert demo_faults(3) == demo_faults(3)
    assert len({str(demo_faults(seed)) for seed in range(10)}) > 1
    for seed in range(10):
        assert all(fault.word and fault.where in PLACES for fault in demo_faults(seed))


# Apple


def test_a_refusal_does_nothing_and_carries_what_it_should() -> None:
    outside = with_faults(Fault("apple.associate", "error", number=9729, retry_after=120, after=1))
    assert outside.associate([A], ["S1"]).status_code == 200
    answer = outside.associate([A], ["S2"])
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "120")
    assert answer.get_json()["errorNumber"] == 9729
    assert outside.associate([A], ["S3"]).status_code == 200
    outside.world.advance(5)
    rows = outside.apple("assignments").get_json()["assignments"]
    assert [row["serialNumber"] for row in rows] == ["S1", "S3"]


def test_an_error_number_may_come_with_any_status() -> None:
    outside = with_faults(Fault("apple.assets", "error", number=9646, status=200))
    answer = outside.apple("assets")
    assert (answer.status_code, answer.get_json()["errorNumber"]) == (200, 9646)


@pytest.mark.parametrize(
    ("what", "done"),
    [
        ("gateway", 0),
        ("gateway_after", 1),
        ("garbled", 1),
        ("request_lost", 0),
        ("reply_lost", 1),
    ],
)
def test_replies_that_tell_nothing(what: Any, done: int) -> None:
    outside = with_faults(Fault("apple.associate", what))
    if what.endswith("lost"):
        with pytest.raises(ConnectionDropped):
            outside.associate([A], ["S1"])
    else:
        answer = outside.associate([A], ["S1"])
        assert answer.status_code == (200 if what == "garbled" else 502)
        assert answer.get_json(silent=True) is None
    assert outside.world.ledger.requests["apple.associate"] == 1
    outside.world.advance(5)
    assert len(outside.world.location.library.assignments) == done


def test_a_gateway_may_have_any_status_and_ask_for_time() -> None:
    outside = with_faults(Fault("apple.assets", "gateway", status=429, retry_after=7))
    answer = outside.apple("assets")
    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "7")


def test_an_event_may_fail_be_slow_or_stay_pending() -> None:
    outside = with_faults(
        Fault("apple.event", "error", number=9644),
        Fault("apple.event", "stuck", after=1),
        Fault("apple.event", "delay", after=2, delay=100),
        seats=9,
    )
    outside.subscribe()
    ids = [outside.associate([A], [serial]).get_json()["eventId"] for serial in "1234"]
    outside.world.advance(50)
    states = [outside.status(event_id) for event_id in ids]
    # The fourth waits for the slow third: Apple works in the order of submission.
    assert [state["eventStatus"] for state in states] == ["FAILED"] + ["PENDING"] * 3
    assert states[0]["failures"][0]["errorNumber"] == 9644
    assert states[0]["numCompleted"] == 0
    [failure] = outside.mail.notifications
    assert failure["notification"]["error"]["errorNumber"] == 9644
    outside.world.advance(3600)
    states = [outside.status(event_id) for event_id in ids]
    assert [state["eventStatus"] for state in states] == [
        "FAILED",
        "PENDING",
        "COMPLETE",
        "COMPLETE",
    ]


@pytest.mark.parametrize(
    ("what", "arrivals"),
    [
        ("drop", ["2"]),
        ("duplicate", ["1", "2", "1"]),
        ("delay", ["2", "1"]),
        ("reorder", ["2", "1"]),
    ],
)
def test_notifications(what: Any, arrivals: list[str]) -> None:
    outside = with_faults(Fault("apple.notification", what, delay=30))
    outside.subscribe()
    outside.associate([A], ["1"])
    outside.world.advance(0.5)
    outside.associate([A], ["2"])
    outside.world.advance(60)
    bodies = outside.mail.notifications
    arrived = [body["notification"]["assignments"][0]["serialNumber"] for body in bodies]
    assert arrived == arrivals
    assert len({body["notificationId"] for body in bodies}) == len(set(arrivals))


# The MDM server


@pytest.mark.parametrize(
    ("what", "queued"),
    [
        ("lose", []),
        ("error", []),
        ("request_lost", []),
        ("reply_lost", ["u"]),
        ("gateway_after", ["u"]),
    ],
)
def test_commands(what: Any, queued: list[str]) -> None:
    outside = with_faults(Fault("mdm.command", what, match="InstallApplication"))
    udid = outside.world.devices[0].udid
    outside.world.devices[0].go_offline()
    if what in {"request_lost", "reply_lost"}:
        with pytest.raises(ConnectionDropped):
            outside.mdm("PUT", f"/v1/commands/{udid}", install("u", A))
    else:
        status = outside.mdm("PUT", f"/v1/commands/{udid}", install("u", A)).status_code
        assert status == {"lose": 201, "error": 500, "gateway_after": 502}[what]
    outside.world.advance(5)
    assert outside.queue(udid) == queued


def test_a_lost_json_command_and_a_lost_push() -> None:
    outside = with_faults(Fault("mdm.command", "lose"), Fault("mdm.push", "lose"))
    device = outside.world.devices[0]
    body = {"udid": device.udid, "request_type": "DeviceInformation", "queries": ["UDID"]}
    assert outside.mdm("POST", "/v1/commands", body).status_code == 201
    assert outside.mdm("POST", f"/v1/push/{device.udid}").status_code == 200
    outside.world.mdm.webhook.url = WEBHOOK_URL
    outside.world.advance(5)
    assert outside.mail.letters == []


@pytest.mark.parametrize(
    ("what", "arrivals"),
    [
        ("drop", ["mdm.TokenUpdate"]),
        ("duplicate", ["mdm.Authenticate", "mdm.TokenUpdate", "mdm.Authenticate"]),
        ("reorder", ["mdm.TokenUpdate", "mdm.Authenticate"]),
    ],
)
def test_webhooks(what: Any, arrivals: list[str]) -> None:
    outside = with_faults(Fault("mdm.webhook", what, match="Authenticate"), devices=0)
    outside.world.mdm.webhook.url = WEBHOOK_URL
    outside.world.new_device().enrol()
    outside.world.advance(10)
    assert outside.mail.topics == arrivals
    assert len({body["event_id"] for body in outside.mail.bodies}) == len(set(arrivals))


def test_device_faults() -> None:
    outside = with_faults(
        Fault("device", "error", match=f"InstallApplication {A}", number=9610, domain="D"),
        Fault("device", "not_now", match="InstallApplication", after=1),
        Fault("device", "silent", match="InstallApplication", after=2),
        macs=0,
    )
    outside.associate([A], outside.serials)
    outside.world.advance(5)
    outside.world.mdm.webhook.url = WEBHOOK_URL
    device = outside.world.devices[0]
    for uuid in ("1", "2", "3", "4"):
        outside.post(device.udid, install(uuid, A))
        outside.world.advance(1)
    events = [body["acknowledge_event"] for body in outside.mail.bodies]
    told = [(event["status"], event["command_uuid"]) for event in events if "command_uuid" in event]
    # 3 met silence and comes again when the device is pushed for 4; then the parked 2 does.
    assert told == [
        ("Error", "1"),
        ("NotNow", "2"),
        ("Acknowledged", "3"),
        ("Acknowledged", "4"),
        ("Acknowledged", "2"),
    ]
    assert outside.world.faults.total == 3
