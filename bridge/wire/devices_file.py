"""A `devices_file`: CSV with the header `serial,udid`, for servers that cannot list their devices.

Nothing in it is the device's own word. So each device that it names is asked for its serial number
before anything else is sent to it, and a line that cannot be read costs no other line.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass

from bridge.errors import ShapeError

_UDID = re.compile(r"[A-Za-z0-9-]{1,64}")
_SERIAL = re.compile(r"[A-Za-z0-9-]{1,64}")
_COLUMNS = ("serial", "udid")
_SHOWN = 40


@dataclass(frozen=True, slots=True)
class Line:
    """A device as one line has it: its serial number in capitals, its UDID byte for byte."""

    number: int
    serial_number: str
    udid: str


@dataclass(frozen=True, slots=True)
class DevicesFile:
    """What a file says. `mistakes` are sentences about lines that were left out."""

    lines: tuple[Line, ...] = ()
    mistakes: tuple[str, ...] = ()


def parse_devices_file(content: bytes) -> DevicesFile:
    """Read a whole file; raises ShapeError where it is no such file at all.

    Columns may stand in any order and beside others. Blank lines and those that begin with # count
    for nothing. Of two lines with one UDID the first counts.
    """
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise ShapeError(f"line {line} is not UTF-8; save the file as UTF-8 text") from None
    rows = _rows(text)
    head = next(rows, None)
    names = [] if head is None else [word.lower() for word in head[1]]
    if not all(names.count(column) == 1 for column in _COLUMNS):
        raise ShapeError("its first line is not serial,udid; write that line first")
    serial_at, udid_at = (names.index(column) for column in _COLUMNS)
    lines: dict[str, Line] = {}
    mistakes: list[str] = []
    for number, words in rows:
        serial, udid = (words[at] if at < len(words) else "" for at in (serial_at, udid_at))
        if not _SERIAL.fullmatch(serial):
            mistakes.append(f"line {number}: {_shown(serial)} is not a serial number")
        elif not _UDID.fullmatch(udid):
            mistakes.append(f"line {number}: {_shown(udid)} is not a UDID")
        elif (first := lines.get(udid)) is None:
            lines[udid] = Line(number, serial.upper(), udid)
        elif first.serial_number != serial.upper():
            mistakes.append(f"line {number}: UDID {udid} stands in line {first.number} already")
    return DevicesFile(tuple(lines.values()), tuple(mistakes))


def _rows(text: str) -> Iterator[tuple[int, list[str]]]:
    """Each line that says anything, with its number."""
    for number, line in enumerate(text.splitlines(), start=1):
        if line.strip() and not line.lstrip().startswith("#"):
            yield number, [word.strip() for word in next(csv.reader([line]), [])]


def _shown(word: str) -> str:
    plain = "".join(c if c.isprintable() else "?" for c in word[:_SHOWN])
    return f'"{plain}"' if plain else "nothing"
