"""Pages of a list, whatever it lists.

A page is found by its predecessor's last key, so that it costs the same wherever it lies and
rows that come or go meanwhile neither repeat nor hide others.
"""

from __future__ import annotations

import base64
import binascii
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from bridge.domain.views import Page
from bridge.errors import QueryError
from bridge.store.database import Connection, Row
from bridge.store.views.view import View

T = TypeVar("T")
Filters = Mapping[str, str | int | float | tuple[str, ...] | None]
"""Conditions of a list, each with its value, or with its values."""

LONGEST_CURSOR = 2048


@dataclass(frozen=True, slots=True)
class Order:
    """What a list is ordered by: columns that together are unique, and the type of each.

    `int` stands for ids, `float` for times.
    """

    columns: tuple[str, ...]
    kinds: tuple[type, ...]
    newest_first: bool = False


def fetch(
    db: Connection,
    view: View[T],
    filters: Filters,
    order: Order,
    limit: int,
    cursor: str | None,
) -> Page[T]:
    """One page of a view.

    A filter is a condition and its value; one whose value is None does not count. Raises
    QueryError for a cursor that this did not give out.
    """
    where, values = conditions(filters)
    columns = ", ".join(order.columns)
    if cursor is not None:
        marks = ", ".join("?" * len(order.columns))
        where += f" AND ({columns}) {'<' if order.newest_first else '>'} ({marks})"
        values += read_cursor(cursor, order)
    direction = " DESC" if order.newest_first else ""
    found = db.execute(
        f"SELECT {view.selected}, {columns} FROM {view.source} WHERE {where} "
        f"ORDER BY {', '.join(column + direction for column in order.columns)} LIMIT ?",
        (*values, limit + 1),
    ).fetchall()
    return Page([view.read(row) for row in found[:limit]], _next(found, limit, order))


def conditions(filters: Filters) -> tuple[str, list[Any]]:
    """What follows WHERE, and its values; a filter whose value is None does not count."""
    chosen = {text: value for text, value in filters.items() if value is not None}
    values: list[Any] = []
    for value in chosen.values():
        values += value if isinstance(value, tuple) else (value,)
    return " AND ".join(["1 = 1", *chosen]), values


def _next(found: Sequence[Row], limit: int, order: Order) -> str | None:
    if len(found) <= limit:
        return None
    return cursor_after(list(found[limit - 1])[-len(order.columns) :])


def cursor_after(key: Sequence[Any]) -> str:
    """The cursor of the page that begins after this key."""
    text = json.dumps(key, ensure_ascii=False, separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def read_cursor(cursor: str, order: Order) -> list[Any]:
    """The key that a cursor holds; raises QueryError for one that this did not give out."""
    kinds = order.kinds
    try:
        if len(cursor) > LONGEST_CURSOR:
            raise ValueError(cursor[:20])
        padded = cursor.encode() + b"=" * (-len(cursor) % 4)
        key = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
    except (binascii.Error, ValueError, RecursionError):
        key = None
    if isinstance(key, list) and len(key) == len(kinds) and all(map(_usable, key, kinds)):
        return key
    raise QueryError("this cursor is not one that the list gave out: begin without a cursor")


def _usable(value: object, kind: type) -> bool:
    match value:
        case bool():
            return False
        case str():
            return kind is str and value.encode(errors="ignore").decode() == value
        case int():
            return kind is int and 0 <= value < 2**63
        case float():
            return kind is float and math.isfinite(value)
        case _:
            return False
