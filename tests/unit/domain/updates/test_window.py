"""When new versions may be begun: by the wall clock, not in the last minutes, through all years."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from bridge.domain.hours import Hours
from bridge.domain.updates.window import LAST, Window
from tests.unit.domain_kit import NOW

BERLIN = "Europe/Berlin"


def at(text: str, zone: str = BERLIN, fold: int = 0) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone), fold=fold).timestamp()


def window(text: str, *days: str, zone: str = BERLIN) -> Window:
    return Window(Hours.of(text, days), zone)


@pytest.mark.parametrize(
    ("asked", "by"),
    [
        ("2027-01-15 21:59:59", None),
        ("2027-01-15 22:00", "2027-01-16 04:50"),
        ("2027-01-16 00:00", "2027-01-16 04:50"),
        ("2027-01-16 04:49:59", "2027-01-16 04:50"),
        ("2027-01-16 04:50", None),
        ("2027-01-16 04:59", None),
        ("2027-01-16 05:00", None),
    ],
)
def test_over_midnight_and_not_in_the_last_ten_minutes(asked: str, by: str | None) -> None:
    assert window("22:00-05:00").begins_by(at(asked)) == (None if by is None else at(by))


def test_days_are_those_on_which_a_window_begins() -> None:
    fridays = window("22:00-05:00", "fri")  # 15 January 2027 is one
    assert fridays.begins_by(at("2027-01-16 03:00")) is not None
    assert fridays.begins_by(at("2027-01-15 03:00")) is None
    assert fridays.begins_by(at("2027-01-16 23:00")) is None
    assert fridays.opens_at(at("2027-01-16 05:00")) == at("2027-01-22 22:00")


def test_days_without_hours_are_whole_days() -> None:
    weekend = window("00:00-00:00", "sat", "sun")
    assert weekend.begins_by(at("2027-01-16 00:00")) == at("2027-01-16 23:50")
    assert weekend.begins_by(at("2027-01-17 12:00")) == at("2027-01-17 23:50")
    assert weekend.begins_by(at("2027-01-18 00:00")) is None
    assert str(weekend) == "on sat, sun (Europe/Berlin)"


def test_without_hours_it_is_always_open() -> None:
    always = Window(None, BERLIN)
    assert always.begins_by(NOW) == float("inf")
    assert (always.opens_at(NOW), str(always)) == (NOW, "at any time")


def test_a_night_is_as_long_as_the_clock_makes_it() -> None:
    spring, autumn = at("2027-03-27 22:00"), at("2027-10-30 22:00")
    night = window("22:00-05:00")
    assert night.closes_at(spring) == spring + 6 * 3600
    assert night.closes_at(autumn) == autumn + 8 * 3600


def test_an_hour_that_comes_twice_is_in_the_window_twice() -> None:
    early = window("01:00-02:30")
    for fold in (0, 1):
        assert early.closes_at(at("2027-10-31 02:10", fold=fold)) == at(
            "2027-10-31 02:30", fold=fold
        )
        assert early.closes_at(at("2027-10-31 02:40", fold=fold)) is None


def test_an_end_that_the_clock_leaves_out_comes_before_it() -> None:
    closes_at = window("01:00-02:30").closes_at(at("2027-03-28 01:20"))
    assert closes_at is not None
    assert closes_at <= at("2027-03-28 03:00")


@pytest.mark.parametrize("zone", ["UTC", "Pacific/Auckland", "America/New_York"])
@pytest.mark.parametrize("hours", ["22:00-05:00", "01:15-02:45", "12:00-11:00"])
def test_nothing_is_ever_begun_outside_or_late(zone: str, hours: str) -> None:
    begin, end = hours.split("-")
    wanted = window(hours, zone=zone)
    opened = 0
    for step in range(370 * 24):
        asked = NOW + step * 3720
        by = wanted.begins_by(asked)
        opens_at = wanted.opens_at(asked)
        assert opens_at == asked if by is not None else opens_at > asked
        if by is None:
            continue
        opened += 1
        assert asked < by <= asked + 26 * 3600
        for moment in (asked, by - 1, by + LAST - 1):
            clock = datetime.fromtimestamp(moment, ZoneInfo(zone)).strftime("%H:%M")
            inside = begin <= clock < end if begin < end else clock >= begin or clock < end
            assert inside, (asked, moment, clock)
    assert opened
