"""The simulator's evidence: what counts as a broken promise, and what is justified."""

import pytest

from bridge.simulator.devices import script
from bridge.simulator.faults import Fault
from tests.unit.simulator_kit import Outside, command, install

A = "361309726"


@pytest.fixture
def outside() -> Outside:
    outside = Outside(devices=1, apps=1, seats=10)
    outside.world.apple.portal(outside.world.location, "ASSOCIATE", A, outside.serials)
    return outside


def kinds(outside: Outside) -> list[str]:
    return [violation.kind for violation in outside.world.ledger.violations()]


def send(outside: Outside, *payloads: bytes, udid: str = "") -> None:
    for payload in payloads:
        outside.post(udid or outside.world.devices[0].udid, payload)
        outside.world.advance(1)


LIST = command("list", "ManagedApplicationList")


def test_asking_for_what_is_held_or_pending(outside: Outside) -> None:
    outside.associate([A], ["S1", "S2"])
    assert kinds(outside) == []
    outside.associate([A], ["S2", "S3"])
    assert kinds(outside) == ["asked_while_pending"]
    outside.world.advance(5)
    outside.associate([A], ["S1"])
    assert kinds(outside) == ["asked_while_pending", "asked_while_held"]
    [asked] = outside.world.ledger.asked_while_held
    assert (asked.adam_id, asked.holder) == (A, "S1")


def test_asking_again_what_was_stuck_for_ten_minutes_is_right() -> None:
    outside = Outside(devices=0, apps=1, seats=5, faults=[Fault("apple.event", "stuck")])
    outside.associate([A], ["S1"])
    outside.world.advance(599)
    outside.associate([A], ["S1"])
    assert kinds(outside) == ["asked_while_pending"]
    outside.world.advance(5)
    assert outside.world.apple.licensed("S1", A)


def test_asking_again_after_the_ten_minutes() -> None:
    outside = Outside(devices=0, apps=1, seats=5, faults=[Fault("apple.event", "stuck")])
    outside.associate([A], ["S1"])
    outside.world.advance(600)
    outside.associate([A], ["S1"])
    assert kinds(outside) == []


def test_a_licence_that_is_on_its_way_back_may_be_asked_for(outside: Outside) -> None:
    outside.associate([A], outside.serials, "disassociate")
    outside.associate([A], outside.serials)
    assert kinds(outside) == []
    outside.world.advance(5)
    assert outside.world.apple.licensed(outside.serials[0], A)


def test_posting_an_install_before_apple_holds_the_licence(outside: Outside) -> None:
    other = outside.world.new_device()
    other.enrol()
    send(outside, install("u", A), udid=other.udid)
    assert kinds(outside) == ["posted_before_licence"]


def test_posting_the_same_command_again_without_asking(outside: Outside) -> None:
    send(outside, install("u", A), install("u", A))
    assert kinds(outside) == ["posted_again_unasked"]


def test_a_second_command_without_asking(outside: Outside) -> None:
    send(outside, install("u", A), install("v", A))
    assert kinds(outside) == ["second_command"]
    assert [
        p.command_uuid
        for p in outside.world.ledger.installs_posted[outside.world.devices[0].udid, A]
    ] == ["u", "v"]


@pytest.mark.parametrize("uuid", ["u", "v"])
def test_the_device_was_asked_in_between(outside: Outside, uuid: str) -> None:
    send(outside, install("u", A), LIST, install(uuid, A))
    assert kinds(outside) == []


def test_a_list_that_was_only_posted_is_no_evidence(outside: Outside) -> None:
    send(outside, install("u", A))
    outside.world.devices[0].go_offline()
    send(outside, LIST, install("v", A))
    assert kinds(outside) == ["second_command"]


def test_the_device_refused_the_first(outside: Outside) -> None:
    outside.world.devices[0].script.add(script.error("D", 9610))
    send(outside, install("u", A), install("v", A))
    assert kinds(outside) == []


def test_the_device_enrolled_again(outside: Outside) -> None:
    send(outside, install("u", A))
    outside.world.devices[0].reenrol()
    send(outside, install("v", A))
    assert kinds(outside) == []


def test_a_post_that_was_refused_does_not_count() -> None:
    outside = Outside(devices=1, apps=1, faults=[Fault("mdm.command", "error")])
    outside.world.apple.portal(outside.world.location, "ASSOCIATE", A, outside.serials)
    udid = outside.world.devices[0].udid
    assert outside.mdm("PUT", f"/v1/commands/{udid}", install("u", A)).status_code == 500
    send(outside, install("u", A))
    assert kinds(outside) == []


def test_deliveries_are_counted(outside: Outside) -> None:
    device = outside.world.devices[0]
    device.script.add(script.silent())
    send(outside, install("u", A))
    assert outside.world.ledger.delivered_twice() == []
    device.connect()
    assert outside.world.ledger.delivered_twice() == [(device.udid, "u")]
    assert kinds(outside) == []


def test_requests_are_counted_by_endpoint(outside: Outside) -> None:
    outside.apple("assets")
    outside.apple("client/config")
    outside.mdm("GET", "/version")
    send(outside, LIST)
    assert dict(outside.world.ledger.requests) == {
        "apple.assets": 1,
        "apple.client_config": 1,
        "mdm.version": 1,
        "mdm.command": 1,
    }
