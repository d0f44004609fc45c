"""Deciding, from the wish to the licence: every branch, with its state, reason, steps and time."""

from dataclasses import replace

import pytest

from bridge.domain.decision import CancelElsewhere, Decision, ReadAssignment, TakeSeat
from bridge.domain.facts import Facts, Licence, LocationFacts
from bridge.domain.installs.options import Options
from bridge.domain.policy import Policy
from tests.unit.domain_kit import (
    DAY,
    HELD,
    HOUR,
    MINUTE,
    NOW,
    POLICY,
    SERIAL,
    asset,
    decided,
    device,
    facts,
    install,
    licensed,
    report,
)

EARLY = replace(POLICY, associate=replace(POLICY.associate, before_enrolment=True))
STOPPED = LocationFacts("hq", ready=True, suspended="TOKEN_EXPIRED", suspended_detail="it said so")
TAKE = (TakeSeat(),)


def refused(number: int | None, *, ago: float = 1.0, times: int = 1) -> Licence:
    """Apple said no `times` in a row, last `ago` seconds ago."""
    return Licence("refused", NOW - ago, error_number=number, refusals=times)


def taken(times: int, *, ago: float = MINUTE) -> Licence:
    """Others took the licence away `times` times, last `ago` seconds ago."""
    return Licence("taken", NOW - ago, times_taken=times)


NEVER_SHOWN = "no MDM server has shown it with this serial number"
NOT_SHOWN = "main knows it, and does not show it as enrolled"
ENROLLING = "it began to enrol with main, and its TokenUpdate has not come yet"

