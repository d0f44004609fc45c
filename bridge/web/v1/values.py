"""Forms of values: each reads a value, and says in JSON Schema what it reads."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from werkzeug.exceptions import BadRequest, HTTPException, UnprocessableEntity

from bridge.domain.reasons import REASONS

DEFAULT_LIMIT = 100
HIGHEST_LIMIT = 1000

_FEW = 20
_HIGHEST_ID = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Kind:
    """A form of value. `read` returns what is worked with, or raises the HTTP error to answer."""

    schema: Mapping[str, Any]
    read: Callable[[Any], Any]


def text(
    pattern: str,
    sentence: str,
    *,
    convert: Callable[[str], str] = str,
    error: type[HTTPException] = UnprocessableEntity,
) -> Kind:
    """Text that matches `pattern` as a whole; anything else is refused with the sentence."""
    whole = re.compile(pattern)

    def read(value: Any) -> str:
        if not isinstance(value, str) or whole.fullmatch(value) is None:
            raise error(sentence)
        return convert(value)

    return Kind({"type": "string", "pattern": f"^{pattern}$"}, read)


def words(name: str, known: Iterable[str], convert: Callable[[str], str] = str) -> Kind:
    """One of some words; another is refused with the nearest, or with all if they are few."""
    known = tuple(known)

    def read(value: Any) -> str:
        word = convert(value) if isinstance(value, str) else ""
        if word not in known:
            raise UnprocessableEntity(f"The {name} {word[:64]!r} is unknown{hint(word, known)}.")
        return word

    return Kind({"type": "string", "enum": list(known)}, read)


def number(name: str, highest: int, default: int | None = None) -> Kind:
    """A whole number from 1 on, written in digits."""
    digits = re.compile("[0-9]{1,19}")

    def read(value: Any) -> int:
        if digits.fullmatch(value) is None or not 1 <= int(value) <= highest:
            raise UnprocessableEntity(f"The {name} must be a number from 1 to {highest}.")
        return int(value)

    schema = {"type": "integer", "minimum": 1, "maximum": highest}
    return Kind(schema if default is None else schema | {"default": default}, read)


def hint(word: str, known: Sequence[str]) -> str:
    """What to append to "… is unknown": the nearest of the known words, or all if they are few."""
    near = difflib.get_close_matches(word, known, n=1, cutoff=0.6)
    if near:
        return f"; did you mean {near[0]}"
    return f"; known are {', '.join(known)}" if len(known) <= _FEW else ""


def _flag(value: Any) -> bool:
    if value not in ("true", "false"):
        raise UnprocessableEntity("A yes or no is written true or false.")
    return bool(value == "true")


def _true(value: Any) -> bool:
    if value is not True:
        raise UnprocessableEntity("Here only true makes sense; otherwise leave the key out.")
    return True


def _yes_or_no(value: Any) -> bool:
    if not isinstance(value, bool):
        raise UnprocessableEntity("A yes or no is true or false, without quotes.")
    return value


def _count(value: Any) -> int:
    if isinstance(value, float) and value.is_integer():
        value = int(value)  # JSON has one kind of number: 5.0 is 5
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise UnprocessableEntity("A count is a whole number from 0 on.")
    return value


def _object(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise UnprocessableEntity('Write an object there, as {"NAME": {…}}.')
    return value


def _list(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise UnprocessableEntity("Write a list there, as [{…}].")
    return value


SERIAL = text(
    "[A-Za-z0-9-]{1,64}",
    "A serial number is 1 to 64 letters, digits and hyphens.",
    convert=str.upper,
)
ADAM_ID = text("[0-9]{1,19}", "An adam id is 1 to 19 digits, as text.")
NAME = text("[a-z0-9-]+", "A name is made of small letters, digits and hyphens.")
TOPIC = text(r"[\x21-\x7e]{1,128}", "A topic is a word like mdm.Connect or ASSET_COUNT.")
REQUEST_TYPE = text("[A-Za-z]{1,64}", "A request type is a word like InstallApplication.")
CALL_KIND = text("[a-z_]{1,64}", "A kind of call is a word like read_assets.")
CURSOR = text(
    "[A-Za-z0-9_-]{1,2048}",
    "The cursor is garbled: use next_cursor as it was given.",
    error=BadRequest,
)
REASON = words("reason", REASONS, str.upper)
LIMIT = number("limit", HIGHEST_LIMIT, DEFAULT_LIMIT)
ID = number("id", _HIGHEST_ID)
FLAG = Kind({"type": "boolean"}, _flag)
"""A yes or no in the query."""
YES_OR_NO = Kind({"type": "boolean"}, _yes_or_no)
"""A yes or no in a body."""
TRUE = Kind({"const": True}, _true)
COUNT = Kind({"type": "integer", "minimum": 0}, _count)
OBJECT = Kind({"type": "object", "additionalProperties": {"type": "object"}}, _object)
LIST = Kind({"type": "array", "items": {"type": "object"}}, _list)
