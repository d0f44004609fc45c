"""Tables as CSV: for a spreadsheet that would run what it takes for a formula."""

import csv
import io

import pytest

from bridge.domain.policy import Policy
from bridge.domain.views import Page
from bridge.web.pages.table import EXPORTED_AT_ONCE, Column, Link, Table, paged
from bridge.web.pages.times import Times

TIMES = Times(Policy(time_zone="Europe/Berlin"), 1_800_000_000.0)


def read(table: Table) -> list[list[str]]:
    return list(csv.reader(io.StringIO("".join(table.lines(TIMES)))))


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        (None, ""),
        (True, "true"),
        (-5, "-5"),
        ("plain", "plain"),
        ('a "quoted", text', 'a "quoted", text'),
        ("=1+1", "'=1+1"),
        ("+1", "'+1"),
        ("-1", "'-1"),
        ("@x", "'@x"),
        ("\t=1", "' =1"),
        ("two\r\nlines", "two  lines"),
        (Link("=1", "/x"), "'=1"),
    ],
)
def test_a_cell_is_what_it_says(cell: object, text: str) -> None:
    table = Table("t", "T", [Column("a")], [[cell]])  # type: ignore[list-item]
    assert read(table) == [["a"], [text]]


def test_times_have_the_offset_of_their_zone() -> None:
    rows = [["2027-07-15T08:00:00.000Z"], ["2027-01-15T08:00:00.000Z"], [None]]
    table = Table("t", "T", [Column("at", "time")], rows)
    shown = ["2027-07-15T10:00:00+02:00", "2027-01-15T09:00:00+01:00", ""]
    assert read(table)[1:] == [[text] for text in shown]


def test_all_rows_are_read_a_part_at_a_time() -> None:
    asked = []

    def ask(limit: int, cursor: str | None) -> Page[int]:
        asked.append(limit)
        begin = int(cursor or 0)
        end = min(begin + limit, 2500)
        return Page(range(begin, end), str(end) if end < 2500 else None)

    table = paged("t", "T", [Column("n", "number")], ask, lambda n: (n,), limit=50)
    assert len(table.rows) == 50 and table.next_cursor == "50"
    assert read(table)[1:] == [[str(n)] for n in range(2500)]
    assert asked == [50, *[EXPORTED_AT_ONCE] * 3]
