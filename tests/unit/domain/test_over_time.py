"""How finely a chart shows what was counted."""

from itertools import pairwise

import pytest

from bridge.domain.over_time import DAYS, HOURS, MINUTES, STEPS, Step, fitting


@pytest.mark.parametrize(
    ("spans", "step"),
    [
        ({}, MINUTES),
        ({600: 143}, MINUTES),
        ({600: 143, 3600: 7}, MINUTES),
        ({600: 143, 3600: 8}, HOURS),
        ({600: 143, 3600: 191, 86400: 7}, HOURS),
        ({600: 143, 3600: 191, 86400: 8}, DAYS),
    ],
)
def test_the_coarsest_step_is_shown_that_has_enough(spans: dict[int, int], step: Step) -> None:
    assert fitting(spans) == step


def test_each_step_is_kept_until_the_next_has_enough() -> None:
    for finer, coarser in pairwise(STEPS):
        assert finer.kept is not None and finer.kept >= 8 * coarser.seconds
