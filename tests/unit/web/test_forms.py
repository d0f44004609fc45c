"""What a value in a request must be like, and what is said of one that is not."""

import pytest

from bridge.web.v1 import forms
from bridge.web.v1.endpoints import ENDPOINTS
from bridge.web.v1.request import Member, members

MEMBERS = {
    f"{call.asks.__name__}.{member.name}": member
    for call in ENDPOINTS
    for member in members(call.asks)
}
TEXTS = [each for each in MEMBERS.values() if each.schema.get("type") == "string"]


def refused(member: Member, value: object) -> str:
    with pytest.raises(member.form.error) as caught:
        member.form.read(value, member.type)
    assert caught.value.description
    return caught.value.description


@pytest.mark.parametrize("member", MEMBERS.values(), ids=MEMBERS)
@pytest.mark.parametrize("value", [None, "", "\n", "\ud800", "🙈" * 99, [[]], {"a": {1: 2}}, -0.5])
def test_nothing_but_its_form_passes(member: Member, value: object) -> None:
    """Whatever JSON can hold is read, or refused with a sentence."""
    if member.type in (forms.Groups, forms.Apps) and isinstance(value, dict | list):
        return
    if member.type == MEMBERS["Claim.mdm_name"].type and value == "🙈" * 99:
        return  # an MDM may be called so
    if isinstance(value, str) or member.name not in ("id", "limit", "enrolled"):
        assert refused(member, value).endswith(".")


@pytest.mark.parametrize("member", TEXTS, ids=lambda member: member.name)
@pytest.mark.parametrize("good", ["C02XL0GYJGH5", "1", "hq", "read", "installed", "apple", "done"])
def test_a_line_end_is_no_part_of_a_text(member: Member, good: str) -> None:
    try:
        member.form.read(good, member.type)
    except member.form.error:
        return
    assert refused(member, good + "\n")


COUNT = MEMBERS["Apply.allow_removals"]


@pytest.mark.parametrize(("value", "is_read"), [(5, 5), (5.0, 5), (0, 0), (1e9, 10**9)])
def test_json_has_one_kind_of_number(value: float, is_read: int) -> None:
    found = COUNT.form.read(value, COUNT.type)
    assert (found, type(found)) == (is_read, int)


@pytest.mark.parametrize("value", [True, "5", 1.5, -1, None, 10**9 + 1, 2**70, 1e300])
def test_a_count_is_nothing_else(value: object) -> None:
    assert refused(COUNT, value) == "A count is a whole number from 0 to 1000000000."


@pytest.mark.parametrize("value", [1, "true", False])
def test_everything_is_paused_by_true_alone(value: object) -> None:
    assert refused(MEMBERS["OfScope.all"], value).startswith("Here only true makes sense")


def test_another_word_is_answered_with_the_nearest_or_with_all() -> None:
    said = refused(MEMBERS["ListInstalls.state"], "instaled")
    assert said == "The state 'instaled' is unknown; did you mean installed."
    said = refused(MEMBERS["Sync.what"], "xyz")
    known = "assets, assignments, users, subscriptions, devices, all"
    assert said == f"The what 'xyz' is unknown; known are {known}."


def test_a_reason_may_be_written_small() -> None:
    reason = MEMBERS["ListInstalls.reason"]
    assert reason.form.read("no_seat", reason.type) == "NO_SEAT"
