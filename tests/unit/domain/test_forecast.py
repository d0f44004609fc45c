"""When the last seat goes, and when nothing is said of it."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.domain.licences.forecast import DayCount, last_seat_at, used_per_day
from bridge.domain.policy import DAY
from bridge.domain.times import day_of

NOW = datetime(2027, 5, 2, tzinfo=UTC).timestamp()
TODAY = int(NOW // DAY)


def history(*used: int, every: int = 1) -> list[DayCount]:
    first = TODAY - (len(used) - 1) * every
    return [DayCount(first + number * every, count) for number, count in enumerate(used)]


def test_a_steady_rate_tells_the_day() -> None:
    days = history(*range(10, 30, 2))
    assert used_per_day(days) == pytest.approx(2.0)
    at = last_seat_at(days, 20, NOW)
    assert at == pytest.approx(NOW + 10 * DAY)
    assert day_of(at or 0) == "12 May 2027"


@pytest.mark.parametrize(
    ("days", "free", "why"),
    [
        ([], 5, "nothing is known"),
        (history(1, 2, 3, 4, 5, 6), 5, "too few days"),
        (history(1, 2, 3, 4, 5, 6, 7), 5, "a week is not over yet"),
        (history(*[5] * 10), 5, "nothing is used up"),
        (history(*range(20, 10, -1)), 5, "licences come back"),
        (history(*range(10)), 0, "none is free"),
        (history(*range(10)), -1, "less than none is free"),
        (history(*range(10)), None, "there is no limit"),
        (history(*range(10)), 366, "it is more than a year away"),
    ],
)
def test_nothing_is_said(days: list[DayCount], free: int | None, why: str) -> None:
    assert last_seat_at(days, free, NOW) is None, why


def test_days_that_were_not_counted_are_no_harm() -> None:
    assert used_per_day(history(*range(0, 80, 10), every=5)) == pytest.approx(2.0)


@given(
    st.lists(st.integers(0, 500), min_size=9, max_size=60),
    st.integers(1, 500),
)
def test_it_lies_ahead_and_within_a_year_or_is_not_said(used: list[int], free: int) -> None:
    at = last_seat_at(history(*used), free, NOW)
    assert at is None or NOW < at <= NOW + 365 * DAY
