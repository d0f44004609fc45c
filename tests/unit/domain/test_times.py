"""Points in time as the text that we show."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.domain.times import day_of, rfc3339, to_the_minute, to_the_second
from bridge.wire.clock_text import parse_rfc3339

MOMENT = 1795325176.0  # 2026-11-22T05:26:16Z


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (None, None),
        (0.0, "1970-01-01T00:00:00.000Z"),
        (MOMENT, "2026-11-22T05:26:16.000Z"),
        (MOMENT + 0.25, "2026-11-22T05:26:16.250Z"),
        (MOMENT + 0.7658, "2026-11-22T05:26:16.766Z"),
        (MOMENT + 0.9996, "2026-11-22T05:26:17.000Z"),
        (MOMENT + 0.9999, "2026-11-22T05:26:17.000Z"),
        (-0.001, "1969-12-31T23:59:59.999Z"),
        (-62135596800.0, "0001-01-01T00:00:00.000Z"),
        (-1e300, "0001-01-01T00:00:00.000Z"),
        (253402300799.9999, "9999-12-31T23:59:59.999Z"),
        (253402343999.0, "9999-12-31T23:59:59.999Z"),
        (1e300, "9999-12-31T23:59:59.999Z"),
    ],
)
def test_programs_are_told_in_utc_to_the_millisecond(
    seconds: float | None, text: str | None
) -> None:
    assert rfc3339(seconds) == text


@given(st.integers(-62135596800_000, 253402300799_999))
def test_what_is_written_is_read_to_the_millisecond(milliseconds: int) -> None:
    written = rfc3339(milliseconds / 1000)
    assert written is not None
    assert parse_rfc3339(written) == pytest.approx(milliseconds / 1000, abs=1e-3)


def test_people_are_told_the_second_or_the_day() -> None:
    assert to_the_second(MOMENT + 0.9) == "2026-11-22 05:26:16Z"
    assert to_the_minute(MOMENT) == "2026-11-22 05:26Z"
    assert day_of(MOMENT) == "22 November 2026"


def test_a_time_beyond_all_calendars_is_shown_as_their_end() -> None:
    assert to_the_second(253402343999.0) == "9999-12-31 23:59:59Z"
    assert to_the_minute(1e300) == "9999-12-31 23:59Z"
    assert day_of(1e300) == "31 December 9999"
