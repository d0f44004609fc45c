"""Lengths of time, as people are told them."""

import pytest

from bridge.domain import ages


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.5, "now"),
        (59.9, "59 s ago"),
        (60.0, "1 min ago"),
        (3 * 3600.0, "3 h ago"),
        (3 * 86400.0, "3 d ago"),
        (-90.0, "in 1 min"),
    ],
)
def test_how_long_ago(seconds: float, text: str) -> None:
    assert ages.ago(seconds) == text


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.31, "0.3 s"), (59.9, "59.9 s"), (60.0, "1 min"), (7300.0, "2 h")]
)
def test_how_long_something_took(seconds: float, text: str) -> None:
    assert ages.length(seconds) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (43200.0, "12h"),
        (36 * 3600.0, "36h"),
        (5400.0, "90m"),
        (86400.0, "1d"),
        (61.0, "61s"),
        (0.5, "0.5s"),
        (0.0, "0s"),
    ],
)
def test_as_a_file_writes_it(seconds: float, text: str) -> None:
    assert ages.exact(seconds) == text
