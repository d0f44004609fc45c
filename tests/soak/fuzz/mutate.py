"""What is good, changed a little or much, by a seed."""

from __future__ import annotations

import copy
import json
import plistlib
import random
from datetime import datetime
from typing import Any

LONG = 20_000
DEEP = 400
MANY = 50
"""Characters of a long text, levels of something nested, and how often something is repeated:
beyond what any reader lets in, and far below what would harm one."""

TEXTS = (
    *(
        "",
        " ",
        "0",
        "-1",
        "x" * 300,
        "true",
        "null",
        "NaN",
        "a,b",
        "*",
        "%",
        "'",
        '"',
        "\\",
        "../..",
    ),
    *("\0", "\x1f", "\ud800", "\u202e", "é", "e\u0301", "\U0001f600", "\u2028", "${HOME}", "<b>"),
    *("2026-13-45T99:99:99Z", "0001-01-01T00:00:00Z", "1e400", "12345678901234567890123", "user:x"),
)
NUMBERS = (0, -1, 1, 2**31, 2**53 + 1, 2**63 - 1, 2**63, 2**64, -(2**63) - 1, 10**40, 1e308, 0.1)
LEAVES: tuple[Any, ...] = (None, True, False, *NUMBERS, *TEXTS, float("inf"), float("nan"))
BYTES = (
    b"",
    b"\x00",
    b"\xff",
    b"\x80",
    b"<",
    b">",
    b"&",
    b"{",
    b"}",
    b"[",
    b"]",
    b'"',
    b"\n",
    b":",
)


class Mutator:
    """Draws from `chance` alone."""

    def __init__(self, chance: random.Random) -> None:
        self.chance = chance

    def text(self) -> str:
        """A text that is odd in some way."""
        if self.chance.random() < 0.02:
            return self.chance.choice(TEXTS) * self.chance.randint(1, LONG // 300)
        if self.chance.random() < 0.6:
            return self.chance.choice(TEXTS)
        return "".join(
            chr(self.chance.randint(0, 0x17F)) for _ in range(self.chance.randint(1, 12))
        )

    def leaf(self) -> Any:
        """A value of any type."""
        kind = self.chance.random()
        if kind < 0.7:
            return self.chance.choice(LEAVES)
        if kind < 0.8:
            return self.text()
        if kind < 0.95:
            return self.chance.choice(([], {}, [[]], [{}], {"": None}, ["x"], {"x": 1}))
        return self.nested()

    def nested(self) -> Any:
        """Something in many lists, or objects."""
        value: Any = self.chance.choice(LEAVES)
        in_lists = self.chance.random() < 0.5
        for _ in range(self.chance.choice((20, 90, 110, DEEP))):
            value = [value] if in_lists else {"x": value}
        return value

    def value(self, good: Any) -> Any:
        """`good` with some places in it changed; itself now and then replaced."""
        if self.chance.random() < 0.02:
            return self.leaf()
        changed = copy.deepcopy(good)
        for _ in range(self.chance.choice((1, 1, 1, 2, 5))):
            self._change(changed)
        return changed

    def _change(self, value: Any) -> None:
        inside = value
        while isinstance(inside, dict | list) and inside:
            key = self.chance.choice(
                list(inside) if isinstance(inside, dict) else range(len(inside))
            )
            below = inside[key]
            if isinstance(below, dict | list) and below and self.chance.random() < 0.75:
                inside = below
                continue
            self._put(inside, key)
            return

    def _put(self, inside: Any, key: Any) -> None:
        match self.chance.randrange(6):
            case 0:
                del inside[key]
            case 1 if isinstance(inside, dict):
                inside[self.text()] = inside.pop(key)
            case 2 if isinstance(inside, list) and len(inside) < MANY:
                inside += inside[key : key + 1] * self.chance.choice((1, 3, MANY))
            case 3 if isinstance(inside[key], str):
                inside[key] = self._in_text(inside[key])
            case _:
                inside[key] = self.leaf()

    def _in_text(self, good: str) -> str:
        at = self.chance.randint(0, len(good))
        return good[:at] + self.text() + good[at + self.chance.randint(0, 3) :]

    def data(self, good: bytes) -> bytes:
        """`good` with bytes of it changed, left out, repeated or cut off."""
        changed = bytearray(good)
        for _ in range(self.chance.choice((1, 1, 2, 4, 16))):
            at = self.chance.randint(0, max(len(changed) - 1, 0))
            end = at + self.chance.choice((1, 1, 2, 8, 64))
            match self.chance.randrange(6):
                case 0:
                    changed[at:end] = self.chance.choice(BYTES)
                case 1:
                    changed[at:at] = self.chance.choice(BYTES)
                case 2:
                    changed[at:at] = changed[at:end] * self.chance.choice((1, 2, 40))
                case 3 if changed:
                    changed[at] ^= 1 << self.chance.randrange(8)
                case 4 if self.chance.random() < 0.3:
                    del changed[at:]
                case _:
                    changed[at:end] = self.chance.randbytes(self.chance.choice((1, 1, 4)))
        return bytes(changed)

    def json(self, good: Any) -> bytes:
        """`good` as JSON: changed as a value, as text, or both."""
        value = self.value(good) if self.chance.random() < 0.8 else good
        written = json.dumps(value, ensure_ascii=self.chance.random() < 0.7)
        data = written.encode("utf-8", "surrogatepass")
        return data if self.chance.random() < 0.7 else self.data(data)

    def plist(self, good: Any) -> bytes:
        """`good` as a property list, in XML or binary: changed as a value, as bytes, or both."""
        value = _as_plist(self.value(good)) if self.chance.random() < 0.6 else good
        form = plistlib.FMT_BINARY if self.chance.random() < 0.5 else plistlib.FMT_XML
        try:
            data = plistlib.dumps(value, fmt=form, sort_keys=False)
        except (OverflowError, TypeError, ValueError, RecursionError):
            data = plistlib.dumps(good, fmt=form)  # what it cannot write
        if self.chance.random() < 0.3:
            return data
        return self.trailer(data) if form is plistlib.FMT_BINARY else self.data(data)

    def trailer(self, data: bytes) -> bytes:
        """A binary property list with its bytes changed, often in the table and the trailer behind
        its objects, which tell of their sizes and places."""
        if self.chance.random() < 0.5:
            return self.data(data)
        at = len(data) - self.chance.randint(1, min(len(data), 64))
        return data[:at] + bytes([self.chance.randrange(256)]) + data[at + 1 :]


def _as_plist(value: Any) -> Any:
    """`value` without what no property list has."""
    match value:
        case dict():
            return {str(key): _as_plist(each) for key, each in value.items() if each is not None}
        case list():
            return [_as_plist(each) for each in value if each is not None]
        case None | str() | bool() | int() | float() | bytes() | datetime():
            return "" if value is None else value
    return str(value)
