"""From page to page of Apple's lists. Source: Apple, "Using Paginated Endpoints"."""

from __future__ import annotations

from bridge.clients.apple.replies import Page
from bridge.domain.licences.odd_rows import OddRow
from bridge.errors import UnreadableReply

MAX = 20_000
"""20 million assignments, more than any location has: a walk that goes on is going astray."""


def following(page: Page, index: int, call: str) -> int | None:
    """The index of the page after `index`, None after the last one.

    Pages are numbered one by one. Where the next index is another number, `totalPages` tells; it
    may be an older count, so that an absent next index, or the very next, goes before it.
    """
    if page.next_page_index is None or page.next_page_index == index + 1:
        return page.next_page_index
    if page.total_pages is None or page.total_pages > MAX:
        raise endless(call)
    return index + 1 if index + 1 < page.total_pages else None


def left_out(page: Page, index: int) -> tuple[OddRow, ...]:
    """What a page tells of rows that no page may show: that others follow though none is named,
    or that it names another page than the one after it.

    On the last page by `totalPages` one that was there before means that none follows.
    """
    named, total = page.next_page_index, page.total_pages or 0
    if named is None and index + 1 < total:
        return (OddRow(f"the list ends after page {index + 1} of {total}"),)
    if named is None or named == index + 1 or named <= index == total - 1:
        return ()
    return (OddRow(f"page {index + 1} names page {named + 1} as the next one"),)


def endless(call: str) -> UnreadableReply:
    """That the pages of a list lead nowhere."""
    return UnreadableReply(
        f"Apple's pages for {call} do not come to an end; the read is not complete.",
        service="apple",
        call=call,
    )
