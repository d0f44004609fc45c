"""What the bridge relies on of an MDM server: one suite, on every kind, simulated and real.

What a new release of a real server does otherwise fails here by its name, and so does a simulator
that is no longer like it.
"""

from __future__ import annotations

import plistlib
import uuid
from collections.abc import Iterator

import pytest

from bridge.errors import MdmRefused, OutcomeUnknown
from bridge.simulator.devices.device import Device
from tests.contract.mdm_stands import KINDS, Stand, install, real, simulated
from tests.real.lab import answer, idle, offered, templates


def stands(*kinds: str) -> list[object]:
    """A parameter for each of these kinds, simulated and real."""
    return [
        *(pytest.param((False, kind), id=f"simulated {kind}") for kind in kinds),
        *(pytest.param((True, kind), id=kind, marks=pytest.mark.real) for kind in kinds),
    ]


@pytest.fixture(scope="session")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[tuple[bool, str], Stand]]:
    """The servers that were asked for, each started once."""
    from contextlib import ExitStack  # noqa: PLC0415

    class Started(dict[tuple[bool, str], Stand]):
        def __missing__(self, key: tuple[bool, str]) -> Stand:
            is_real, kind = key
            opened = (
                real(kind, tmp_path_factory.mktemp(kind))  # type: ignore[arg-type]
                if is_real
                else simulated(kind)  # type: ignore[arg-type]
            )
            self[key] = stack.enter_context(opened)
            return self[key]

    with ExitStack() as stack:
        yield Started()


@pytest.fixture
def stand(request: pytest.FixtureRequest, running: dict[tuple[bool, str], Stand]) -> Stand:
    return running[request.param]


@pytest.fixture
def device(stand: Stand) -> Device:
    return stand.enrolled()


on_all = pytest.mark.parametrize("stand", stands(*KINDS), indirect=True)
on_nano = pytest.mark.parametrize("stand", stands("nanomdm", "nanohub"), indirect=True)

on_real_nano = pytest.mark.parametrize("stand", stands("nanomdm", "nanohub")[2:], indirect=True)


def some(number: int) -> list[str]:
    return [str(uuid.uuid4()) for _ in range(number)]


# --- all of them ---


@on_all
def test_a_command_is_handed_out_as_it_is(stand: Stand, device: Device) -> None:
    (one,) = some(1)
    stand.enqueue(device, one)
    assert offered(device, templates.idle(device)) == install(one)
    assert answer(device, one) == ""
    assert idle(device) == ""


@on_all
def test_commands_come_one_after_the_other(stand: Stand, device: Device) -> None:
    uuids = some(3)
    stand.enqueue(device, *uuids)
    assert [idle(device), answer(device, uuids[0]), answer(device, uuids[1])] == uuids
    assert answer(device, uuids[2]) == ""


@on_all
def test_a_repeated_command_uuid_is_what_its_abilities_say(stand: Stand, device: Device) -> None:
    (one,) = some(1)
    stand.enqueue(device, one)
    if not stand.server.abilities.repeats_are_refused:
        stand.enqueue(device, one)
        assert [idle(device), answer(device, one), answer(device, one)] == [one, one, ""]
        return
    with pytest.raises(OutcomeUnknown, match="before"):
        stand.enqueue(device, one)
    assert [idle(device), answer(device, one)] == [one, ""], "it is there once"
    with pytest.raises(OutcomeUnknown, match="before"):
        stand.enqueue(device, one)
    assert idle(device) == "", "answered, and refused all the same"


@on_all
def test_an_enrolment_empties_the_queue(stand: Stand, device: Device) -> None:
    first, second = some(2)
    stand.enqueue(device, first)
    device.reenrol()
    assert idle(device) == ""
    stand.enqueue(device, second)
    assert idle(device) == second
    if stand.server.abilities.repeats_are_refused:
        with pytest.raises(OutcomeUnknown, match="before"):
            stand.enqueue(device, first)
        assert answer(device, second) == "", "it is not delivered any more"


@on_all
def test_a_device_that_nobody_knows_is_not_noticed(stand: Stand) -> None:
    stand.enqueue(stand.new_device(), *some(1))


