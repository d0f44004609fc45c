"""From database rows to frozen dataclasses whose field names are the columns."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar, get_type_hints

T = TypeVar("T")


def read(cls: type[T], row: Mapping[str, Any] | Any) -> T:
    """One row as `cls`; columns that `cls` does not have are left out, 0/1 become bools."""
    return cls(
        *[
            bool(row[name]) if is_bool and row[name] is not None else row[name]
            for name, is_bool in _fields(cls)
        ]
    )


def columns(cls: type[Any], prefix: str = "") -> str:
    """The columns of `cls` for a SELECT, each with `prefix` in front."""
    return ", ".join(prefix + name for name, _ in _fields(cls))


def marks(values: Sequence[object]) -> str:
    """As many placeholders as there are values: `?, ?, ?`."""
    return ", ".join("?" * len(values))


def among(words: Sequence[str]) -> str:
    """A set of states for `IN`: `('a', 'b')`. The words come from code, never from outside."""
    return "(" + ", ".join(f"'{word}'" for word in words) + ")"


_FIELDS: dict[type[Any], tuple[tuple[str, bool], ...]] = {}


def _fields(cls: type[Any]) -> tuple[tuple[str, bool], ...]:
    if cls not in _FIELDS:
        hints = get_type_hints(cls)
        _FIELDS[cls] = tuple(
            (field.name, hints[field.name] in (bool, bool | None))
            for field in dataclasses.fields(cls)
        )
    return _FIELDS[cls]
