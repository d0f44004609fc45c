"""XML property lists, read with a hardened parser. `bridge.wire.plist` is the door to it.

What is plain is read though the format does not know it: what follows `</plist>` is not looked at,
a dictionary is without a key whose value is an empty `<real/>`, and a date may name its offset from
UTC. MicroMDM passes such answers on. Whatever leaves open what was meant is unusable.
Format: Apple, PropertyList-1.0.dtd.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import NoReturn
from xml.parsers import expat

MAX_DEPTH = 100
MAX_VALUES = 1_000_000
MIN_INTEGER = -(2**63)
MAX_INTEGER = 2**64 - 1

_INTEGER = re.compile(r"([+-]?)(?:0[xX]([0-9a-fA-F]{1,32})|([0-9]{1,40}))", re.ASCII)
_REAL = re.compile(
    r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:e[+-]?[0-9]+)?|[+-]?inf(?:inity)?|nan", re.I
)
_DATE = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})T([0-9]{2}):([0-9]{2}):([0-9]{2})(?:\.([0-9]+))?"
    r"(?:Z|([+-])([01][0-9]|2[0-3]):?([0-5][0-9]))",
    re.ASCII,
)
_DISTANT_PAST = datetime.min.replace(tzinfo=UTC)


_ABSENT = object()
"""An element that holds no value, as if it and its key were not there."""


class Unusable(ValueError):
    """Why a property list cannot be read or written, as the end of a sentence."""


class _Finished(Exception):
    """The root element was closed: the document is complete."""


def read(data: bytes) -> object:
    """Read one XML property list; raises Unusable."""
    builder = _Builder()
    try:
        _parser(builder).Parse(data.lstrip(b" \t\r\n"), True)
    except _Finished:
        pass
    except expat.ExpatError as error:
        reason = f"{expat.ErrorString(error.code)}, line {error.lineno}"
        raise Unusable(f"its XML is not well-formed: {reason}") from error
    except LookupError as error:
        raise Unusable("its XML is in an unknown encoding") from error
    except Unusable:
        raise
    except ValueError as error:
        raise Unusable("its XML is in an encoding that is not supported") from error
    return builder.result()


def _parser(builder: _Builder) -> expat.XMLParserType:
    """Expat itself, as every answer of every device is read by it: what defusedxml puts around it
    costs twice as much as the reading. It refuses what defusedxml does: every declaration of an
    entity, and every reference to one. Source: Python, "pyexpat".
    """
    # With namespaces: an element of another one is none of a property list's.
    parser = expat.ParserCreate(None, "}")
    parser.buffer_text = True
    parser.StartElementHandler = builder.start
    parser.EndElementHandler = builder.end
    parser.CharacterDataHandler = builder.data
    parser.StartDoctypeDeclHandler = _doctype
    parser.EntityDeclHandler = parser.UnparsedEntityDeclHandler = _entity
    parser.ExternalEntityRefHandler = parser.SkippedEntityHandler = _entity
    return parser


def _doctype(name: str, _system: object, _public: object, has_internal_subset: int) -> None:
    """Takes Apple's DOCTYPE line, which declares nothing, and no other.

    Entities grow without bound, and so do attributes with declared defaults.
    """
    if name != "plist" or has_internal_subset:
        raise Unusable("its document type is not the plain one of a property list")


def _entity(*_told: object) -> NoReturn:
    # Without its name, which may be a secret.
    raise Unusable("its XML declares or refers to entities")


@dataclass(slots=True)
class _Dictionary:
    """A dictionary being read: `key` waits for its value."""

    items: dict[str, object]
    key: str | None = None

    def add(self, value: object) -> None:
        if self.key is None:
            raise Unusable("a dictionary in it has a value without a key")
        if value is _ABSENT:
            self.items.pop(self.key, None)
        else:
            self.items[self.key] = value
        self.key = None

    def take_key(self, key: str) -> None:
        if self.key is not None:
            raise Unusable("a dictionary in it has a key without a value")
        self.key = key

    def finished(self) -> object:
        if self.key is not None:
            raise Unusable("a dictionary in it has a key without a value")
        return self.items


@dataclass(slots=True)
class _Array:
    """An array, or the document itself, being read."""

    items: list[object]

    def add(self, value: object) -> None:
        if value is not _ABSENT:
            self.items.append(value)

    def take_key(self, key: str) -> None:
        raise Unusable("it has a key outside a dictionary")

    def finished(self) -> object:
        return self.items


class _Builder:
    """Turns the parser's calls into values, one at a time, so that no tree is held."""

    def __init__(self) -> None:
        self._document = _Array([])
        self._open: list[_Dictionary | _Array] = []
        self._leaf: str | None = None
        self._text: list[str] = []
        self._values = 0

    def start(self, tag: str, _attributes: Mapping[str, str], /) -> None:
        if not self._open:
            if tag != "plist":
                raise Unusable("its root element is not plist")
            self._open.append(self._document)
            return
        if self._leaf is not None:
            raise Unusable(f"it has an element inside a {self._leaf}")
        self._values += 1
        if self._values > MAX_VALUES:
            raise Unusable(f"it has more than {MAX_VALUES} values")
        if tag == "dict":
            self._open.append(_Dictionary({}))
        elif tag == "array":
            self._open.append(_Array([]))
        elif tag == "key" or tag in _LEAVES:
            self._leaf = tag
        else:
            raise Unusable("it has an element that no property list knows")
        if len(self._open) > MAX_DEPTH + 1:
            raise Unusable(f"it is nested deeper than {MAX_DEPTH}")

    def data(self, text: str, /) -> None:
        if self._leaf is not None:
            self._text.append(text)
        elif text.strip():
            raise Unusable("it has text between its elements")

    def end(self, tag: str, /) -> None:
        if self._leaf is None:
            finished = self._open.pop()
            if not self._open:
                raise _Finished
            self._open[-1].add(finished.finished())
            return
        text = "".join(self._text)
        self._text.clear()
        self._leaf = None
        if tag == "key":
            self._open[-1].take_key(text)
        else:
            self._open[-1].add(_LEAVES[tag](text))

    def result(self) -> object:
        if len(self._document.items) != 1:
            raise Unusable("it does not hold exactly one value")
        return self._document.items[0]


