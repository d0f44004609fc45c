"""What the bridge relies on of a NanoMDM on PostgreSQL, where that is not as on its files."""

from __future__ import annotations

import plistlib
from collections.abc import Iterator

import pytest

from bridge.errors import MdmRefused, OutcomeUnknown
from bridge.simulator.devices.device import Device
from tests.contract.mdm_stands import Stand, install, real
from tests.contract.test_mdm_servers import some
from tests.real.databases import running, schema_of
from tests.real.lab import answer, idle, templates

pytestmark = pytest.mark.real


@pytest.fixture(scope="module")
def stand(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stand]:
    with running("pgsql") as databases:
        options = ("-storage", "pgsql", "-storage-dsn", databases.make(schema_of("pgsql")))
        with real("nanomdm", tmp_path_factory.mktemp("nanomdm"), options) as stand:
            yield stand


@pytest.fixture
def device(stand: Stand) -> Device:
    return stand.enrolled()


@pytest.mark.parametrize("method", ["PUT", "POST"])
def test_a_push_that_fails_makes_a_stored_command_a_500(
    stand: Stand, device: Device, method: str
) -> None:
    (one,) = some(1)
    status, said = stand.raw(method, f"/enqueue/{device.key}", install(one))
    assert (status, said["command_uuid"]) == (500, one)
    assert "push_error" in said and "command_error" not in said
    assert idle(device) == one


@pytest.mark.parametrize("query", ["nopush=1", "nopush=0"])
def test_that_it_shall_not_push_counts_whatever_its_value(
    stand: Stand, device: Device, query: str
) -> None:
    (one,) = some(1)
    status, said = stand.raw("PUT", f"/enqueue/{device.key}?{query}", install(one))
    assert (status, said["no_push"], said["command_uuid"]) == (200, True, one)
    assert "status" not in said


def test_a_command_uuid_is_taken_once_also_after_its_answer(stand: Stand, device: Device) -> None:
    (one,) = some(1)
    stand.enqueue(device, one)
    for _ in range(2):
        with pytest.raises(OutcomeUnknown, match="before"):
            stand.enqueue(device, one)
        status, said = stand.raw("PUT", f"/enqueue/{device.key}", install(one))
        assert status == 500 and "duplicate key" in said["command_error"]
        assert idle(device) in (one, "")
        answer(device, one)
    assert idle(device) == ""


def test_nobody_of_that_name_is_enrolled_there(stand: Stand, device: Device) -> None:
    half = stand.new_device()
    half.authenticate()
    for name in (stand.new_device().key, device.udid.lower(), half.key):
        (one,) = some(1)
        with pytest.raises(MdmRefused, match="not enrolled there"):
            stand.server.enqueue(name, install(one))
        status, said = stand.raw("PUT", f"/enqueue/{name}", install(one))
        assert status == 500 and "enrollment_queue_id_fkey" in said["command_error"]
    half.token_update()
    (one,) = some(1)
    stand.enqueue(half, one)
    assert idle(half) == one


def test_a_stranger_among_several_fails_all(stand: Stand, device: Device) -> None:
    (one,) = some(1)
    for separator in (",", "%2C"):
        status, said = stand.raw("PUT", f"/enqueue/{device.key}{separator}NOBODY", install(one))
        assert status == 500 and "enrollment_queue_id_fkey" in said["command_error"]
    assert idle(device) == "", "nothing was stored for anyone"


def test_what_is_sent_after_a_check_out_is_taken(stand: Stand, device: Device) -> None:
    (one,) = some(1)
    device.check_out()
    status, said = stand.raw("PUT", f"/enqueue/{device.key}?nopush=1", install(one))
    assert (status, said["command_uuid"]) == (200, one)


def test_an_enrolment_empties_the_queue(stand: Stand, device: Device) -> None:
    first, second = some(2)
    stand.enqueue(device, first)
    device.reenrol()
    assert idle(device) == ""
    stand.enqueue(device, second)
    with pytest.raises(OutcomeUnknown, match="before"):
        stand.enqueue(device, first)
    assert [idle(device), answer(device, second)] == [second, ""]


def test_what_was_put_off_comes_after_the_next_answer(stand: Stand, device: Device) -> None:
    first, second, third = some(3)
    stand.enqueue(device, first, second, third)
    assert idle(device) == first
    assert answer(device, first, "NotNow") == second
    assert answer(device, second) == first


def test_no_answered_command_comes_back(stand: Stand, device: Device) -> None:
    """As it does on files."""
    first, last = some(2)
    stand.enqueue(device, first, last)
    assert idle(device) == first
    assert answer(device, first, "NotNow") == last
    assert answer(device, last) == first
    assert answer(device, first) == ""
    assert idle(device) == ""


def test_a_repeated_answer_empties_no_queue(stand: Stand, device: Device) -> None:
    """As it does on files."""
    first, second, third = some(3)
    stand.enqueue(device, first)
    assert [idle(device), answer(device, first)] == [first, ""]
    stand.enqueue(device, second, third)
    assert answer(device, first) == second
    assert answer(device, second) == third


def test_an_answer_to_an_unknown_command_is_a_500(stand: Stand, device: Device) -> None:
    (one,) = some(1)
    stand.enqueue(device, one)
    body = templates.answer(device, "NOBODYS", "Acknowledged")
    assert device.transport.connect(device, body)[0] == 500
    assert idle(device) == one, "the queue is as it was"


def test_a_binary_command_is_not_taken(stand: Stand, device: Device) -> None:
    """Why commands are sent as XML."""
    (one,) = some(1)
    binary = plistlib.dumps(plistlib.loads(install(one)), fmt=plistlib.FMT_BINARY)
    status, said = stand.raw("PUT", f"/enqueue/{device.key}", binary)
    assert status == 500 and "UTF8" in said["command_error"]
    assert idle(device) == ""


def test_what_is_no_command_is_refused(stand: Stand, device: Device) -> None:
    for content, why in ((b"no plist", "decoding command"), (b"", "must enqueue or push")):
        status, said = stand.raw("PUT", f"/enqueue/{device.key}?nopush=1", content)
        assert status == 500 and why in str(said)


def test_a_push_to_nobody_says_so(stand: Stand) -> None:
    with pytest.raises(MdmRefused, match=r"must enrol|push certificate"):
        stand.server.push("NOBODY")


def test_a_wrong_key_is_refused(stand: Stand, device: Device) -> None:
    with pytest.raises(MdmRefused, match="API key"):
        stand.stranger.enqueue(device.key, install(*some(1)))


def test_it_shows_neither_devices_nor_queues(stand: Stand, device: Device) -> None:
    assert stand.server.enrolments() is None
    assert stand.raw("POST", "/enrollments/query", b"{}")[0] == 404
    assert stand.raw("GET", f"/queue/{device.key}")[0] in (404, 405)
