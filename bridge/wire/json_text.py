"""JSON objects from outside: read without trust, written so that they can be read again."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import NoReturn

from bridge.errors import ShapeError

MAX_TEXT = 1024
STORABLE = range(-(2**63), 2**63)
"""The integers that a database column takes; what lies beyond is a slip or an attack."""

MAX_VALUES = 100_000
_MAX_DIGITS = 40


def read_message(body: bytes) -> dict[str, object]:
    """As `read_object`, for what anybody may send: of more than MAX_VALUES values nothing is read.

    They would take many times the memory of their text.
    """
    if sum(body.count(mark) for mark in b",{[") > MAX_VALUES:
        raise ShapeError(f"The message has more than {MAX_VALUES} values.", body)
    return read_object(body)


def read_object(body: bytes) -> dict[str, object]:
    """Read a JSON object in UTF-8; of a member that occurs twice the last counts.

    Numbers beyond a float, and integers of more than 40 digits, become None.
    Raises ShapeError, whose `content` is `body`, for anything but an object.
    """
    try:
        value = json.loads(
            body.decode("utf-8"),
            parse_int=_integer,
            parse_float=_real,
            parse_constant=_refuse_constant,
        )
    except UnicodeDecodeError as error:
        raise ShapeError("The message is not UTF-8.", body) from error
    except ValueError as error:
        raise ShapeError("The message is not JSON.", body) from error
    except RecursionError as error:
        raise ShapeError("The message is nested too deeply.", body) from error
    if not isinstance(value, dict):
        raise ShapeError("The message is not a JSON object.", body)
    return value


def write_object(value: Mapping[str, object]) -> bytes:
    """Write a JSON object, compact and in ASCII, where a lone surrogate too has a form."""
    return json.dumps(value, separators=(",", ":"), allow_nan=False).encode("ascii")


class Members:
    """A JSON object read leniently.

    A member that is missing, or null, is None; one of a wrong type is None and its name is put
    into `oddities`, and so is one that was required and is missing. Unknown members are ignored.
    """

    def __init__(self, members: Mapping[str, object], oddities: list[str], path: str = "") -> None:
        self._members = members
        self._oddities = oddities
        self._path = path

    def text(self, name: str, *, required: bool = False) -> str | None:
        """Text of at most 1024 characters that UTF-8 can carry; empty text is None."""
        value = self._present(name, required)
        if value is None or value == "":
            return None
        if isinstance(value, str) and is_plain(value):
            return value
        self.call_odd(name)
        return None

    def texts(self, *names: str, required: Sequence[str] = ()) -> tuple[str | None, ...]:
        """Several of them, in this order."""
        return tuple(self.text(name, required=name in required) for name in names)

    def identifier(self, name: str, *, required: bool = False) -> str | None:
        """Text as above, or an integer (an Adam ID in some of Apple's messages) as text."""
        value = self._members.get(name)
        if isinstance(value, int) and not isinstance(value, bool) and value in STORABLE:
            return str(value)
        return self.text(name, required=required)

    def integer(self, name: str, *, required: bool = False) -> int | None:
        """An integer of at most 63 bits, also where it is sent as text."""
        value = self._present(name, required)
        if isinstance(value, str) and value.isascii() and value.removeprefix("-").isdigit():
            value = _integer(value)
        if value is None:
            return None
        if isinstance(value, int) and not isinstance(value, bool) and value in STORABLE:
            return value
        self.call_odd(name)
        return None

    def number(self, name: str) -> float | None:
        """An integer or a real number as a float."""
        value = self._present(name, False)
        if isinstance(value, int | float) and not isinstance(value, bool):
            return float(value)
        if value is not None:
            self.call_odd(name)
        return None

    def child(self, name: str, *, required: bool = False) -> Members | None:
        """The object under `name`."""
        value = self._present(name, required)
        if isinstance(value, dict):
            return Members(value, self._oddities, f"{self._path}{name}.")
        if value is not None:
            self.call_odd(name)
        return None

    def children(self, name: str, *, required: bool = False) -> tuple[Members, ...] | None:
        """The objects of the array under `name`; entries that are none are odd and left out."""
        value = self._present(name, required)
        if not isinstance(value, list):
            if value is not None:
                self.call_odd(name)
            return None
        found = []
        for number, each in enumerate(value):
            if isinstance(each, dict):
                found.append(Members(each, self._oddities, f"{self._path}{name}.{number}."))
            else:
                self.call_odd(f"{name}.{number}")
        return tuple(found)

    def raw(self, name: str) -> object:
        """The member as it is."""
        return self._members.get(name)

    def call_odd(self, name: str) -> None:
        """Note that the member cannot be used."""
        self._oddities.append(f"{self._path}{name}")

    def _present(self, name: str, required: bool) -> object:
        value = self._members.get(name)
        if value is None and required:
            self.call_odd(name)
        return value


def is_plain(text: str) -> bool:
    """Whether `text` is short and can be stored as UTF-8."""
    return len(text) <= MAX_TEXT and (
        text.isascii() or not any("\ud800" <= letter <= "\udfff" for letter in text)
    )


def given(**members: object) -> dict[str, object]:
    """The members of an object that are there."""
    return {name: value for name, value in members.items() if value is not None}


def texts(value: object) -> tuple[str, ...]:
    """The strings of a JSON array; nothing where it is none."""
    return tuple(each for each in value if isinstance(each, str)) if isinstance(value, list) else ()


def _integer(digits: str) -> int | None:
    return int(digits) if len(digits) <= _MAX_DIGITS else None


def _real(digits: str) -> float | None:
    value = float(digits)
    return value if math.isfinite(value) else None


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")
