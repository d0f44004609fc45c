"""Simulated devices: what they answer, what they really do, and how they misbehave."""

from collections.abc import Iterator
from typing import Any

import pytest

from bridge.simulator import templates
from bridge.simulator.devices import script
from bridge.simulator.devices.device import Device
from bridge.simulator.devices.script import Planned
from tests.unit.simulator_kit import WEBHOOK_URL, Outside, command, install, payload_of

A = "361309726"


class Bench:
    """One enrolled device with a licence, and its answers as its server hears of them."""

    def __init__(self, **traits: Any) -> None:
        self.outside = Outside(devices=0, apps=2)
        self.world = self.outside.world
        self.device: Device = self.world.new_device(install_time=5.0, **traits)
        self.device.enrol()
        self.world.mdm.webhook.url = WEBHOOK_URL
        self.bundle_id = self.world.catalogue[A][0]
        self._uuids: Iterator[int] = iter(range(1000))
        self.world.apple.buy(self.world.location, A, 1)
        self.world.apple.portal(self.world.location, "ASSOCIATE", A, [self.device.serial_number])

    def send(self, payload: bytes) -> list[dict[str, Any]]:
        """Queue a command and give the device a second; its answers, Idle aside."""
        self.outside.mail.letters.clear()
        self.outside.post(self.device.key, payload)
        self.world.advance(1)
        messages = [payload_of(body) for body in self.outside.mail.bodies]
        return [message for message in messages if message.get("Status", "Idle") != "Idle"]

    def ask(self, request_type: str, **members: object) -> dict[str, Any]:
        [answer] = self.send(
            command(f"{request_type} {next(self._uuids)}", request_type, **members)
        )
        return answer

    def install(self, **members: object) -> dict[str, Any]:
        [answer] = self.send(install(f"install {next(self._uuids)}", A, **members))
        return answer

    def listed(self) -> str | None:
        """The app's status in a ManagedApplicationList."""
        apps = self.ask("ManagedApplicationList")["ManagedApplicationList"]
        return apps[self.bundle_id]["Status"] if apps else None


def code_of(answer: dict[str, Any]) -> tuple[str, int]:
    assert answer["Status"] == "Error"
    first = answer["ErrorChain"][0]
    return first["ErrorDomain"], first["ErrorCode"]


IPAD: dict[str, Any] = {}
MAC: dict[str, Any] = {"product_name": "Mac14,2"}


@pytest.mark.parametrize("traits", [IPAD, MAC])
def test_an_install_takes_time_and_ends_managed(traits: dict[str, Any]) -> None:
    bench = Bench(**traits)
    answer = bench.install()
    assert answer["Status"] == "Acknowledged"
    assert (answer["Identifier"], answer["State"]) == (bench.bundle_id, "Installing")
    assert bench.listed() == "Installing"
    assert not bench.device.installed(A)
    bench.world.advance(5)
    assert bench.listed() == "Managed"
    assert bench.device.installed(A)
    assert [(i.adam_id, i.command_uuid) for i in bench.device.installs] == [(A, "install 0")]
    assert bench.install()["State"] == "Managed"
    assert len(bench.device.installs) == 1


@pytest.mark.parametrize(
    ("traits", "error"),
    [(IPAD, ("MDMErrorDomain", 12064)), (MAC, ("ASDServerErrorDomain", 9610))],
)
def test_without_a_licence(traits: dict[str, Any], error: tuple[str, int]) -> None:
    bench = Bench(**traits)
    bench.world.apple.portal(bench.world.location, "DISASSOCIATE", A, [bench.device.serial_number])
    assert code_of(bench.install()) == error
    assert bench.listed() is None


def test_a_licence_for_the_serial_number_is_of_no_use_to_a_user_enrolled_device() -> None:
    bench = Bench(enrollment_id="E-1")
    assert bench.world.apple.licensed(bench.device.serial_number, A)
    assert code_of(bench.install()) == ("MDMErrorDomain", 12064)
    told = bench.ask("DeviceInformation", Queries=["SerialNumber", "UDID", "ProductName"])
    assert told["QueryResponses"] == {"ProductName": "iPad13,18"}


def test_a_mac_refuses_a_second_install_while_it_installs() -> None:
    bench = Bench(**MAC)
    bench.install()
    answer = bench.install()
    assert code_of(answer) == ("ASDErrorDomain", 506)
    assert (answer["State"], answer["RejectionReason"]) == ("Failed", "Other")
    bench.world.advance(5)
    assert bench.device.installed(A)


def test_an_ipad_does_not_mind() -> None:
    bench = Bench()
    bench.install()
    assert bench.install()["State"] == "Installing"
    assert len(bench.device.installs) == 1


@pytest.mark.parametrize(
    ("members", "code"), [({"iTunesStoreID": 5}, 12023), ({"Options": {}}, 12040)]
)
def test_installs_that_cannot_be(members: dict[str, object], code: int) -> None:
    assert code_of(Bench().install(**members))[1] == code


