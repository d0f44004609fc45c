"""The kinds of arguments that several commands take, and the options that they share."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

import click
from click.shell_completion import CompletionItem

from bridge.config import values
from bridge.domain.wording import nearest
from bridge.errors import ConfigError

Decorated = TypeVar("Decorated", bound=Callable[..., Any])


class Word(click.ParamType[str]):
    """One of some fixed words, in any case of letters."""

    name = "word"

    def __init__(self, words: Iterable[str]) -> None:
        self.words = tuple(sorted(words))

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The word, or which one is near."""
        word = str(value).upper().replace("-", "_")
        if word not in self.words:
            self.fail(f"{str(value)!r} is unknown{nearest(word, self.words)}", param, ctx)
        return word

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        """The words that begin so."""
        begin = incomplete.upper()
        return [CompletionItem(word) for word in self.words if word.startswith(begin)]


class Duration(click.ParamType[float]):
    """Seconds from `30m`, `12h` or `90d`, as the file writes them; at least an hour."""

    name = "duration"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """The seconds, or what to write."""
        try:
            return value if isinstance(value, float) else values.patience(str(value))
        except ConfigError as error:
            self.fail(f"{str(value)!r} {error.mistakes[0]}", param, ctx)


DURATION = Duration()

ID = click.IntRange(1, 2**63 - 1)
"""A number that the database gave."""
COUNT = click.IntRange(0, 10**9)


def json_option(command: Decorated) -> Decorated:
    """Adds `--json`, which arrives as `as_json`."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON.")(command)
