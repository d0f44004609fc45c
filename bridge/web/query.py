"""The query of a list: known parameters only, each at most once, each of the right form."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable, Sequence

from werkzeug.datastructures import MultiDict
from werkzeug.exceptions import BadRequest, UnprocessableEntity

from bridge.domain.reasons import REASONS

DEFAULT_LIMIT = 100
HIGHEST_LIMIT = 1000

_PAGING = ("limit", "cursor")
_FEW = 20
_SERIAL = re.compile(r"[A-Za-z0-9-]{1,64}")
_ADAM_ID = re.compile(r"[0-9]{1,19}")
_TOPIC = re.compile(r"[\x21-\x7e]{1,128}")
_CURSOR = re.compile(r"[A-Za-z0-9_-]{1,2048}")
_LIMIT = re.compile(r"[0-9]{1,6}")


class Query:
    """A list's query, checked as a whole when it is made.

    Raises UnprocessableEntity for an unknown parameter, with the nearest name, and for one that
    is given twice; the methods raise it for a value of the wrong form.
    """

    def __init__(self, arguments: MultiDict[str, str], filters: Sequence[str]) -> None:
        known = (*filters, *_PAGING)
        for name, values in arguments.lists():
            if name not in known:
                raise UnprocessableEntity(
                    f"The parameter {name[:64]!r} is unknown{_hint(name, known)}."
                )
            if len(values) > 1:
                raise UnprocessableEntity(f"The parameter {name} is given more than once.")
        self._arguments = arguments

    def take(self, name: str, read: Callable[[str], str]) -> str | None:
        """The parameter's value through `read`, which raises where it is of no use."""
        value = self._arguments.get(name)
        return None if value is None else read(value)

    @property
    def limit(self) -> int:
        """How many items at most: 1 to 1000, and 100 where nothing is said."""
        text = self._arguments.get("limit", str(DEFAULT_LIMIT))
        if _LIMIT.fullmatch(text) is None or not 1 <= int(text) <= HIGHEST_LIMIT:
            raise UnprocessableEntity(f"The limit must be a number from 1 to {HIGHEST_LIMIT}.")
        return int(text)

    @property
    def cursor(self) -> str | None:
        """Where to go on. Raises BadRequest for what cannot be a cursor of ours."""
        text = self._arguments.get("cursor")
        if text is not None and _CURSOR.fullmatch(text) is None:
            raise BadRequest("The cursor is garbled: use next_cursor as it was given.")
        return text


def serial_number(text: str) -> str:
    """A serial number, upper-cased."""
    if _SERIAL.fullmatch(text) is None:
        raise UnprocessableEntity("A serial number is 1 to 64 letters, digits and hyphens.")
    return text.upper()


def adam_id(text: str) -> str:
    """An Adam ID, as text."""
    if _ADAM_ID.fullmatch(text) is None:
        raise UnprocessableEntity("An adam id is 1 to 19 digits.")
    return text


def reason(text: str) -> str:
    """A reason's name, upper-cased."""
    return one_of("reason", REASONS)(text.upper())


def topic(text: str) -> str:
    """What a message is about: MicroMDM's topic or Apple's notification type."""
    if _TOPIC.fullmatch(text) is None:
        raise UnprocessableEntity("A topic is a word like mdm.Connect or ASSET_COUNT.")
    return text


def one_of(name: str, words: Iterable[str]) -> Callable[[str], str]:
    """A reader for a parameter that takes one of `words`."""
    known = tuple(words)

    def read(text: str) -> str:
        if text not in known:
            raise UnprocessableEntity(f"The {name} {text[:64]!r} is unknown{_hint(text, known)}.")
        return text

    return read


def _hint(text: str, known: Sequence[str]) -> str:
    near = difflib.get_close_matches(text, known, n=1, cutoff=0.6)
    if near:
        return f"; did you mean {near[0]}"
    return f"; known are {', '.join(known)}" if len(known) <= _FEW else ""
