"""Every message of a device with one thing in it that is odd."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from datetime import datetime
from typing import Any

Message = dict[str, Any]
Path = tuple[str | int, ...]


class _Gone:
    """Its name is the same in every process, since tests are named by it."""

    def __repr__(self) -> str:
        return "gone"


GONE = _Gone()
"""In place of a value: its key or entry is not there."""

ODD: tuple[Any, ...] = (
    *(GONE, "", "x", "true", 0, -1, 25, 2**63, 2**64 - 1, 1.5, float("nan"), True, False),
    *(b"", b"\xff", datetime(2027, 1, 15), [], [1], ["x"], [{}], {}, {"x": 1}),
)


def places(value: Any, path: Path = ()) -> Iterator[Path]:
    """Where a message has values, the message itself left out."""
    inside = value.items() if isinstance(value, dict) else enumerate(value)
    for key, each in inside:
        yield (*path, key)
        if isinstance(each, dict | list):
            yield from places(each, (*path, key))


def put(message: Message, path: Path, odd: Any) -> Message:
    """A copy of `message` with `odd` at a place; as it is where it has no such place."""
    changed = copy.deepcopy(message)
    inside: Any = changed
    for key in path[:-1]:
        try:
            inside = inside[key]
        except (KeyError, IndexError, TypeError):
            return changed
    try:
        inside[path[-1]]
    except (KeyError, IndexError, TypeError):
        return changed
    if odd is GONE:
        del inside[path[-1]]
    else:
        inside[path[-1]] = odd
    return changed
