"""When people may be asked, over midnight and over the changes of summer time."""

from dataclasses import replace
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from bridge.domain.policy import PromptsPolicy
from bridge.domain.quiet_hours import moment, next_allowed
from tests.unit.domain_kit import NOW, POLICY

BERLIN = ZoneInfo("Europe/Berlin")


def at(text: str, zone: ZoneInfo = BERLIN, fold: int = 0) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=zone, fold=fold).timestamp()


def allowed(when: float, hours: str | None, zone: str = "Europe/Berlin") -> float:
    policy = replace(POLICY, prompts=PromptsPolicy(quiet_hours=hours), time_zone=zone)
    return next_allowed(when, policy)


NIGHT = "22:00-07:00"


@pytest.mark.parametrize(
    ("hours", "asked", "answer"),
    [
        (None, "2027-01-15 03:00", "2027-01-15 03:00"),
        (NIGHT, "2027-01-15 21:59:59", "2027-01-15 21:59:59"),
        (NIGHT, "2027-01-15 22:00", "2027-01-16 07:00"),
        (NIGHT, "2027-01-15 23:59:59", "2027-01-16 07:00"),
        (NIGHT, "2027-01-16 00:00", "2027-01-16 07:00"),
        (NIGHT, "2027-01-16 06:59:59", "2027-01-16 07:00"),
        (NIGHT, "2027-01-16 07:00", "2027-01-16 07:00"),
        (NIGHT, "2027-12-31 23:00", "2028-01-01 07:00"),
        ("08:00-15:30", "2027-01-15 08:00", "2027-01-15 15:30"),
        ("08:00-15:30", "2027-01-15 07:59", "2027-01-15 07:59"),
        ("08:00-15:30", "2027-01-15 15:30", "2027-01-15 15:30"),
        ("00:00-06:00", "2027-01-15 00:00", "2027-01-15 06:00"),
        ("22:00-00:00", "2027-01-15 22:00", "2027-01-16 00:00"),
        # Summer time begins on 28 March at 02:00 and ends on 31 October at 03:00.
        (NIGHT, "2027-03-27 23:00", "2027-03-28 07:00"),
        (NIGHT, "2027-03-28 03:30", "2027-03-28 07:00"),
        (NIGHT, "2027-10-30 23:00", "2027-10-31 07:00"),
    ],
)
def test_the_wall_clock_counts(hours: str | None, asked: str, answer: str) -> None:
    assert allowed(at(asked), hours) == at(answer)


def test_a_night_is_as_long_as_the_clock_makes_it() -> None:
    spring, autumn = at("2027-03-27 22:00"), at("2027-10-30 22:00")
    assert allowed(spring, NIGHT) - spring == 8 * 3600
    assert allowed(autumn, NIGHT) - autumn == 10 * 3600


def test_an_hour_that_comes_twice_is_quiet_twice() -> None:
    for fold in (0, 1):
        asked = at("2027-10-31 02:10", fold=fold)
        assert allowed(asked, "02:00-02:30") == at("2027-10-31 02:30", fold=fold)
    assert at("2027-10-31 02:10", fold=1) - at("2027-10-31 02:10") == 3600


def test_an_end_that_the_clock_leaves_out_is_not_before_the_hours_are_over() -> None:
    asked = at("2027-03-28 01:45")
    assert allowed(asked, "01:30-02:30") == at("2027-03-28 03:30")


@pytest.mark.sweep
@pytest.mark.parametrize("zone", ["UTC", "Pacific/Auckland", "America/New_York", "Asia/Kathmandu"])
@pytest.mark.parametrize("hours", [NIGHT, "02:00-03:00", "01:15-02:45", "12:00-11:59"])
def test_what_is_allowed_is_never_quiet_and_never_in_the_past(zone: str, hours: str) -> None:
    begin, end = hours.split("-")
    for hour in range(370 * 24 * 2):
        asked = NOW + hour * 1800
        when = allowed(asked, hours, zone)
        clock = datetime.fromtimestamp(when, ZoneInfo(zone)).strftime("%H:%M")
        quiet = begin <= clock < end if begin < end else clock >= begin or clock < end
        assert when >= asked
        assert not quiet, (asked, when, clock)


def test_a_time_for_people() -> None:
    policy = replace(POLICY, time_zone="Europe/Berlin")
    assert moment(at("2027-07-15 07:00"), policy) == "2027-07-15 07:00 CEST"
