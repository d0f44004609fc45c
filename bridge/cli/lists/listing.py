"""What the commands that list things have in common: how much is shown, and in which form."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import wraps
from typing import Any, Literal, TypeVar, cast

import click

from bridge.cli import show
from bridge.domain.views import Page

Decorated = TypeVar("Decorated", bound=Callable[..., Any])
Item = Mapping[str, Any]
Form = Literal["table", "json", "csv"]

DEFAULT_LIMIT = 50
PAGE = 1000
"""Items read at once where everything is shown."""


@dataclass(frozen=True, slots=True)
class Shown:
    """How much of a list is shown, and in which form."""

    limit: int | None
    form: Form = "table"


def list_options(command: Decorated) -> Decorated:
    """Adds `--limit` and `--all`, and `--json` and `--csv`; all of it arrives as `shown`."""

    @wraps(command)
    def with_shown(
        *args: Any,
        limit: int | None,
        everything: bool,
        as_json: bool,
        as_csv: bool,
        **options: Any,
    ) -> Any:
        if as_json and as_csv:
            raise click.UsageError("write --json or --csv, not both")
        form: Form = "json" if as_json else "csv" if as_csv else "table"
        if limit is None and not everything and form != "csv":
            limit = DEFAULT_LIMIT
        return command(*args, shown=Shown(None if everything else limit, form), **options)

    for option in (
        click.option("--csv", "as_csv", is_flag=True, help="Print CSV, all there are."),
        click.option("--json", "as_json", is_flag=True, help="Print JSON."),
        click.option("--all", "everything", is_flag=True, help="Show all there are."),
        click.option(
            "--limit",
            type=click.IntRange(1),
            metavar="N",
            help=f"Show at most this many; otherwise {DEFAULT_LIMIT}, or all as CSV.",
        ),
    ):
        with_shown = option(with_shown)
    return cast(Decorated, with_shown)


def read(fetch: Callable[..., Page[Item]], limit: int | None, **filters: Any) -> Page[Item]:
    """The first `limit` items, or all; `next_cursor` says whether there are more."""
    items: list[Item] = []
    cursor: str | None = None
    for page in pages(fetch, limit, **filters):
        items.extend(page.items)
        cursor = page.next_cursor
    return Page(items, cursor)


def pages(
    fetch: Callable[..., Page[Item]], limit: int | None, **filters: Any
) -> Iterator[Page[Item]]:
    """The pages of the first `limit` items, or of all."""
    cursor: str | None = None
    left = limit
    while True:
        page = fetch(**filters, limit=PAGE if left is None else min(PAGE, left), cursor=cursor)
        yield page
        cursor = page.next_cursor
        left = None if left is None else left - len(page.items)
        if cursor is None or left == 0:
            return


@dataclass(frozen=True)
class Listing:
    """One kind of list: the name of its items and how a table shows one.

    `fields` are the columns as CSV, whose order stays for ever: what is new comes last. `spare` are
    those of the table that a narrow terminal does without. `lines` makes of an item what stands on
    lines of its own, in a table and as CSV; `empty` says that there is none, where that is not its
    name with No.
    """

    name: str
    columns: Sequence[str]
    row: Callable[[Item], Sequence[object]]
    fields: Sequence[str]
    spare: Sequence[str] = ()
    lines: Callable[[Item], Iterable[Item]] = lambda item: (item,)
    empty: str = ""

    def show(self, fetch: Callable[..., Page[Item]], shown: Shown, **filters: Any) -> None:
        """Print what `fetch` reads, a page at a time, in the form that is asked for."""
        if shown.form == "csv":
            self._csv(pages(fetch, shown.limit, **filters))
            return
        page = read(fetch, shown.limit, **filters)
        if shown.form == "json":
            show.as_json({self.name: list(page.items), "next_cursor": page.next_cursor})
            return
        if not page.items:
            show.line(self.empty or f"No {self.name}.")
            return
        rows = [self.row(line) for item in page.items for line in self.lines(item)]
        show.table(self.columns, rows, crop=True, spare=self.spare)
        self._more(page, len(page.items))

    def _csv(self, read: Iterable[Page[Item]]) -> None:
        show.as_csv(self.fields)
        page: Page[Item] = Page(())
        number = 0
        for page in read:
            number += len(page.items)
            for line in (line for item in page.items for line in self.lines(item)):
                show.as_csv([line[field] for field in self.fields])
        self._more(page, number)

    def _more(self, page: Page[Item], number: int) -> None:
        """That there is more goes to a person."""
        if page.next_cursor is not None:
            more = f"There are more than these {number}: --all shows them, --limit N more."
            show.line(more, error=True)