CASES: dict[str, tuple[Facts, Decision]] = {
    "a device nobody has shown": (
        facts(device=None),
        Decision("waiting", "NOT_ENROLLED", NEVER_SHOWN),
    ),
    "a device that left": (
        facts(device=device(enrolled=False, token_stamp=NOW - 9, checkout_stamp=NOW - 8)),
        Decision("waiting", "NOT_ENROLLED", "it left main (CheckOut)"),
    ),
    "a device that began to enrol": (
        facts(device=device(enrolled=False, authenticate_stamp=NOW - 8)),
        Decision("waiting", "NOT_ENROLLED", ENROLLING),
    ),
    "a device that left, and begins to enrol anew": (
        facts(
            device=device(
                enrolled=False,
                token_stamp=NOW - 10,
                checkout_stamp=NOW - 9,
                authenticate_stamp=NOW - 8,
            )
        ),
        Decision("waiting", "NOT_ENROLLED", ENROLLING),
    ),
    "a device that began to enrol, and left": (
        facts(device=device(enrolled=False, authenticate_stamp=NOW - 8, checkout_stamp=NOW - 7)),
        Decision("waiting", "NOT_ENROLLED", "it left main (CheckOut)"),
    ),
    "a device of which nobody knows whether it is enrolled": (
        facts(device=device(enrolled=None)),
        Decision("waiting", "NOT_ENROLLED", NOT_SHOWN),
    ),
    "a user-enrolled device has no UDID": (
        facts(install=install(target="enrolment:E"), device=device(udid=None, enrollment_id="E")),
        Decision(
            "failed",
            "USER_LICENSE_NEEDED",
            "a user enrolment tells no serial number, and a licence of a device goes to one",
        ),
    ),
    "a licensed install of a device that left": (
        licensed(device=device(enrolled=False)),
        Decision("waiting", "NOT_ENROLLED", NOT_SHOWN),
    ),
    "a location of which nothing is known": (
        facts(location=None),
        Decision("waiting", "LOCATION_STARTING", "it has not been read yet"),
    ),
    "a location that is being read": (
        facts(location=LocationFacts("hq", ready=False)),
        Decision("waiting", "LOCATION_STARTING", "it has not been read yet"),
    ),
    "a location that is being read, with a reason": (
        facts(location=LocationFacts("hq", ready=False, suspended_detail="why")),
        Decision("waiting", "LOCATION_STARTING", "why"),
    ),
    "a location whose token expired": (
        facts(location=STOPPED),
        Decision("waiting", "TOKEN_EXPIRED", "it said so"),
    ),
    "a location that stopped before it was read": (
        facts(location=LocationFacts("hq", ready=False, suspended="FOREIGN_MDM")),
        Decision("waiting", "FOREIGN_MDM"),
    ),
    "a refused licence waits for the location first": (
        facts(location=STOPPED, licence=refused(9610)),
        Decision("waiting", "TOKEN_EXPIRED", "it said so"),
    ),
    "an open request does not wait for the location": (
        facts(location=STOPPED, licence=Licence("open", NOW, event_id="ev-1")),
        Decision("associating", "ASSOCIATE_REQUESTED", "event ev-1"),
    ),
    "a pair that is being collected": (
        facts(licence=Licence("collected", NOW)),
        Decision("associating", "ASSOCIATE_COLLECTING"),
    ),
    "a request without an event yet": (
        facts(licence=Licence("open", NOW)),
        Decision("associating", "ASSOCIATE_REQUESTED"),
    ),
    "a request in doubt": (
        facts(licence=Licence("in_doubt", NOW)),
        Decision("associating", "ASSOCIATE_IN_DOUBT"),
    ),
    "no licence, seats free": (
        facts(),
        Decision("waiting", "SEAT_PENDING", steps=TAKE),
    ),
    "no licence, the last seat": (
        facts(free_seats=1),
        Decision("waiting", "SEAT_PENDING", steps=TAKE),
    ),
    "no licence, no limit": (
        facts(free_seats=None, asset=asset(unlimited=True, available=None, total=None)),
        Decision("waiting", "SEAT_PENDING", steps=TAKE),
    ),
    "no licence, no seat": (
        facts(free_seats=0),
        Decision("waiting", "NO_SEAT", "0 of 10 free", steps=TAKE),
    ),
    "no licence, more given away than counted": (
        facts(free_seats=-3),
        Decision("waiting", "NO_SEAT", "0 of 10 free", steps=TAKE),
    ),
    "an app that was never bought": (
        facts(asset=None),
        Decision("waiting", "NOT_PURCHASED"),
    ),
    "an app that goes to users only": (
        facts(asset=asset(device_assignable=False)),
        Decision("failed", "NOT_DEVICE_ASSIGNABLE"),
    ),
    "refused: users only": (
        facts(licence=refused(9707)),
        Decision("failed", "NOT_DEVICE_ASSIGNABLE", "the app cannot be assigned to devices (9707)"),
    ),
    "refused: cannot be taken back": (
        facts(licence=refused(9706)),
        Decision("failed", "NOT_REVOCABLE", "the licence cannot be taken back (9706)"),
    ),
    "refused for want of seats, just now": (
        facts(licence=refused(9709)),
        Decision(
            "waiting", "NO_SEAT", "Apple has no licence left (9709)", recheck_at=NOW - 1 + HOUR
        ),
    ),
    "refused for want of seats, and counted since": (
        facts(licence=refused(9709, ago=MINUTE + 1)),
        Decision("waiting", "SEAT_PENDING", steps=TAKE),
    ),
    "refused for want of seats, counted at that very moment": (
        facts(licence=refused(9709, ago=MINUTE)),
        Decision(
            "waiting", "NO_SEAT", "Apple has no licence left (9709)", recheck_at=NOW - MINUTE + HOUR
        ),
    ),
    "refused for want of seats, a second short of an hour ago": (
        facts(
            licence=refused(9709, ago=HOUR - 1),
            asset=asset(read_at=NOW - DAY, counted_at=NOW - DAY),
        ),
        Decision("waiting", "NO_SEAT", "Apple has no licence left (9709)", recheck_at=NOW + 1),
    ),
    "refused for want of seats an hour ago": (
        facts(
            licence=refused(9709, ago=HOUR), asset=asset(read_at=NOW - DAY, counted_at=NOW - DAY)
        ),
        Decision("waiting", "SEAT_PENDING", steps=TAKE),
    ),
    "refused for want of seats, and the app is gone": (
        facts(licence=refused(9709, ago=HOUR), asset=None),
        Decision("waiting", "NOT_PURCHASED"),
    ),
    "Apple was busy": (
        facts(licence=refused(9603)),
        Decision("waiting", "APPLE_BUSY", "Apple had an internal error (9603)", recheck_at=NOW + 9),
    ),
    "Apple was busy, ten seconds ago": (
        facts(licence=refused(9603, ago=10)),
        Decision("waiting", "SEAT_PENDING", steps=TAKE),
    ),
    "refused for the second time": (
        facts(licence=refused(9610, times=2)),
        Decision(
            "waiting",
            "LICENSE_RETRY",
            "Apple did not find the licence (9610)",
            steps=(ReadAssignment(),),
            recheck_at=NOW + 59,
        ),
    ),
    "refused, and looked up since": (
        facts(licence=replace(refused(9610, times=2), read_at=NOW - 1)),
        Decision(
            "waiting", "LICENSE_RETRY", "Apple did not find the licence (9610)", recheck_at=NOW + 59
        ),
    ),
    "refused, and looked up before": (
        facts(licence=replace(refused(9610), read_at=NOW - 2)),
        Decision(
            "waiting",
            "LICENSE_RETRY",
            "Apple did not find the licence (9610)",
            steps=(ReadAssignment(),),
            recheck_at=NOW + 9,
        ),
    ),
    "refused for a mistake of ours": (
        facts(licence=refused(9703)),
        Decision("failed", "APPLE_REFUSED", "an asset stood twice in one request (9703)"),
    ),
    "Apple is busy, however often": (
        facts(licence=refused(9646, times=99)),
        Decision(
            "waiting",
            "APPLE_BUSY",
            "Apple asks for fewer requests (9646)",
            recheck_at=NOW - 1 + HOUR,
        ),
    ),
    "taken away for the first time": (
        facts(licence=taken(1)),
        Decision("waiting", "LICENSE_TAKEN", recheck_at=NOW - MINUTE + HOUR),
    ),
    "taken away for the second time": (
        facts(licence=taken(2)),
        Decision("waiting", "LICENSE_TAKEN", recheck_at=NOW - MINUTE + DAY),
    ),
    "taken away for the third time": (
        facts(licence=taken(3)),
        Decision("needs_user", "TAKEN_AWAY"),
    ),
    "taken away, an hour ago": (
        facts(licence=taken(1, ago=HOUR)),
        Decision("waiting", "SEAT_PENDING", steps=TAKE),
    ),
    "taken away at a location that stopped": (
        facts(licence=taken(1), location=STOPPED),
        Decision("waiting", "TOKEN_EXPIRED", "it said so"),
    ),
    "refused for the fifth time": (
        facts(licence=refused(4711, ago=HOUR - 1, times=5)),
        Decision(
            "waiting",
            "LICENSE_RETRY",
            "Apple gave a reason that is not known (4711)",
            recheck_at=NOW + 1,
        ),
    ),
    "refused for the sixth time": (
        facts(licence=refused(4711, ago=DAY, times=6)),
        Decision("failed", "APPLE_REFUSED", "Apple gave a reason that is not known (4711)"),
    ),
    "refused without a number": (
        facts(licence=refused(None)),
        Decision(
            "waiting", "LICENSE_RETRY", "Apple gave a reason that is not known", recheck_at=NOW + 9
        ),
    ),
    "refused, nobody knows when": (
        facts(licence=Licence("refused", None, error_number=9603, refusals=1)),
        Decision(
            "waiting", "APPLE_BUSY", "Apple had an internal error (9603)", recheck_at=NOW + 10
        ),
    ),
    "only the licence is wanted": (
        licensed(options=Options(mode="license_only")),
        Decision("licensed", "LICENSED"),
    ),
    "only the licence is wanted, and not there": (
        facts(options=Options(mode="license_only")),
        Decision("waiting", "SEAT_PENDING", steps=TAKE),
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_the_road_to_the_licence(case: str) -> None:
    fact, expected = CASES[case]
    assert decided(fact) == expected


EARLY_CASES: dict[str, tuple[Facts, Decision]] = {
    "a device nobody has shown gets its licence": (
        facts(device=None),
        Decision("waiting", "SEAT_PENDING", steps=TAKE),
    ),
    "then it waits": (
        licensed(device=None),
        Decision("waiting", "NOT_ENROLLED", NEVER_SHOWN),
    ),
    "license_only needs no device at all": (
        licensed(device=None, options=Options(mode="license_only")),
        Decision("licensed", "LICENSED"),
    ),
}


@pytest.mark.parametrize("case", EARLY_CASES)
def test_a_licence_may_come_before_the_enrolment(case: str) -> None:
    fact, expected = EARLY_CASES[case]
    assert decided(fact, EARLY) == expected


@pytest.mark.parametrize("tries", range(1, 6))
def test_the_wait_after_each_refusal_comes_from_the_policy(tries: int) -> None:
    wait = POLICY.associate.retry[tries - 1]
    decision = decided(facts(licence=refused(9646, ago=0, times=tries)))
    assert decision.recheck_at == NOW + wait
    assert decided(facts(licence=refused(9646, ago=wait, times=tries))).steps == TAKE


def test_no_retry_at_all_may_be_configured() -> None:
    never = replace(POLICY, associate=replace(POLICY.associate, retry=()))
    assert decided(facts(licence=refused(4711)), never).state == "failed"


@pytest.mark.parametrize("fact", [licensed(), licensed(device=device(last_seen_at=1.0)), facts()])
def test_what_another_device_was_sent_is_left_behind(fact: Facts) -> None:
    decision = decided(fact)
    with_it = decided(replace(fact, elsewhere="ELSEWHERE"))
    assert with_it == replace(decision, steps=(CancelElsewhere("ELSEWHERE"), *decision.steps))


def test_deciding_is_pure() -> None:
    fact = licensed()
    assert decided(fact) == decided(fact)
    assert Policy() == POLICY
    assert (fact.licence, fact.install.target) == (HELD, SERIAL)


def test_what_is_held_waits_whatever_else_is_so() -> None:
    on_hold = install(on_hold="NOT_PLANNED")
    waits = Decision("waiting", "NOT_PLANNED")
    assert decided(facts(install=on_hold)) == waits
    assert decided(licensed(install=on_hold)) == waits
    assert decided(facts(install=on_hold, device=None)) == waits
    assert decided(facts(install=install(on_hold="NOT_PLANNED", desired=False))).state == "removed"


def test_an_app_for_another_platform_takes_no_seat_and_is_not_sent() -> None:
    mac = device(product_name="MacBookPro16,1")
    detail = "its product is MacBookPro16,1, and the app is for iOS, tvOS"
    failed = Decision("failed", "WRONG_PLATFORM", detail)
    elsewhere = asset(platforms="tvOS,iOS")
    assert decided(facts(device=mac, asset=elsewhere)) == failed
    assert decided(licensed(device=mac, asset=elsewhere)) == failed


@pytest.mark.parametrize("platforms", ["iOS", "iOS,macOS", "", None])
def test_an_app_for_this_platform_or_for_no_known_one_goes_on(platforms: str | None) -> None:
    assert decided(facts(asset=asset(platforms=platforms))).reason == "SEAT_PENDING"


def test_what_runs_nevertheless_is_not_called_impossible() -> None:
    its = report("Managed")
    found = decided(licensed(asset=asset(platforms="tvOS"), report=its))
    assert found.state == "installed"