@on_all
def test_who_checked_out_is_not_noticed_either(stand: Stand, device: Device) -> None:
    device.check_out()
    stand.enqueue(device, *some(1))


@on_all
def test_a_malformed_command_is_refused(stand: Stand, device: Device) -> None:
    broken = install(*some(1)).replace(b"RequestType", b"Nothing")
    with pytest.raises(MdmRefused) as caught:
        stand.server.enqueue(device.key, broken)
    assert caught.value.status == 500


@on_all
def test_a_wrong_key_is_refused(stand: Stand, device: Device) -> None:
    for call in (
        lambda: stand.stranger.enqueue(device.key, install(*some(1))),
        lambda: stand.stranger.push(device.key),
    ):
        with pytest.raises(MdmRefused, match="API key") as caught:
            call()
        assert caught.value.status == 401
    assert idle(device) == ""


@on_all
def test_it_tells_a_version(stand: Stand) -> None:
    assert stand.server.version()


@on_all
def test_it_shows_what_its_abilities_say(stand: Stand, device: Device) -> None:
    can = stand.server.abilities
    (one,) = some(1)
    stand.enqueue(device, one)
    if can.queue_view:
        assert [each.command_uuid for each in stand.server.queue(device.key)] == [one]
    if can.device_list:
        assert device.udid in {each.udid for each in stand.server.devices()}
    if not (can.queue_view or can.device_list):
        assert stand.raw("GET", f"/queue/{device.key}", b"")[0] == 404
        assert stand.raw("POST", "/enrollments/query", b"{}")[0] == 404


# --- NanoMDM and NanoHUB ---


@on_nano
def test_a_push_that_fails_makes_a_stored_command_a_500(stand: Stand, device: Device) -> None:
    (one,) = some(1)
    status, said = stand.raw("PUT", f"/enqueue/{device.key}", install(one))
    assert (status, said["command_uuid"]) == (500, one)
    assert "push_error" in said and "command_error" not in said
    assert idle(device) == one


@on_nano
@pytest.mark.parametrize("query", ["nopush=1", "nopush=0"])
def test_that_it_shall_not_push_counts_whatever_its_value(
    stand: Stand, device: Device, query: str
) -> None:
    (one,) = some(1)
    status, said = stand.raw("PUT", f"/enqueue/{device.key}?{query}", install(one))
    assert (status, said["no_push"], said["command_uuid"]) == (200, True, one)
    assert "status" not in said
    assert idle(device) == one


@on_nano
def test_the_method_does_not_matter(stand: Stand, device: Device) -> None:
    (one,) = some(1)
    assert stand.raw("POST", f"/enqueue/{device.key}", install(one))[1]["command_uuid"] == one
    assert idle(device) == one


@on_nano
def test_an_id_is_another_in_other_letters(stand: Stand, device: Device) -> None:
    (one,) = some(1)
    stand.server.enqueue(device.udid.lower(), install(one))
    assert idle(device) == "", "stored for nobody"


@on_nano
@pytest.mark.parametrize("comma", [",", "%2C"])
def test_a_comma_makes_two_of_one(stand: Stand, device: Device, comma: str) -> None:
    """Why an id with one is never sent."""
    other, (one,) = stand.enrolled(), some(1)
    stand.raw("PUT", f"/enqueue/{device.key}{comma}{other.key}", install(one))
    assert [idle(device), idle(other)] == [one, one]
    with pytest.raises(MdmRefused, match="nothing was asked"):
        stand.server.enqueue(f"{device.key},{other.key}", install(*some(1)))


@on_nano
@pytest.mark.parametrize("separator", [",", "%2C"])
def test_a_stranger_among_several_is_not_noticed(
    stand: Stand, device: Device, separator: str
) -> None:
    """On files; on a database it fails all."""
    (one,) = some(1)
    path = f"/enqueue/{device.key}{separator}NOBODY?nopush=1"
    status, said = stand.raw("PUT", path, install(one))
    assert (status, said["command_uuid"]) == (200, one)
    assert "command_error" not in said and "status" not in said
    assert idle(device) == one


