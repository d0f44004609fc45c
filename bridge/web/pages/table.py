"""A table of a page: declared once, shown as HTML and given as CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from bridge.domain.views import Page
from bridge.web.pages.times import Times

Kind = Literal["text", "number", "time", "state", "words"]
"""`time` is RFC 3339, `state` a state of an install, `words` a text that may be long."""

_FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""What begins so is a formula to a spreadsheet. Source: OWASP, "CSV Injection"."""

EXPORTED_AT_ONCE = 1000
"""Rows that are read at once for CSV."""


class Link(NamedTuple):
    """A text that leads to another page of ours."""

    text: str
    path: str


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its heading, and what stands in it."""

    name: str
    kind: Kind = "text"


Cell = str | int | float | bool | Link | None
Row = Sequence[Cell]


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under their columns. `name` stands in the address of its CSV.

    `every` reads all rows, where `rows` is a page alone; `next_cursor` asks for the page after it.
    `empty` says what it means that there is none.
    """

    name: str
    title: str
    columns: Sequence[Column]
    rows: Sequence[Row]
    empty: str = "None."
    note: str = ""
    next_cursor: str | None = None
    every: Callable[[], Iterator[Row]] | None = None

    def lines(self, times: Times) -> Iterator[str]:
        """All of it as CSV (RFC 4180), a line for each row; times with their offset."""
        yield _line([column.name for column in self.columns])
        for row in self.rows if self.every is None else self.every():
            cells = zip(self.columns, row, strict=True)
            yield _line([_plain(column, cell, times) for column, cell in cells])


def paged(
    name: str,
    title: str,
    columns: Sequence[Column],
    ask: Callable[..., Page[Any]],
    row: Callable[[Any], Row],
    *,
    limit: int,
    cursor: str | None = None,
    empty: str = "None.",
) -> Table:
    """A page of a list as a table; `ask` takes `limit` and `cursor`."""
    page = ask(limit=limit, cursor=cursor)

    def every() -> Iterator[Row]:
        following: str | None = None
        while True:
            part = ask(limit=EXPORTED_AT_ONCE, cursor=following)
            yield from map(row, part.items)
            following = part.next_cursor
            if following is None:
                return

    rows = [row(each) for each in page.items]
    return Table(name, title, columns, rows, empty=empty, next_cursor=page.next_cursor, every=every)


def _line(values: Iterable[object]) -> str:
    line = io.StringIO()
    csv.writer(line).writerow(values)
    return line.getvalue()


def _plain(column: Column, cell: Cell, times: Times) -> object:
    match cell:
        case None:
            return ""
        case Link():
            return _harmless(cell.text)
        case bool():
            return "true" if cell else "false"
        case str():
            return times.with_offset(cell) if column.kind == "time" else _harmless(cell)
        case _:
            return cell


def _harmless(text: str) -> str:
    """A text on one line that a spreadsheet takes for a text."""
    line = "".join(c if c.isprintable() else " " for c in text)
    return f"'{line}" if text.startswith(_FORMULA) else line