def test_a_mac_told_to_install_unmanaged_gives_the_app_up() -> None:
    bench = Bench(**MAC)
    bench.install(InstallAsManaged=False)
    bench.world.advance(5)
    assert bench.listed() is None
    assert bench.device.has(A)
    installed = bench.ask("InstalledApplicationList")["InstalledApplicationList"]
    assert [app["Identifier"] for app in installed] == [bench.bundle_id]
    assert bench.install(ChangeManagementState="Managed")["State"] == "Managed"
    assert bench.device.installed(A)
    bench.install(InstallAsManaged=False)
    assert not bench.device.installed(A)


def test_a_copy_of_the_users_is_in_the_way() -> None:
    bench = Bench()
    bench.device.user_installs(A)
    answer = bench.install()
    assert code_of(answer) == ("MCMDMErrorDomain", 12025)
    assert answer["RejectionReason"] == "AppAlreadyInstalled"
    assert bench.listed() is None
    assert bench.install(ChangeManagementState="Managed")["State"] == "Managed"


def test_the_user_of_an_unsupervised_device_is_asked() -> None:
    bench = Bench(supervised=False)
    assert bench.install()["State"] == "Prompting"
    assert bench.listed() == "Prompting"
    bench.world.advance(10)
    assert bench.listed() == "Installing"
    bench.world.advance(5)
    assert bench.device.installed(A)
    assert [adam_id for _, adam_id in bench.device.prompts] == [A]


def test_a_user_who_says_no_is_told_of_once() -> None:
    bench = Bench(supervised=False, prompt_time=None)
    bench.install()
    bench.world.advance(3600)
    assert bench.listed() == "Prompting"
    bench.device.answer_prompt(A, accept=False)
    assert bench.listed() == "UserRejected"
    assert bench.listed() is None


def test_a_user_who_takes_long_to_say_yes() -> None:
    bench = Bench(supervised=False, prompt_time=None)
    bench.install()
    bench.device.answer_prompt(A, accept=True)
    bench.world.advance(5)
    assert bench.device.installed(A)


def test_a_user_is_asked_whether_their_copy_may_be_managed() -> None:
    bench = Bench(supervised=False, prompt_time=None)
    bench.device.user_installs(A)
    assert bench.install(ChangeManagementState="Managed")["State"] == "PromptingForManagement"
    bench.device.answer_prompt(A, accept=False)
    assert bench.listed() == "ManagementRejected"
    assert bench.listed() is None
    assert bench.device.has(A)


def test_a_deleted_app_is_managed_but_uninstalled() -> None:
    bench = Bench()
    bench.install()
    bench.world.advance(5)
    bench.device.user_deletes(A)
    assert bench.listed() == bench.listed() == "ManagedButUninstalled"
    assert not bench.device.has(A)
    bench.install()
    bench.world.advance(5)
    assert bench.device.installed(A)


def test_removing() -> None:
    bench = Bench()
    bench.install()
    bench.world.advance(5)
    assert bench.ask("RemoveApplication", Identifier=bench.bundle_id)["Status"] == "Acknowledged"
    assert not bench.device.has(A)
    again = bench.ask("RemoveApplication", Identifier=bench.bundle_id)
    assert code_of(again) == ("MCMDMErrorDomain", 12029)


def test_a_list_may_be_filtered() -> None:
    bench = Bench()
    bench.install()
    other = bench.ask("ManagedApplicationList", Identifiers=["com.other"])
    assert other["ManagedApplicationList"] == {}
    mine = bench.ask("ManagedApplicationList", Identifiers=[bench.bundle_id])
    assert mine["ManagedApplicationList"][bench.bundle_id]["ManagementFlags"] == 1


def test_device_information() -> None:
    bench = Bench(supervised=False)
    queries = ["SerialNumber", "UDID", "ProductName", "IsSupervised", "NoSuchThing"]
    assert bench.ask("DeviceInformation", Queries=queries)["QueryResponses"] == {
        "SerialNumber": bench.device.serial_number,
        "UDID": bench.device.udid,
        "ProductName": "iPad13,18",
        "IsSupervised": False,
    }


def test_an_unknown_command() -> None:
    assert code_of(Bench().ask("EraseDevice")) == ("MCMDMErrorDomain", 12021)


def test_some_devices_do_not_tell_the_bundle_id() -> None:
    assert "Identifier" not in Bench(tells_identifier=False).install()


# Scripted deeds


def test_not_now_is_parked_and_comes_back_when_the_device_does() -> None:
    bench = Bench(not_now_rest=30)
    bench.device.script.add(script.not_now())
    assert bench.install()["Status"] == "NotNow"
    assert bench.outside.queue(bench.device.udid) == []
    assert bench.device.installs == []
    bench.world.advance(40)
    assert bench.device.installed(A)
    assert [r.command_uuid for r in bench.device.received] == ["install 0"] * 2


