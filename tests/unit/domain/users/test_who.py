"""Who is meant by a group of users, where users are registered, and with which e-mail."""

from typing import Any

import pytest

from bridge.domain.desired.desired import AppWish, Desired, Group
from bridge.domain.desired.roster import Roster
from bridge.domain.devices.targets import of_enrolment, of_user, user_of
from bridge.domain.model import Device
from bridge.domain.users.email import Email, EmailRule, host_name
from bridge.domain.users.registration import registrations
from bridge.domain.users.wish import UserWish
from tests.unit.domain_kit import device

ANN = UserWish("ann", "ann@example.org", serials=("A1", "A2"), enrollment_ids=("ann-phone",))
BEN = UserWish("ben", managed_apple_id="ben@mid.example.org", serials=("B1",))
CLEO = UserWish("cleo", location="branch")
USERS = (ANN, BEN, CLEO)
PHONE = of_enrolment("ann-phone")


def app(**changes: Any) -> AppWish:
    return AppWish(**{"adam_id": "1", "groups": ("g",), "location": "hq", **changes})


def desired(group: Group, *apps: AppWish) -> Desired:
    return Desired((group, Group("everyone", all=True)), apps, USERS)


def roster(group: Group) -> Roster:
    devices: dict[str, Device | None] = {
        serial: device(serial_number=serial) for serial in ("A1", "A2", "B1", "C1")
    }
    phone = device(serial_number=None, udid=None, enrollment_id="ann-phone")
    return Roster(desired(group).meant, devices | {PHONE: phone})


def sure(group: Group, **changes: Any) -> set[str]:
    return set(roster(group).getting(app(**changes)).sure)


def test_a_group_of_users_means_all_their_devices() -> None:
    assert sure(Group("g", users=("ann",))) == {"A1", "A2", PHONE}
    assert sure(Group("g", all_users=True)) == {"A1", "A2", "B1", PHONE}


def test_no_rule_means_a_user_enrolment_but_all_excludes_it() -> None:
    assert sure(Group("g", all=True)) == {"A1", "A2", "B1", "C1"}
    assert roster(Group("g", all=True)).members("g") == {"A1", "A2", "B1", "C1"}
    assert sure(Group("g", users=("ann",)), exclude=("everyone",)) == set()


def test_a_desired_state_is_read_back_with_its_users() -> None:
    state = desired(Group("g", users=("ann",)), app(license_to="user"))
    assert Desired.from_json(state.as_json()) == state
    assert state.user_of == {"A1": "ann", "A2": "ann", PHONE: "ann", "B1": "ben"}


def where(group: Group, *apps: AppWish) -> dict[str, list[str]]:
    found = registrations(desired(group, *apps))
    return {name: [user.client_user_id for user in users] for name, users in found.items()}


@pytest.mark.parametrize(
    ("group", "wish", "expected"),
    [
        (Group("g", all_users=True), {}, {"branch": ["cleo"]}),
        (Group("g", all_users=True), {"license_to": "user"}, {"hq": ["ann", "ben"]}),
        (Group("g", users=("ben",)), {"license_to": "user"}, {"hq": ["ben"]}),
        (Group("g", serials=("A2", "C1")), {"license_to": "user"}, {"hq": ["ann"]}),
        (Group("g", all_users=True), {"license_to": "auto"}, {"hq": ["ann"]}),
        (Group("g", all=True), {"license_to": "user"}, {}),
    ],
)
def test_users_are_registered_where_something_is_for_them(
    group: Group, wish: dict[str, Any], expected: dict[str, list[str]]
) -> None:
    assert where(group, app(**wish)) == {"branch": ["cleo"], **expected}


def test_a_user_is_registered_wherever_a_licence_may_come_from() -> None:
    wish = app(license_to="user", fallbacks=("branch",))
    assert where(Group("g", users=("ann", "cleo")), wish) == {
        "hq": ["ann"],
        "branch": ["ann", "cleo"],
    }


RULE = EmailRule({"hq": "it@example.org"}, "bridge.example.org")


def test_the_address_is_the_first_that_there_is() -> None:
    own = UserWish("a", "a@example.org", "a@mid.example.org")
    assert RULE.email(own, "hq") == Email("a@example.org", "own")
    assert RULE.email(BEN, "hq") == Email("ben@mid.example.org", "managed_apple_id")
    assert RULE.email(CLEO, "hq") == Email("it@example.org", "location")
    assert RULE.email(CLEO, "branch") == Email("email.not.set@bridge.example.org", "host")
    assert EmailRule().email(CLEO, "hq") is None


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://bridge.example.org/below", "bridge.example.org"),
        ("https://192.0.2.1:9008", None),
        ("https://[2001:db8::1]", None),
        ("http://localhost:9008", None),
        (None, None),
    ],
)
def test_only_a_host_with_a_name_makes_an_address(url: str | None, host: str | None) -> None:
    assert host_name(url) == host


def test_a_target_stands_for_a_user_or_a_device() -> None:
    assert user_of(of_user("client-100")) == "client-100"
    assert user_of("C02XL0GYJGH5") is None
    assert user_of(PHONE) is None
