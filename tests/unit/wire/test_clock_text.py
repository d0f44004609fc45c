import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.wire.clock_text import parse_apple_time, parse_rfc3339

MOMENT = 1795325176.0  # 2026-11-22T05:26:16Z


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("2026-11-22T05:26:16Z", MOMENT),
        ("2026-11-22t05:26:16z", MOMENT),
        ("2026-11-22T05:26:16.5Z", MOMENT + 0.5),
        ("2026-11-22T05:26:16.13272395Z", MOMENT + 0.13272395),
        ("2026-11-22T05:26:16.765801649Z", MOMENT + 0.765801649),
        ("2026-11-22T05:26:16.000000000001Z", MOMENT),
        ("2026-11-22T06:26:16.5+01:00", MOMENT + 0.5),
        ("2026-11-21T22:26:16-07:00", MOMENT),
        ("2026-11-22T10:56:16+05:30", MOMENT),
        ("2016-12-31T23:59:60Z", 1483228800.0),
        ("0001-01-01T00:00:00Z", -62135596800.0),
        ("9999-12-31T23:59:59-23:59", 253402387139.0),
        ("2026-11-22T05:26:16", None),
        ("2026-11-22T05:26:16+0100", None),
        ("2026-11-22 05:26:16Z", None),
        ("2026-11-22T05:26Z", None),
        ("2026-02-30T05:26:16Z", None),
        ("2026-11-22T25:26:16Z", None),
        ("2026-11-22T05:26:61Z", None),
        ("2026-11-22T05:26:16.Z", None),
        ("2026-11-22T05:26:16+99:00", None),
        ("٢٠٢٦-11-22T05:26:16Z", None),
        (" 2026-11-22T05:26:16Z", None),
        ("", None),
    ],
)
def test_rfc3339_is_read(text, seconds):
    assert parse_rfc3339(text) == (None if seconds is None else pytest.approx(seconds, abs=1e-6))


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("2030-11-08T22:33:22+0000", 1920407602.0),
        ("2030-11-08T22:33:22Z", 1920407602.0),
        ("2030-11-08T15:33:22-0700", 1920407602.0),
        ("2030-11-08T15:33:22-07:00", 1920407602.0),
        ("2030-11-08T22:33:22", 1920407602.0),
        (" 2030-11-08T22:33:22.000+0000\n", 1920407602.0),
        ("2030-11-08", None),
        ("soon", None),
        ("", None),
    ],
)
def test_apple_time_is_read(text, seconds):
    assert parse_apple_time(text) == seconds


@given(st.text() | st.from_regex(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}[Z+-][0-9:]{0,5}"))
def test_any_text_is_read_or_none(text):
    for read in (parse_rfc3339, parse_apple_time):
        assert isinstance(read(text), float | None)
