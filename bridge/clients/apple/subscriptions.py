"""What Apple shows of subscriptions, read and never changed.

Lists go on by an opaque cursor, one page after the other, until there is none.
Source: Apple, "Managing Subscriptions" and "Using Paginated Endpoints".
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from bridge.clients.apple.pages import MAX, endless
from bridge.clients.apple.readers import adam_id, read_envelope
from bridge.clients.apple.replies import Envelope
from bridge.clients.shape import (
    Fields,
    Unread,
    boolean,
    entries,
    integer_or_none,
    lenient,
    object_or_empty,
    text,
    text_or_none,
)
from bridge.domain.licences.odd_rows import OddRow
from bridge.domain.licences.subscriptions import COUNT_KINDS, Holding, Seats, Subscription

T = TypeVar("T")
V = TypeVar("V")

_DAY = re.compile(r"\d{4}-\d\d-\d\d")


@dataclass(frozen=True, slots=True)
class CursorPage(Generic[T]):
    """One page; `odd` are the rows that cannot be read, `next_cursor` is None on the last one.

    `envelope` has what every authenticated reply says of location and token.
    """

    envelope: Envelope
    items: tuple[T, ...]
    odd: tuple[OddRow, ...]
    next_cursor: str | None


class Get(Protocol):
    """Makes a GET below the API's root, and of its reply what `read` makes of it."""

    def __call__(self, path: str, read: Callable[[Fields], V], query: dict[str, str]) -> V:
        """Raises CallError."""


def subscriptions(get: Get) -> Iterator[CursorPage[Subscription]]:
    """All pages of a location's subscriptions, each fetched when it is asked for.

    Raises what `get` raises, and UnreadableReply where the pages have no end.
    """
    return _walk(get, "/subscriptions", "subscriptions", _subscription)


def holdings(get: Get) -> Iterator[CursorPage[Holding]]:
    """All pages of who has which subscription; as `subscriptions`."""
    return _walk(get, "/subscriptions/assignments", "assignments", _holding)


def _walk(
    get: Get, path: str, key: str, read_row: Callable[[Fields], T]
) -> Iterator[CursorPage[T]]:
    def read(reply: Fields) -> CursorPage[T]:
        found, odd = entries(reply, key, read_row)
        return CursorPage(
            read_envelope(reply),
            found,
            tuple(_odd(key, each) for each in odd),
            text_or_none(reply, "nextCursor"),
        )

    cursor: str | None = None
    seen = set[str]()
    for _ in range(MAX):
        page = get(path, read, {} if cursor is None else {"cursor": cursor})
        yield page
        cursor = page.next_cursor
        if cursor is None:
            return
        if cursor in seen:
            break
        seen.add(cursor)
    raise endless(f"GET {path}")


def _subscription(row: Fields) -> Subscription:
    counts = lenient(object_or_empty, row, "counts") or {}
    assigned, available, total = (_seats(counts, kind) for kind in COUNT_KINDS)
    parent = None if row.get("parentAdamId") is None else lenient(adam_id, row, "parentAdamId")
    day = lenient(text_or_none, row, "periodEndDate")
    return Subscription(
        adam_id=adam_id(row, "adamId"),
        parent_adam_id=parent,
        status=lenient(text_or_none, row, "status"),
        period_ends_on=day[:10] if day and _DAY.match(day) else None,
        assigned=assigned,
        available=available,
        total=total,
    )


def _seats(counts: Fields, kind: str) -> Seats:
    seats = lenient(object_or_empty, counts, kind) or {}
    return Seats(
        lenient(integer_or_none, seats, "renewing"), lenient(integer_or_none, seats, "expiring")
    )


def _holding(row: Fields) -> Holding:
    # An assignment renews unless Apple says otherwise: what ends must have been told to end.
    return Holding(
        adam_id(row, "adamId"), text(row, "clientUserId"), boolean(row, "renewing", default=True)
    )


def _odd(key: str, left_out: Unread) -> OddRow:
    return OddRow(
        what=left_out.what,
        place=f"row {left_out.place + 1} of {key}",
        adam_id=lenient(adam_id, left_out.row, "adamId"),
    )