def test_an_error_that_heals() -> None:
    bench = Bench(**MAC)
    bench.device.script.add(script.error("ASDServerErrorDomain", 9610, times=2))
    assert code_of(bench.install()) == ("ASDServerErrorDomain", 9610)
    assert code_of(bench.install())[1] == 9610
    assert bench.install()["Status"] == "Acknowledged"


@pytest.mark.parametrize(
    ("planned", "state", "lists"),
    [
        (script.prompting(), "Prompting", ["Prompting", "Prompting"]),
        (script.user_rejected(), "Prompting", ["UserRejected", None]),
        (script.installs_for_ever(), "Installing", ["Installing", "Installing"]),
        (script.install_fails(), "Installing", ["Failed", None]),
    ],
)
def test_installs_that_go_wrong(planned: Planned, state: str, lists: list[str | None]) -> None:
    bench = Bench()
    bench.device.script.add(planned)
    assert bench.install()["State"] == state
    bench.world.advance(3600)
    assert [bench.listed(), bench.listed()] == lists


def test_a_silent_device_gets_the_same_command_again() -> None:
    bench = Bench()
    bench.device.script.add(script.silent())
    assert bench.send(install("u", A)) == []
    assert bench.outside.queue(bench.device.udid) == ["u"]
    assert bench.device.installs == []
    bench.device.connect()
    assert [r.command_uuid for r in bench.device.received] == ["u", "u"]
    assert len(bench.device.installs) == 1


def test_an_install_whose_answer_is_lost() -> None:
    bench = Bench()
    bench.device.script.add(script.installs_silently())
    assert bench.send(install("u", A)) == []
    bench.world.advance(5)
    assert bench.device.installed(A)
    assert bench.outside.queue(bench.device.udid) == ["u"]


def test_an_answer_may_come_twice() -> None:
    bench = Bench()
    bench.device.script.add(script.answers_twice())
    answers = bench.send(install("u", A))
    assert answers == answers[:1] * 2


def test_a_command_that_is_not_understood() -> None:
    bench = Bench()
    bench.device.script.add(script.command_format_error())
    assert bench.install()["Status"] == "CommandFormatError"


def test_deeds_match_the_app_and_the_request_type() -> None:
    bench = Bench()
    bench.device.script.add(
        script.not_now(adam_id="other"),
        script.error("D", 1, times=0, request_type="RemoveApplication"),
    )
    assert bench.install()["Status"] == "Acknowledged"
    for _ in range(3):
        assert code_of(bench.ask("RemoveApplication", Identifier="x")) == ("D", 1)


# Enrolment


def test_an_erased_device_comes_back_without_apps() -> None:
    bench = Bench()
    bench.install()
    bench.world.advance(5)
    bench.device.reenrol(erased=False)
    assert bench.device.installed(A)
    bench.device.reenrol()
    assert bench.listed() is None


def test_a_device_that_leaves_takes_flagged_apps_away_and_hears_no_more() -> None:
    bench = Bench()
    bench.install()
    bench.world.advance(5)
    bench.device.check_out()
    assert not bench.device.has(A)
    bench.outside.post(bench.device.udid, install("late", A))
    bench.world.advance(60)
    assert [r.command_uuid for r in bench.device.received] == ["install 0"]


def test_an_app_without_the_flag_stays_unmanaged() -> None:
    bench = Bench()
    bench.install(ManagementFlags=4)
    bench.world.advance(5)
    bench.device.check_out()
    assert bench.device.has(A)
    assert not bench.device.installed(A)


def test_pushes_in_quick_succession_make_one_connection() -> None:
    bench = Bench()
    for _ in range(5):
        bench.device.wake()
    bench.world.advance(1)
    assert len([t for t in bench.outside.mail.topics if t == "mdm.Connect"]) == 1


def test_a_reply_that_is_no_plist_ends_the_connection() -> None:
    bench = Bench()

    class Odd:
        def checkin(self, device: Device, body: bytes) -> int:
            return 200

        def connect(self, device: Device, body: bytes) -> tuple[int, bytes]:
            assert body == templates.idle(device)
            return 200, b"nonsense"

    bench.device.transport = Odd()
    assert bench.device.connect() == 0


@pytest.mark.parametrize(
    ("product_name", "platform"),
    [
        ("iPad13,18", "iOS"),
        ("iPhone16,1", "iOS"),
        ("Mac14,2", "macOS"),
        ("MacBookPro18,3", "macOS"),
        ("iMac21,1", "macOS"),
        ("AppleTV14,1", "tvOS"),
    ],
)
def test_platforms(product_name: str, platform: str) -> None:
    assert Bench(product_name=product_name).device.platform == platform
