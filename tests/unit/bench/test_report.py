"""The arithmetic of a benchmark's report; nothing here measures time."""

import io

import pytest
from rich.console import Console

from tests.bench.processes import Cost
from tests.bench.report import Found, Row, show


@pytest.mark.parametrize(
    ("row", "holds"),
    [
        (Row("rate", value=0.85, at_least=0.85), True),
        (Row("rate", value=0.84, at_least=0.85), False),
        (Row("cost", value=2.5, at_most=2.5), True),
        (Row("cost", value=2.6, at_most=2.5), False),
        (Row("nothing was measured", at_most=2.5), False),
        (Row("no limit", value=9.0), True),
        (Row("no compiler", at_least=1.0, skipped="no C compiler"), True),
    ],
)
def test_a_limit_is_kept_or_not(row: Row, holds: bool) -> None:
    assert row.holds is holds
    assert Found([row]).holds is holds


def test_the_table_names_value_limit_and_what_failed() -> None:
    out = io.StringIO()
    cost = Cost({"engine": 1.5, "web": 0.5}, {"engine": 60_000_000, "web": 40_000_000}, 100_000_000)

    show(
        Console(file=out, width=200),
        Found(
            [
                Row("hook", "500", "1000", 0.5, at_least=0.85),
                Row("slow disk", skipped="no C compiler"),
            ],
            [("hook", cost)],
            ["a note"],
        ),
    )

    text = out.getvalue()
    assert "a note" in text
    assert "0.5 ×" in text and "≥ 0.85 ×" in text and "FAILED" in text
    assert "skipped: no C compiler" in text
    assert "engine 1.50, web 0.50" in text and "2.00" in text and "100 MB" in text
