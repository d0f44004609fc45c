"""What the commands that list things have in common: how much is shown, and in which form."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import click

from bridge.cli import show
from bridge.cli.params import json_option
from bridge.domain.views import Page

Decorated = TypeVar("Decorated", bound=Callable[..., Any])
Item = Mapping[str, Any]

DEFAULT_LIMIT = 50
PAGE = 1000
"""Items read at once where everything is shown."""


def list_options(command: Decorated) -> Decorated:
    """Adds `--limit` and `--all`, which arrives as `everything`, and `--json`."""
    command = json_option(command)
    command = click.option("--all", "everything", is_flag=True, help="Show all there are.")(command)
    return click.option(
        "--limit",
        type=click.IntRange(1),
        default=DEFAULT_LIMIT,
        show_default=True,
        metavar="N",
        help="Show at most this many.",
    )(command)


def read(
    fetch: Callable[..., Page[Item]], limit: int, everything: bool, **filters: Any
) -> Page[Item]:
    """The first `limit` items, or all; `next_cursor` says whether there are more."""
    items: list[Item] = []
    cursor: str | None = None
    while True:
        size = PAGE if everything else min(PAGE, limit - len(items))
        page = fetch(**filters, limit=size, cursor=cursor)
        items.extend(page.items)
        cursor = page.next_cursor
        if cursor is None or (not everything and len(items) >= limit):
            return Page(items, cursor)


def print_page(
    name: str,
    page: Page[Item],
    columns: Sequence[str],
    row: Callable[[Item], Sequence[object]],
    *,
    as_json: bool,
) -> None:
    """Print what was read, as the API has it or as a table; that there is more goes to a person."""
    if as_json:
        show.as_json({name: list(page.items), "next_cursor": page.next_cursor})
        return
    if not page.items:
        show.line(f"No {name}.")
        return
    show.table(columns, [row(item) for item in page.items])
    if page.next_cursor is not None:
        more = f"There are more than these {len(page.items)}: --all shows them, --limit N more."
        show.line(more, error=True)
