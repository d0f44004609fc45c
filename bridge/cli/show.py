"""What commands print: tables, times and JSON; with colours and progress only on a terminal."""

from __future__ import annotations

import csv
import io
import json
import shutil
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol

import click

from bridge.domain import ages
from bridge.domain.times import to_the_second

if TYPE_CHECKING:  # loaded for a terminal alone: it takes longer than most commands
    from rich.live import Live

NOTHING = "-"
BAR = 20
"""Characters between the ends of a progress bar."""


def on_terminal() -> bool:
    """Whether a person reads what is printed."""
    return sys.stdout.isatty()


def can_ask() -> bool:
    """Whether a person can be asked."""
    return sys.stdin.isatty()


def as_json(value: object) -> None:
    """Print a value as JSON."""
    click.echo(json.dumps(value, indent=2, ensure_ascii=False))


def as_csv(values: Iterable[object]) -> None:
    """Print one line of CSV (RFC 4180, lines end as here): nothing for None, true or false, and
    text on one line, so that what counts lines counts rows."""
    row = io.StringIO()
    csv.writer(row, lineterminator="\n").writerow([_plain(value) for value in values])
    click.echo(row.getvalue(), nl=False)


def _plain(value: object) -> object:
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case _:
            return clean(str(value))


def line(text: str = "", *, error: bool = False) -> None:
    """Print one line; control characters from outside do not reach the terminal.

    On a terminal it is wrapped between words.
    """
    text = clean(text)
    if (sys.stderr if error else sys.stdout).isatty() and len(text) > width():
        text = _wrapped(text)
    click.echo(text, err=error)


def hanging(head: str, text: str, *, error: bool = False) -> None:
    """Print `text` after `head`, which may be coloured; on a terminal what follows stands below."""
    plain = click.unstyle(head)
    shown = f"{plain}  {clean(text)}"
    if (sys.stderr if error else sys.stdout).isatty():
        shown = _wrapped(shown, len(plain) + 2)
    click.echo(head + shown.removeprefix(plain), err=error)


def width() -> int:
    """How many columns the terminal has."""
    return shutil.get_terminal_size().columns


def heading(text: str) -> None:
    """Print the title of a section."""
    line()
    click.secho(text, bold=True)


def table(
    columns: Sequence[str],
    rows: Sequence[Sequence[object]],
    *,
    crop: bool = False,
    spare: Sequence[str] = (),
) -> None:
    """Print rows under their columns; numbers stand to the right.

    On a terminal the table has its width: what consists of words is wrapped, or with `crop` cut to
    one line, and `spare` columns are left out where there is no room, which is said.
    """
    cells = [[_cell(value) for value in row] for row in rows]
    right = [bool(rows) and all(_is_number(row[i]) for row in rows) for i in range(len(columns))]
    if not on_terminal():
        for text in _plain_table(columns, cells, right):
            line(text)
        return
    from bridge.cli import layout  # noqa: PLC0415 - rich is loaded for a terminal alone

    fitted = layout.fit(columns, cells, right, width(), crop=crop, spare=spare)
    for number, text in enumerate(fitted.lines):
        click.secho(text, bold=number == 0)
    if fitted.left_out:
        line(f"Left out for want of room: {', '.join(fitted.left_out)}.", error=True)


def _plain_table(
    columns: Sequence[str], cells: Sequence[Sequence[str]], right: Sequence[bool]
) -> Iterator[str]:
    widths = [max(map(len, column)) for column in zip(columns, *cells, strict=True)]
    for row in (columns, *cells):
        parts = zip(row, widths, right, strict=True)
        yield "  ".join(c.rjust(w) if r else c.ljust(w) for c, w, r in parts).rstrip()


def _wrapped(text: str, indent: int = 0) -> str:
    """`text` as it fits the terminal."""
    from bridge.cli import layout  # noqa: PLC0415

    return "\n".join(layout.wrapped(text, width(), indent=indent))


def _cell(value: object) -> str:
    return NOTHING if value is None or value == "" else clean(str(value))


def _is_number(value: object) -> bool:
    return value is None or (isinstance(value, int | float) and not isinstance(value, bool))


def clean(text: str) -> str:
    """`text` on one line, without what a terminal would act on."""
    return "".join(c if c.isprintable() else " " for c in text)


def moment(rfc3339: str | None, now: float) -> str:
    """A time for people: `2026-11-23 06:49:08Z, 3 min ago`."""
    return "never" if rfc3339 is None else f"{at(rfc3339)}, {ages.age(rfc3339, now)}"


def at(rfc3339: str | None) -> str | None:
    """A time for people in a narrow column: `2026-11-23 06:49:08Z`."""
    if rfc3339 is None:
        return None
    return to_the_second(datetime.fromisoformat(rfc3339).timestamp())


def bar(done: int, whole: int) -> str:
    """How far something is: `[#####---------------]`; empty while nobody knows how much it is."""
    filled = BAR * min(done, whole) // whole if whole else 0
    return f"[{'#' * filled}{'-' * (BAR - filled)}]"


def restart_line(parts: Sequence[str]) -> str:
    """That the running bridge has other settings than the file, without a full stop."""
    named = ", ".join(parts)
    return f"the running bridge was started with other settings ({named}): restart vpp-bridge serve"


class View(Protocol):
    """Lines that change while something is under way."""

    def update(self, lines: Mapping[str, str]) -> None:
        """Show these lines, by what they are about."""


@contextmanager
def progress(*, quiet: bool = False) -> Iterator[View]:
    """Lines that change on a terminal; elsewhere each is printed when it is new.

    With `quiet` nothing is shown at all.
    """
    if quiet:
        yield _Silent()
    elif on_terminal():
        from rich.console import Console  # noqa: PLC0415
        from rich.live import Live  # noqa: PLC0415

        with Live(console=Console(), refresh_per_second=8) as live:
            yield _Living(live)
    else:
        yield _Plain()


class _Silent:
    def update(self, lines: Mapping[str, str]) -> None:
        """Show nothing."""


class _Living:
    def __init__(self, live: Live) -> None:
        from rich.spinner import Spinner  # noqa: PLC0415

        self._live = live
        self._spinner = Spinner("line")

    def update(self, lines: Mapping[str, str]) -> None:
        """Replace all lines; what moves beside the first of them says that it goes on."""
        from rich.console import Group  # noqa: PLC0415
        from rich.text import Text  # noqa: PLC0415

        texts = [Text(clean(f"{k}: {v}")) for k, v in lines.items()]
        for text in texts:
            text.highlight_regex("#+", "green")
        if texts:
            self._spinner.update(text=texts[0])
            self._live.update(Group(self._spinner, *texts[1:]))


class _Plain:
    def __init__(self) -> None:
        self._shown: dict[str, str] = {}

    def update(self, lines: Mapping[str, str]) -> None:
        """Print what is new."""
        for key, text in lines.items():
            if self._shown.get(key) != text:
                self._shown[key] = text
                line(f"{key}: {text}")


def pairs(values: Mapping[str, Any]) -> None:
    """Print names and values, one below the other; on a terminal long values are wrapped."""
    names = max((len(name) for name in values), default=0)
    for name, value in values.items():
        text = f"{name.ljust(names)}  {_cell(value)}"
        if on_terminal():
            text = _wrapped(text, names + 2)
        click.echo(text)
