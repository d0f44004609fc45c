"""Reading values of any shape, as a managed app configuration holds them.

Elsewhere a key's type is known and its value is text until it is read. Here the file's own
writing gives the type, so that what could be meant in two ways (`no`, `0123`, `12:30`, a date) is
a mistake. No sentence shows a value: they are secrets.
"""

from __future__ import annotations

import math
import re
from typing import Any

import yaml

from bridge.config.read import Reader, Spot

MOST_VALUES = 10_000
DEEPEST = 30

_TAG = "tag:yaml.org,2002:"
_INTEGER = re.compile(r"[-+]?(0|[1-9][0-9]{0,19})")
_REAL = re.compile(r"[-+]?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]{1,3})?")
_LEAST, _LARGEST = -(2**63), 2**64 - 1
"""The integers of a property list (Apple, PropertyList)."""
# XML 1.0, section 2.2: what a property list cannot carry. Line breaks and tabs it can.
_UNCARRIABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
_QUOTE = "put it in quotes to send it as text"


class _Nothing:
    """What stands in the place of a value with a mistake."""


_NOTHING = _Nothing()


def read_tree(reader: Reader, spot: Spot) -> dict[str, Any]:
    """The keys below `spot` with texts, numbers, true and false, lists and keys below them.

    What has a mistake is noted and left out.
    """
    tree = _Tree(reader)
    return tree.keys(spot, 0)


class _Tree:
    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._values = 0
        self._too_much = False

    def keys(self, spot: Spot, depth: int) -> dict[str, Any]:
        read = {}
        for name, child in self._reader.mapping(spot).items():
            if name == "<<":
                self._reader.wrong(child, "merge keys are not read; write the keys out")
            elif _UNCARRIABLE.search(name):
                self._reader.wrong(child, "the key holds a control character; remove it")
            elif (value := self._value(child, depth + 1)) is not _NOTHING:
                read[name] = value
        return read

    def _value(self, spot: Spot, depth: int) -> Any:
        if self._is_too_much(spot, depth):
            return _NOTHING
        if isinstance(spot.node, yaml.MappingNode):
            return self.keys(spot, depth)
        if isinstance(spot.node, yaml.SequenceNode):
            read = [self._value(item, depth + 1) for item in self._reader.items(spot)]
            return [value for value in read if value is not _NOTHING]
        try:
            return self._scalar(spot)
        except _Mistake as mistake:
            self._reader.wrong(spot, str(mistake))
            return _NOTHING

    def _is_too_much(self, spot: Spot, depth: int) -> bool:
        """An alias may hold itself, or a few lines a million values: reading ends, said once."""
        self._values += 1
        if not self._too_much and (self._values > MOST_VALUES or depth > DEEPEST):
            self._too_much = True
            limit = f"{MOST_VALUES} values, {DEEPEST} deep"
            self._reader.wrong(spot, f"is too much for one app; write at most {limit}")
        return self._too_much

    def _scalar(self, spot: Spot) -> Any:
        text = str(spot.node.value)
        match spot.node.tag.removeprefix(_TAG):
            case "str" if _is_json_number(spot.node):
                return _real(text)
            case "str":
                return self._text(spot)
            case "int":
                return _integer(text)
            case "float":
                return _real(text)
            case "bool" if text.lower() in ("true", "false"):
                return text.lower() == "true"
            case "bool":
                raise _Mistake(f"could be text or not; write true or false, or {_QUOTE}")
            case "timestamp":
                raise _Mistake(f"is a date; {_QUOTE}")
            case "null":
                raise _Mistake("is empty; write a value or leave the key out")
        raise _Mistake("has a YAML tag or a special sign; write the value in quotes")

    def _text(self, spot: Spot) -> Any:
        text = self._reader.filled(spot, spot.node.value)
        if text is not None and _UNCARRIABLE.search(text):
            raise _Mistake("holds a control character that no device can be sent; remove it")
        return _NOTHING if text is None else text


class _Mistake(Exception):
    """What is wrong with one value, as the end of a sentence."""


def _is_json_number(node: yaml.Node) -> bool:
    """Whether this is a number as JSON may write it, like 1e5, which YAML takes for text."""
    return getattr(node, "style", None) is None and bool(_REAL.fullmatch(str(node.value)))


def _integer(text: str) -> int:
    if not _INTEGER.fullmatch(text) or not _LEAST <= int(text) <= _LARGEST:
        raise _Mistake(f"is no number of plain digits that can be sent; mend it, or {_QUOTE}")
    return int(text)


def _real(text: str) -> float:
    if not _REAL.fullmatch(text) or not math.isfinite(float(text)):
        raise _Mistake(f"is no plain number; write it like 1.5, or {_QUOTE}")
    return float(text)
