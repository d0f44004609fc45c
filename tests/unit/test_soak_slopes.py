"""Whether something grows, as `tools/soak --hours` tells it."""

import pytest

from tests.soak.hours import slope

HOUR = 3600.0


@pytest.mark.parametrize(
    ("rise", "is_good"), [(0.0, True), (0.9, True), (1.5, False), (-5.0, True)]
)
def test_a_line_is_told_in_percent_of_the_mean_an_hour(rise: float, is_good: bool) -> None:
    """Of 100 on average; what is measured goes up and down a little."""
    points = [(at * 60.0, 100 + rise * (at - 60) / 60 + at % 2 * 0.001) for at in range(121)]
    found = slope("memory", points, " MB")
    assert found.percent == pytest.approx(rise, abs=0.01)
    assert found.is_good == is_good
    assert str(found).startswith("memory: 100 MB on average, ")


def test_what_goes_up_and_down_by_more_than_it_grows_is_no_growth() -> None:
    points = [(at * 5.0, 100 + (at * 7919) % 40) for at in range(60)]
    found = slope("p99", points, " ms")
    assert found.error > 1 and found.is_good
