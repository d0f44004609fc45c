"""From database rows to frozen dataclasses whose field names are the columns.

A SELECT names the columns of its class first and in order (`columns`), so that a row is read by
position; whatever else it selects comes after them.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from functools import cache, lru_cache
from typing import Any, Final, TypeVar

T = TypeVar("T")

NEVER: Final = -1.0
"""Stands for NULL among times in `asked`, for `nullif`: in PostgreSQL's eyes a statement is another
one wherever NULL takes the place of a number."""

AT_ONCE: Final = 128
"""Rows for which one statement is written: Apple tells of a hundred licences at once."""


def read(cls: type[T], row: Sequence[Any]) -> T:
    """One row as `cls`, whose columns come first in it; 0/1 become bools where `cls` has them."""
    width, flags = _shape(cls)  # type: ignore[arg-type]  # a class can be hashed
    if not flags:
        return cls(*row[:width])
    values = list(row[:width])
    for place in flags:
        if values[place] is not None:
            values[place] = bool(values[place])
    return cls(*values)


@cache
def columns(cls: type[Any], prefix: str = "") -> str:
    """The columns of `cls` for a SELECT, each with `prefix` in front."""
    return ", ".join(prefix + field.name for field in _stored(cls))


def plain(cls: type[Any], prefix: str = "") -> str:
    """As `columns`, for a class whose values are what the database gives: `cls(*row)` makes one.

    Raises TypeError for one with a bool, of which SQLite knows nothing.
    """
    if _shape(cls)[1]:  # type: ignore[arg-type]  # a class can be hashed
        raise TypeError(f"{cls.__name__} has a bool: have `read` make it of a row")
    return columns(cls, prefix)  # type: ignore[arg-type]


@lru_cache(maxsize=512)
def marks(count: int) -> str:
    """As many placeholders as that: `?, ?, ?`; NULL for none, which nothing is equal to."""
    return ", ".join("?" * count) or "NULL"


def earlier(column: str) -> str:
    """The earlier one of a column's time, which may be NULL, and of a time; that is asked twice."""
    return f"CASE WHEN {column} < ? THEN {column} ELSE ? END"


@lru_cache(maxsize=512)
def asked(count: int, names: str = "one, other") -> str:
    """The beginning of a statement that joins as many rows of values, as `asked` with these names.

    With CROSS JOIN they come first, so that the rest is found by an index on both: for
    `(a, b) IN (...)` SQLite uses none.
    """
    width = names.count(",") + 1
    values = "VALUES " + ", ".join([f"({', '.join('?' * width)})"] * count)
    nothing = f"SELECT {', '.join(['NULL'] * width)} WHERE false"
    return f"WITH asked ({names}) AS ({values if count else nothing}) "


def padded(values: Iterable[T], spare: T | None = None) -> tuple[T, ...]:
    """The values and `spare`, or the last again, until they are a power of two: few statements are
    prepared."""
    some = tuple(values)
    more = (1 << (len(some) - 1).bit_length()) - len(some) if some else 0
    return some + (some[-1:] if spare is None else (spare,)) * more


@lru_cache(maxsize=512)
def parts(count: int) -> tuple[slice, ...]:
    """Where so many values are cut into as many at once as one statement takes: a statement for a
    hundred rows costs a fraction of a hundred. Each part is as long as a power of two: few
    statements are prepared."""
    found, begin = list[slice](), 0
    while begin < count:
        size = min(1 << ((count - begin).bit_length() - 1), AT_ONCE)
        found.append(slice(begin, begin + size))
        begin += size
    return tuple(found)


def among(words: Sequence[str]) -> str:
    """A set of states for `IN`: `('a', 'b')`. The words come from code, never from outside."""
    return "(" + ", ".join(f"'{word}'" for word in words) + ")"


@cache
def _shape(cls: type[Any]) -> tuple[int, tuple[int, ...]]:
    """How many columns `cls` has, and the places of those that are bools."""
    fields = _stored(cls)
    return len(fields), tuple(
        place for place, field in enumerate(fields) if field.type in ("bool", "bool | None")
    )


def _stored(cls: type[Any]) -> list[dataclasses.Field[Any]]:
    """The fields that a row has; `cls` works out the others."""
    return [field for field in dataclasses.fields(cls) if field.init]
