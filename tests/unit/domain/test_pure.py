"""The small pure functions: waiting times, seats, wishes, and what a device is."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.domain.backoff import doubling, last_delay_for_ever, nth_delay
from bridge.domain.desired.desired import AppWish, Desired, Group
from bridge.domain.desired.match import Match
from bridge.domain.licences.allocate import Demand, allocate
from bridge.domain.model import INSTALL_STATES
from bridge.domain.policy import Policy
from tests.unit.domain_kit import NOW, device

DELAYS = (20.0, 40.0, 120.0)


@pytest.mark.parametrize(
    ("tries", "nth", "for_ever"),
    [(0, None, 20), (1, 20, 20), (2, 40, 40), (3, 120, 120), (4, None, 120), (99, None, 120)],
)
def test_waits(tries: int, nth: float | None, for_ever: float) -> None:
    assert nth_delay(DELAYS, tries) == nth
    assert last_delay_for_ever(DELAYS, tries) == for_ever


def test_no_waits_no_retries() -> None:
    assert nth_delay((), 1) is None


@pytest.mark.parametrize(
    ("last", "due"),
    [
        (0, 15),  # never looked: first_after
        (15, 30),
        (30, 60),
        (60, 120),
        (16, 32),
        (5, 20),  # looked too early: no closer than first_after
        (1000, 1600),  # at_most
    ],
)
def test_looks_at_doubled_gaps(last: float, due: float) -> None:
    assert doubling(NOW, NOW + last, 15, 600) == NOW + due


@given(st.floats(0, 1e6), st.floats(0, 1e6))
def test_a_look_is_never_further_than_the_most(since: float, most: float) -> None:
    due = doubling(0.0, since, 15.0, most)
    assert since <= due <= since + most


DEMANDS = st.lists(
    st.builds(Demand, st.integers(1, 99), st.integers(-2, 2), st.sampled_from([1.0, 2.0])),
    unique_by=lambda d: d.install_id,
)


@given(DEMANDS, st.integers(-3, 10))
def test_never_more_seats_than_are_free(demands: list[Demand], free: int) -> None:
    granted = allocate(demands, free)
    assert len(granted) == min(len(demands), max(free, 0))
    assert len(set(granted)) == len(granted)
    waiting = set(demands) - set(granted)
    assert all(
        (-g.priority, g.since, g.install_id) < (-w.priority, w.since, w.install_id)
        for g in granted
        for w in waiting
    )


@given(DEMANDS)
def test_an_unlimited_asset_is_for_all(demands: list[Demand]) -> None:
    assert set(allocate(demands, None)) == set(demands)


def test_priority_then_age_then_id() -> None:
    demands = [Demand(1, 0, 5.0), Demand(2, 0, 4.0), Demand(3, 1, 9.0), Demand(4, 0, 4.0)]
    assert [d.install_id for d in allocate(demands, 3)] == [3, 2, 4]
    assert [d.install_id for d in allocate(reversed(demands), None)] == [3, 2, 4, 1]


WORDS = st.text(max_size=5)
NAMES = st.lists(WORDS, max_size=3).map(tuple)
JSON_VALUES = st.dictionaries(WORDS, st.integers() | WORDS | st.lists(WORDS), max_size=3)
WISHES = st.builds(
    Desired,
    groups=st.lists(
        st.builds(Group, WORDS, NAMES, st.booleans(), st.none() | st.builds(Match, WORDS, WORDS)),
        max_size=3,
    ).map(tuple),
    apps=st.lists(
        st.builds(
            AppWish,
            WORDS,
            NAMES,
            WORDS,
            name=st.none() | WORDS,
            exclude=NAMES,
            fallbacks=NAMES,
            mode=st.sampled_from(["install", "license_only"]),
            priority=st.integers(),
            on_unwanted=st.sampled_from(["keep", "release", "remove"]),
            bundle_id=st.none() | WORDS,
            take_over=st.booleans(),
            configuration=JSON_VALUES,
            attributes=JSON_VALUES,
        ),
        max_size=3,
    ).map(tuple),
)


@given(WISHES)
def test_wishes_survive_being_stored(desired: Desired) -> None:
    assert Desired.from_json(json.loads(json.dumps(desired.as_json()))) == desired


def test_nothing_is_wanted_of_an_empty_document() -> None:
    assert Desired.from_json({}) == Desired()


@pytest.mark.parametrize(
    ("product_name", "is_mac"),
    [
        ("MacBookAir10,1", True),
        ("Mac14,2", True),
        ("iMac21,1", True),
        ("Macmini9,1", True),
        ("MacPro7,1", True),
        ("iPad14,1", False),
        ("iPhone14,5", False),
        ("AppleTV11,1", False),
        ("", False),
        (None, False),
    ],
)
def test_what_a_mac_is(product_name: str | None, is_mac: bool) -> None:
    assert device(product_name=product_name).is_mac is is_mac


@pytest.mark.parametrize(
    ("facts", "known"),
    [
        ({"apps_listed_at": NOW, "apps_enrolment": 2}, True),
        ({"apps_listed_at": NOW, "apps_enrolment": 1}, False),
        ({"apps_listed_at": None, "apps_enrolment": 2}, False),
        ({"apps_listed_at": 0.0, "apps_enrolment": 2}, True),
    ],
)
def test_a_list_counts_for_its_enrolment(facts: dict[str, float | None], known: bool) -> None:
    assert device(enrolment=2, **facts).apps_known is known


@pytest.mark.parametrize(
    ("product_name", "facts_at", "described"),
    [("iPad14,1", None, True), (None, NOW, True), (None, None, False)],
)
def test_a_device_is_described_once_it_was_asked(
    product_name: str | None, facts_at: float | None, described: bool
) -> None:
    assert device(product_name=product_name, facts_at=facts_at).is_described is described


def test_the_states_are_those_of_the_contract() -> None:
    assert " ".join(INSTALL_STATES) == (
        "waiting associating licensed sending sent acknowledged installing installed unconfirmed "
        "failed conflict needs_user removing removed"
    )


def test_defaults_that_others_rely_on() -> None:
    policy = Policy()
    assert (policy.event_status.first_after, policy.event_status.min_interval) == (30, 30)
    assert (policy.associate.collect_for, policy.associate.in_doubt_wait) == (2, 600)
    assert policy.associate.before_enrolment is False
    command = policy.command
    assert (command.in_doubt_after, command.after_connect_delay, command.window) == (60, 0.1, 200)
    assert (policy.install.max_open_per_device, policy.install.max_per_minute) == (1, None)
    assert policy.install.license_retry == (20, 40, 120, 600, 3600, 21600)
    assert policy.verify.first_after == 15
    assert policy.limits.mdm_body == 8 * policy.limits.apple_body == 8 * 1024**2
    assert policy.limits.api_body == 1024**2
    assert (policy.prompts.quiet_hours, policy.time_zone) == (None, "UTC")
    assert policy.retention.duplicates > policy.retention.events