@on_real_nano
def test_a_binary_command_is_taken(stand: Stand, device: Device) -> None:
    """On files; a database refuses it, which is why commands are sent as XML, and why the simulated
    ones read nothing else."""
    (one,) = some(1)
    binary = plistlib.dumps(plistlib.loads(install(one)), fmt=plistlib.FMT_BINARY)
    status, said = stand.raw("PUT", f"/enqueue/{device.key}?nopush=1", binary)
    assert (status, said["command_uuid"]) == (200, one)
    assert offered(device, templates.idle(device)) == binary


@on_nano
def test_an_empty_command_is_an_error_of_the_push_alone(stand: Stand, device: Device) -> None:
    status, said = stand.raw("PUT", f"/enqueue/{device.key}", b"no plist")
    assert status == 500 and said["command_error"].startswith("decoding command")
    assert "command_uuid" not in said


@on_real_nano
def test_neither_a_command_nor_a_push_is_an_error(stand: Stand, device: Device) -> None:
    status, said = stand.raw("PUT", f"/enqueue/{device.key}?nopush=1", b"")
    assert status == 500 and "must enqueue or push" in str(said)


@on_nano
def test_a_push_to_nobody_says_so(stand: Stand) -> None:
    with pytest.raises(MdmRefused, match=r"must enrol|push certificate"):
        stand.server.push("NOBODY")


@on_nano
def test_before_the_first_token_update_it_takes_commands(stand: Stand) -> None:
    device, (one,) = stand.new_device(), some(1)
    device.authenticate()
    stand.enqueue(device, one)
    device.token_update()
    assert idle(device) == one


@on_nano
def test_what_is_sent_after_a_check_out_waits(stand: Stand, device: Device) -> None:
    (one,) = some(1)
    device.check_out()
    stand.enqueue(device, one)
    assert idle(device) == one


@on_nano
def test_what_was_put_off_comes_after_the_next_answer(stand: Stand, device: Device) -> None:
    first, second, third = some(3)
    stand.enqueue(device, first, second, third)
    assert idle(device) == first
    assert answer(device, first, "NotNow") == second
    assert answer(device, second) == first


@on_nano
def test_an_answered_command_comes_back(stand: Stand, device: Device) -> None:
    """The last of the queue, answered while one before it was put off, at every Idle until it is
    answered anew."""
    first, last = some(2)
    stand.enqueue(device, first, last)
    assert idle(device) == first
    assert answer(device, first, "NotNow") == last
    assert answer(device, last) == first
    assert answer(device, first) == last, "it was answered"
    assert [idle(device), idle(device)] == [last, last]
    assert answer(device, last) == ""
    assert idle(device) == ""


@on_nano
def test_an_answer_to_what_is_not_queued_empties_the_queue(stand: Stand, device: Device) -> None:
    first, second, third = some(3)
    stand.enqueue(device, first)
    assert idle(device) == first
    assert answer(device, first) == ""
    stand.enqueue(device, second, third)
    assert answer(device, first) == "", "once more, as after a lost reply"
    assert idle(device) == "", "nothing waits any more"
    with pytest.raises(OutcomeUnknown, match="before"):
        stand.enqueue(device, second)
    assert idle(device) == ""


# --- on a database, simulated ---


def test_on_a_database_a_stranger_among_several_fails_all() -> None:
    with simulated("nanomdm", storage="sql") as stand:
        device, (one,) = stand.enrolled(), some(1)
        with pytest.raises(MdmRefused, match="not enrolled there"):
            stand.server.enqueue(stand.new_device().key, install(one))
        status, said = stand.raw("PUT", f"/enqueue/{device.key},NOBODY", install(one))
        assert status == 500 and "enrollment_queue_id_fkey" in said["command_error"]
        assert idle(device) == ""
        stand.enqueue(device, one)
        with pytest.raises(OutcomeUnknown, match="before"):
            stand.enqueue(device, one)
        assert [idle(device), answer(device, one), answer(device, one)] == [one, "", ""]