def _integer(text: str) -> int:
    match = _INTEGER.fullmatch(text.strip())
    if match is None:
        raise Unusable("an integer in it is not one")
    sign, hexadecimal, decimal = match.groups()
    value = int(hexadecimal, 16) if hexadecimal else int(decimal)
    if sign == "-":
        value = -value
    if not MIN_INTEGER <= value <= MAX_INTEGER:
        raise Unusable("an integer in it is out of range")
    return value


def _real(text: str) -> object:
    text = text.strip()
    if not text:
        return _ABSENT
    if _REAL.fullmatch(text) is None:
        raise Unusable("a real number in it is not one")
    return float(text)


def _date(text: str) -> datetime:
    match = _DATE.fullmatch(text.strip())
    if match is None:
        raise Unusable("a date in it is not one")
    year, month, day, hour, minute, second = (int(part) for part in match.groups()[:6])
    if year == 0:
        return _DISTANT_PAST  # Apple's distantPast is 0000-12-30, before Python's first day
    fraction, sign, hours, minutes = match.groups()[6:]
    ahead = timedelta(hours=int(hours or 0), minutes=int(minutes or 0))
    try:
        whole = datetime(year, month, day, hour, minute, second, tzinfo=UTC)
        whole += ahead if sign == "-" else -ahead
    except (ValueError, OverflowError) as error:
        raise Unusable("a date in it is not one") from error
    return whole + timedelta(microseconds=int(((fraction or "") + "000000")[:6]))


def _data(text: str) -> bytes:
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError) as error:
        raise Unusable("data in it is not base64") from error


def _empty(value: bool) -> Callable[[str], bool]:
    def read_flag(text: str) -> bool:
        if text.strip():
            raise Unusable("a true or false in it has text")
        return value

    return read_flag


_LEAVES: dict[str, Callable[[str], object]] = {
    "string": str,
    "integer": _integer,
    "real": _real,
    "date": _date,
    "data": _data,
    "true": _empty(True),
    "false": _empty(False),
}
