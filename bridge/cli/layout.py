"""Tables and texts in a terminal of some width: no word is broken, and what has no room is named.

Pure: text in, lines out. Widths are columns of the terminal; a Chinese character takes two.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from rich.cells import cell_len, set_cell_size

GAP = 2
"""Spaces between two columns."""
NARROWEST = 16
"""A column that is cropped keeps as much."""
ELLIPSIS = "\u2026"


@dataclass(frozen=True, slots=True)
class Fitted:
    """The lines of a table, the first of them its header, and the columns that had no room."""

    lines: Sequence[str]
    left_out: Sequence[str] = ()


def fit(
    columns: Sequence[str],
    cells: Sequence[Sequence[str]],
    right: Sequence[bool],
    width: int,
    *,
    crop: bool = False,
    spare: Sequence[str] = (),
) -> Fitted:
    """A table of at most `width`.

    What consists of several words gives way: it is wrapped between them, or with `crop` cut to one
    line. If that is not enough the `spare` columns go, the first of them first, and then every row
    becomes a block of lines. Numbers, names and ids are never broken.
    """
    kept = [i for i, _ in enumerate(columns)]
    going = [columns.index(name) for name in spare if name in columns]
    while True:
        widths = _widths([columns[i] for i in kept], [[r[i] for i in kept] for r in cells], crop)
        given = _share(widths, width)
        if given is not None:
            break
        if not going:
            return Fitted(_blocks(columns, cells, width))
        kept.remove(going.pop(0))
    rows = [[columns[i] for i in kept], *([row[i] for i in kept] for row in cells)]
    aligned = [right[i] for i in kept]
    lines = [each for row in rows for each in _row(row, given, aligned, crop)]
    return Fitted(lines, [name for i, name in enumerate(columns) if i not in kept])


def wrapped(text: str, width: int, *, indent: int = 0) -> list[str]:
    """`text` in lines of at most `width` that end between words, all but the first indented."""
    lines = []
    line = ""
    for word in re.split(r"(?<!\d{4}-\d\d-\d\d) |(?<=\d{4}-\d\d-\d\d) (?!\d\d:\d\d)", text):
        longer = f"{line} {word}" if line else word
        if line.strip() and cell_len(longer) > width:
            lines.append(line.rstrip())
            line = " " * indent + word
        else:
            line = longer
    return [*lines, line.rstrip()]


_WORD = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d\S*|\S+")


def _words(text: str) -> list[str]:
    """What is never broken: a moment is one word, though it has a space in it."""
    return _WORD.findall(text)


def _widths(
    columns: Sequence[str], cells: Sequence[Sequence[str]], crop: bool
) -> list[tuple[int, int]]:
    """For each column how little room it can do with, and how much it would take."""
    found = []
    for i, name in enumerate(columns):
        some = [name, *(row[i] for row in cells)]
        most = max(map(cell_len, some))
        words = [word for text in some for word in _words(text)] or [""]
        if crop and any(len(_words(text)) > 1 for text in some[1:]):
            least = min(most, max(NARROWEST, cell_len(name)))
        else:
            least = max(map(cell_len, words))
        found.append((least, most))
    return found


def _share(widths: Sequence[tuple[int, int]], width: int) -> list[int] | None:
    """The width of each column; None where they have no room."""
    given = [least for least, _ in widths]
    over = width - GAP * (len(widths) - 1) - sum(given)
    if over < 0:
        return None
    while over:  # the one that lacks least is content first
        lacking = [i for i, (_, most) in enumerate(widths) if given[i] < most]
        if not lacking:
            return given
        each = max(1, over // len(lacking))
        for i in lacking:
            more = min(each, widths[i][1] - given[i], over)
            given[i] += more
            over -= more
    return given


def _row(row: Sequence[str], widths: Sequence[int], right: Sequence[bool], crop: bool) -> list[str]:
    parts = [
        [_cropped(text, w)] if crop else wrapped(text, w)
        for text, w in zip(row, widths, strict=True)
    ]
    lines = []
    for n in range(max(map(len, parts))):
        texts = [part[n] if n < len(part) else "" for part in parts]
        placed = [_placed(t, w, r) for t, w, r in zip(texts, widths, right, strict=True)]
        lines.append((" " * GAP).join(placed).rstrip())
    return lines


def _cropped(text: str, width: int) -> str:
    if cell_len(text) <= width:
        return text
    return set_cell_size(text, width - 1).rstrip() + ELLIPSIS


def _placed(text: str, width: int, to_the_right: bool) -> str:
    space = " " * max(0, width - cell_len(text))
    return space + text if to_the_right else text + space


def _blocks(columns: Sequence[str], cells: Sequence[Sequence[str]], width: int) -> list[str]:
    """Every row as lines of a name and a value, an empty line between two rows."""
    names = max(map(cell_len, columns)) + GAP
    lines = [""]
    for row in cells:
        for name, text in zip(columns, row, strict=True):
            lines += wrapped(_placed(name, names, False) + text, width, indent=names)
        lines.append("")
    return lines[:-1]
