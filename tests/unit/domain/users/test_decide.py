"""What is to be done for a user, and why not more."""

from typing import Any

import pytest

from bridge.domain.catalogue import apple_error
from bridge.domain.pauses import Pause
from bridge.domain.policy import Policy
from bridge.domain.users.decide import decide_user
from bridge.domain.users.facts import LastChange, OpenChange, UserDecision, UserFacts
from bridge.domain.users.invitation import link
from bridge.domain.users.reasons import USER_REASONS, describe_user
from tests.unit.domain_kit import NOW

POLICY = Policy()
EMAIL = "ann@example.org"


def decided(**changes: Any) -> UserDecision:
    """A wanted user whom Apple does not have."""
    values: dict[str, Any] = {
        "wanted": True,
        "retire": False,
        "email": EMAIL,
        "has_own_email": True,
        "managed_apple_id": None,
        "told_email": None,
        "told_managed_apple_id": None,
        "status": None,
        "ours": False,
    }
    found = decide_user(UserFacts(**{**values, **changes}), POLICY, NOW)
    assert found.reason in USER_REASONS
    return found


def is_so(**changes: Any) -> tuple[str, str, str | None]:
    found = decided(**changes)
    return found.state, found.reason, found.ask


def failed(number: int | None, times: int = 1, kind: Any = "CREATE") -> LastChange:
    return LastChange(kind, "failed", number, NOW - 1, times)


HAS: dict[str, Any] = {"status": "Registered", "told_email": EMAIL, "ours": True}
PAUSE = Pause("location", "hq", since=NOW)


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ({}, ("creating", "ASKING", "CREATE")),
        ({"email": None}, ("waiting", "NO_EMAIL", None)),
        ({"read": False}, ("waiting", "USERS_UNREAD", None)),
        ({"registered": False}, ("waiting", "LOCATION_STARTING", None)),
        ({"suspended": "TOKEN_EXPIRED"}, ("waiting", "TOKEN_EXPIRED", None)),
        ({"pause": PAUSE}, ("waiting", "PAUSED", None)),
        ({"open": OpenChange("CREATE", "ready")}, ("creating", "ASKING", None)),
        ({"open": OpenChange("CREATE", "ready"), "pause": PAUSE}, ("waiting", "PAUSED", None)),
        ({"open": OpenChange("UPDATE", "open")}, ("updating", "ASKED", None)),
        ({"open": OpenChange("RETIRE", "in_doubt")}, ("retiring", "IN_DOUBT", None)),
        (HAS, ("registered", "INVITED", None)),
        ({**HAS, "status": "Created"}, ("registered", "INVITED", None)),
        ({**HAS, "status": "Associated"}, ("associated", "ASSOCIATED", None)),
        ({**HAS, "told_email": "old@example.org"}, ("updating", "ASKING", "UPDATE")),
        ({**HAS, "wanted": False}, ("registered", "KEPT", None)),
        ({**HAS, "wanted": False, "ours": False}, ("registered", "FOREIGN", None)),
        ({**HAS, "wanted": False, "retire": True}, ("retiring", "ASKING", "RETIRE")),
        ({**HAS, "status": "Retired"}, ("creating", "ASKING", "CREATE")),
        ({"status": "Retired", "wanted": False, "retire": True}, ("retired", "RETIRED", None)),
    ],
)
def test_every_state(facts: dict[str, Any], expected: tuple[str, str, str | None]) -> None:
    assert is_so(**facts) == expected


def test_an_address_that_stands_in_replaces_none() -> None:
    facts = {**HAS, "told_email": "real@example.org", "has_own_email": False}
    assert is_so(**facts) == ("registered", "INVITED", None)


@pytest.mark.parametrize(
    ("facts", "ask"),
    [
        ({"status": "Registered"}, "UPDATE"),
        ({"status": "Registered", "told_managed_apple_id": "a@mid.example.org"}, None),
        ({"status": "Associated"}, None),
        ({"status": "Associated", "told_managed_apple_id": "old@mid.example.org"}, "UPDATE"),
    ],
)
def test_an_account_is_told_to_who_has_none_or_another_of_ours(
    facts: dict[str, Any], ask: str | None
) -> None:
    assert decided(**{**HAS, "managed_apple_id": "a@mid.example.org", **facts}).ask == ask


@pytest.mark.parametrize(
    ("last", "expected"),
    [
        (failed(9717), ("failed", "BAD_EMAIL", None)),
        (failed(9635), ("failed", "ACCOUNT_REFUSED", None)),
        (failed(9641), ("failed", "ACCOUNT_TAKEN", None)),
        (failed(9715), ("failed", "USER_REFUSED", None)),
        (failed(9603), ("waiting", "APPLE_BUSY", None)),
        (failed(9603, 99), ("waiting", "APPLE_BUSY", None)),
        (failed(9999), ("waiting", "USER_RETRY", None)),
        (failed(9999, 6), ("failed", "USER_REFUSED", None)),
        (failed(9717, kind="UPDATE"), ("creating", "ASKING", "CREATE")),
        (LastChange("CREATE", "missing", None, NOW - 1, 0), ("creating", "ASKING", "CREATE")),
    ],
)
def test_what_follows_a_refusal(last: LastChange, expected: tuple[str, str, str | None]) -> None:
    assert is_so(last=last) == expected


@pytest.mark.parametrize("number", [9609, 9618, 9620, 9636, 9716])
def test_where_apple_knows_otherwise_the_user_is_read(number: int) -> None:
    found = decided(last=failed(number))
    assert (found.reason, found.look) == ("USER_RETRY", True)
    assert apple_error(number).cause in found.detail


def test_every_reason_has_its_words() -> None:
    for reason in USER_REASONS:
        said = describe_user(reason, user="ann", location="hq", detail="because")
        assert not any("{" in text for text in said)


APPLES = "https://buy.itunes.apple.com/wa/associate?inviteCode=%25inviteCode%25&mt=8"


@pytest.mark.parametrize(
    ("template", "code", "expected"),
    [
        (APPLES, "c0de", "https://buy.itunes.apple.com/wa/associate?inviteCode=c0de&mt=8"),
        (APPLES, "c&de", "https://buy.itunes.apple.com/wa/associate?inviteCode=c%26de&mt=8"),
        (APPLES, None, None),
        (None, "c0de", None),
        ("https://apple.com.example.org/?c=%25inviteCode%25", "c0de", None),
        ("http://buy.itunes.apple.com/?c=%25inviteCode%25", "c0de", None),
        ("https://buy.itunes.apple.com/", "c0de", None),
    ],
)
def test_only_a_link_of_apples_is_shown(
    template: str | None, code: str | None, expected: str | None
) -> None:
    assert link(template, code) == expected
